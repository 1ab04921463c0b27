#!/usr/bin/env python3
"""Merges LoRA adapters with PEFT's add_weighted_adapter.

This is what PEFT has that comes closest to the recipe, and not the same: types that end in _svd work on the whole change
B @ A of a module and cut its rank, as Rankweave does; those without work on A and on B one by one, each with the roots of
the weights, so that the result holds products of one adapter's B with another's A. Thresholds, signs and chance differ too.

Needs torch, transformers and peft, the base model, and adapters in PEFT folders.
The recipe it was made of: LINK
"""

import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

# settings
BASE = sys.argv[1]  # name or folder of the base model

torch.manual_seed(SEED)
base = AutoModelForCausalLM.from_pretrained(BASE)
first, *others = ADAPTERS
model = PeftModel.from_pretrained(base, ADAPTERS[first], adapter_name=first)
for name in others:
    model.load_adapter(ADAPTERS[name], adapter_name=name)
model.add_weighted_adapter(adapter_name="merged", **MERGE)
model.set_adapter("merged")
model.save_pretrained("merged", selected_adapters=["merged"])
print("Written: merged/merged; it is loaded by")
print("    model = PeftModel.from_pretrained(base, 'merged/merged')")
