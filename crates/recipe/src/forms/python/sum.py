#!/usr/bin/env python3
"""Adds LoRA adapters up exactly, and writes one that PEFT loads.

The change of a module is B @ A * scale. The sum of several is [w1*s1*B1 | w2*s2*B2 | ...] @ [A1; A2; ...]: the factors
side by side, nothing recomputed. Averaging A and B apart would be something else.

Needs numpy and safetensors (pip install numpy safetensors). Reads PEFT folders, and single files of PEFT's or kohya's
names. The recipe it was made of: LINK
"""

import json
import math
import re
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

# settings
OUTPUT = Path(sys.argv[1] if len(sys.argv) > 1 else "merged")

NAME = re.compile(
    r"(?:base_model\.model\.)?(?P<module>.+?)\.(?:(?P<a>lora_A(?:\.default)?\.weight|lora_down\.weight)"
    r"|(?P<b>lora_B(?:\.default)?\.weight|lora_up\.weight)|(?P<alpha>alpha))"
)
DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}


def tensors(path):
    """Name and values (float64) of every tensor of a safetensors file."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)
    for name, about in header.items():
        begin, end = about["data_offsets"]
        raw = data[start + begin : start + end]
        if about["dtype"] == "BF16":
            values = (np.frombuffer(raw, "<u2").astype("<u4") << 16).view("<f4")
        elif about["dtype"] in DTYPES:
            values = np.frombuffer(raw, DTYPES[about["dtype"]])
        else:
            raise SystemExit(f"{path}: {name} is of type {about['dtype']}, which this script does not read")
        yield name, values.astype(np.float64).reshape(about["shape"])


def read(where):
    """The modules of an adapter, {name: [A, B, scale]}, and its configuration."""
    path = Path(where)
    if path.is_dir():
        path = path / "adapter_model.safetensors"
    beside = path.with_name("adapter_config.json")
    config = json.loads(beside.read_text("utf-8")) if path.name == "adapter_model.safetensors" and beside.exists() else {}
    if config.get("use_dora") or config.get("peft_type", "LORA") != "LORA":
        raise SystemExit(f"{path}: DoRA and other kinds of adapters have no such sum; rankweave merges them")
    modules, alphas = {}, {}
    for name, values in tensors(path):
        found = NAME.fullmatch(name)
        if not found:
            raise SystemExit(f"{path}: {name} is not of a plain LoRA; rankweave reads other kinds")
        module = found["module"]
        if found["alpha"]:
            alphas[module] = float(values)
        else:
            modules.setdefault(module, [None, None, 1.0])[0 if found["a"] else 1] = values
    for module, parts in modules.items():
        if parts[0] is None or parts[1] is None:
            raise SystemExit(f"{path}: a factor of {module} is missing")
        rank = parts[0].shape[0]
        alpha = alphas.get(module)
        if alpha is None and config:
            patterns = (config.get("alpha_pattern") or {}).items()
            own = (a for pattern, a in patterns if re.match(rf"(.*\.)?({pattern})$", module))
            alpha = next(own, config.get("lora_alpha", 8))
        if alpha is not None:
            parts[2] = alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)
    return modules, config


def is_text_encoder(module):
    return module.startswith(("text_encoder", "lora_te", "text_model"))


adapters = [(*read(where), weight, te) for where, weight, te in ADAPTERS]
merged, ranks = {}, {}
kohya = any(module.startswith("lora_") for modules, *_ in adapters for module in modules)
for module in sorted({module for modules, *_ in adapters for module in modules}):
    own = [(modules[module], te if is_text_encoder(module) else weight) for modules, _, weight, te in adapters if module in modules]
    count = {"none": 1, "present": len(own), "all": len(adapters)}[DIVIDE_BY]
    a = np.concatenate([parts[0] for parts, _ in own], axis=0)
    b = np.concatenate([parts[1] * (FACTOR * weight * parts[2] / count) for parts, weight in own], axis=1)
    ranks[module] = a.shape[0]
    names = ("lora_down.weight", "lora_up.weight") if kohya else ("lora_A.weight", "lora_B.weight")
    prefix = module if kohya else f"base_model.model.{module}"
    merged[f"{prefix}.{names[0]}"] = np.ascontiguousarray(a.astype(DTYPE))
    merged[f"{prefix}.{names[1]}"] = np.ascontiguousarray(b.astype(DTYPE))
    if kohya:
        merged[f"{module}.alpha"] = np.array(a.shape[0], dtype=DTYPE)

if kohya:
    # These names are no modules of a PEFT model: one file, as kohya's tools and image programs read it.
    path = OUTPUT.with_suffix(".safetensors")
    save_file(merged, path, {"format": "pt"})
    print(f"Written: {path}")
else:
    usual = max(ranks.values())
    others = {module: rank for module, rank in ranks.items() if rank != usual}
    config = {"peft_type": "LORA", "base_model_name_or_path": None, "task_type": None, "bias": "none"}
    config.update(next((config for _, config, *_ in adapters if config), {}))
    # alpha = rank everywhere: the scale is 1, as weights and scales are in B.
    config.update(r=usual, lora_alpha=usual, rank_pattern=others, alpha_pattern=others, use_rslora=False)
    config.update(target_modules=sorted(ranks), exclude_modules=None, modules_to_save=None, init_lora_weights=True)
    config.update(inference_mode=True, lora_dropout=0.0, layers_to_transform=None, layers_pattern=None)
    OUTPUT.mkdir(parents=True, exist_ok=True)
    save_file(merged, OUTPUT / "adapter_model.safetensors", {"format": "pt"})
    (OUTPUT / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
    print(f"Written: {OUTPUT}; it is loaded by")
    print(f"    from peft import PeftModel; model = PeftModel.from_pretrained(base, {str(OUTPUT)!r})")
