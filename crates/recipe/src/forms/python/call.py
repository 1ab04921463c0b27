#!/usr/bin/env python3
"""Merges LoRA adapters with the program rankweave, which has to be installed.

PEFT has no merge of this kind. Another output: python3 SCRIPT OUTPUT, where a name without .safetensors is a PEFT folder.
"""

import subprocess
import sys

# settings
OUTPUT = sys.argv[1] if len(sys.argv) > 1 else "merged.safetensors"

subprocess.run(["rankweave", "merge", "--recipe", RECIPE, *FILES, "-o", OUTPUT], check=True)
print("Written:", OUTPUT)
