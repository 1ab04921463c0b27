"""How each dialect spells the two factors of a module, written from the formats and not from the reader.

A module is called by its canonical id: component, dot, native path (`unet.mid_block.attentions.0.proj_in`).
"""

_KOHYA = {"unet": "lora_unet_", "transformer": "lora_transformer_", "text_encoder": "lora_te_", "text_encoder_2": "lora_te2_"}


def names(dialect, module):
    """(up, down, alpha) names of `module` in `dialect`; alpha is None where the dialect has none."""
    component, path = module.split(".", 1)
    if dialect == "kohya":
        base = _KOHYA[component] + path.replace(".", "_")
        return f"{base}.lora_up.weight", f"{base}.lora_down.weight", f"{base}.alpha"
    if dialect == "peft":
        base = f"base_model.model.{path}"
        return f"{base}.lora_B.weight", f"{base}.lora_A.weight", None
    if dialect == "peft-named":
        base = f"base_model.model.{path}"
        return f"{base}.lora_B.default.weight", f"{base}.lora_A.default.weight", None
    if dialect == "diffusers":
        return f"{module}.lora_B.weight", f"{module}.lora_A.weight", None
    if dialect == "diffusers-lora":
        return f"{module}.lora.up.weight", f"{module}.lora.down.weight", None
    if dialect == "diffusers-linear":
        return f"{module}.lora_linear_layer.up.weight", f"{module}.lora_linear_layer.down.weight", None
    if dialect == "diffusers-procs":
        parent, leaf = module.removesuffix(".0").rsplit(".", 1)
        base = f"{parent}.processor.{leaf}_lora"
        return f"{base}.up.weight", f"{base}.down.weight", None
    raise ValueError(dialect)


def base(dialect, module):
    """What comes before the ending of a module's tensors, in kohya's and PEFT's spelling."""
    _, down, _ = names(dialect, module)
    return down.removesuffix(".lora_down.weight").removesuffix(".lora_A.weight")
