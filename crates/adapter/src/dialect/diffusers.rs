//! diffusers' names: the part of the model, then the dotted path.
//!
//! `unet.down_blocks.0.attentions.0.proj_in`. The oldest spelling names attention processors instead of layers,
//! `….attn1.processor.to_out_lora`, and leaves the `.0` of `to_out.0` out. ComfyUI's `diffusion_model.` is
//! read here too, and the original model's names without any prefix.

use super::{DialectId, NamingContext, comfy};
use crate::layout;
use crate::module::{Component, ModuleKey};

/// Prefixes of the parts; `transformer_2.` (a second expert) stays in the path.
const PREFIXES: [(&str, Component, DialectId); 8] = [
    ("unet.", Component::Unet, DialectId::Diffusers),
    ("transformer.", Component::Transformer, DialectId::Diffusers),
    ("text_encoder.", Component::TextEncoder(1), DialectId::Diffusers),
    ("text_encoder_2.", Component::TextEncoder(2), DialectId::Diffusers),
    ("text_encoder_3.", Component::TextEncoder(3), DialectId::Diffusers),
    ("prior.", Component::Prior, DialectId::Diffusers),
    ("model.diffusion_model.", Component::Transformer, DialectId::Comfy),
    ("diffusion_model.", Component::Transformer, DialectId::Comfy),
];

/// Layers of an attention processor; `to_out` is the first of a list of two.
const PROCESSOR_LAYERS: [&str; 8] =
    ["to_q", "to_k", "to_v", "to_out", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out"];

/// The prefix of a base name, the part of the model and the dialect that it stands for.
pub(super) fn prefix(base: &str) -> Option<(&'static str, Component, DialectId)> {
    PREFIXES.into_iter().find(|(p, _, _)| base.starts_with(p))
}

/// Dialect and module of a dotted base name.
pub(crate) fn key(base: &str) -> (DialectId, ModuleKey) {
    let model = |path: &str| ModuleKey { component: Component::Model, path: path.to_owned() };
    // GPT-2 and its kin call their body `transformer` too.
    if base.starts_with("transformer.h.") || base.starts_with("transformer.wte") {
        return (DialectId::Diffusers, model(base));
    }
    if base.starts_with("transformer_2.") {
        let key = ModuleKey { component: Component::Transformer, path: base.to_owned() };
        return (DialectId::Diffusers, key);
    }
    if let Some(key) = comfy::text_encoder(base) {
        return (DialectId::Comfy, key);
    }
    let found = prefix(base);
    let bare = if layout::is_original(base) { DialectId::Comfy } else { DialectId::Diffusers };
    let (prefix, component, dialect) = found.unwrap_or(("", Component::Model, bare));
    let path = &base[prefix.len()..];
    let component = match component {
        Component::Transformer => layout::component_of(path, layout::Heads::All).unwrap_or(component),
        Component::Model => layout::component_of(path, layout::Heads::Sure).unwrap_or(component),
        other => other,
    };
    let path = match component {
        Component::Unet => layout::from_original_unet(path).unwrap_or_else(|| path.to_owned()),
        _ => path.to_owned(),
    };
    (dialect, ModuleKey { component, path })
}

/// The module of `….processor.to_q`; `None` for processors of other trainers.
pub(super) fn processor_key(base: &str) -> Option<ModuleKey> {
    let (head, layer) = base.rsplit_once('.')?;
    if !PROCESSOR_LAYERS.contains(&layer) {
        return None;
    }
    let head = head.strip_suffix(".processor").unwrap_or(head);
    let zero = if layer == "to_out" { ".0" } else { "" };
    Some(key(&format!("{head}.{layer}{zero}")).1)
}

/// The base name of a module, or why there is none.
pub(super) fn base(module: &ModuleKey, raw: DialectId, ctx: NamingContext) -> Result<String, &'static str> {
    let path = native_path(module, raw, ctx)?;
    match module.component {
        Component::Model => Err("a module of no known part of an image model"),
        Component::Transformer if path.starts_with("transformer_2.") => Ok(path),
        component => Ok(format!("{component}.{path}")),
    }
}

/// Dialect and base name in one of the three old spellings: processors name attention layers only, text encoders
/// have their own spelling, and everything else is spelled with `.lora.up`.
pub(super) fn old_base(
    dialect: DialectId,
    module: &ModuleKey,
    raw: DialectId,
    ctx: NamingContext,
) -> Result<(DialectId, String), &'static str> {
    let base = base(module, raw, ctx)?;
    if module.component.is_text_encoder() {
        return Ok((DialectId::DiffusersLinear, base));
    }
    let attention = base.strip_suffix(".to_out.0").map(|head| (head, "to_out"));
    let attention = attention.or_else(|| base.rsplit_once('.').filter(|(_, layer)| *layer != "to_out"));
    match attention {
        Some((head, layer)) if dialect == DialectId::DiffusersProcs && PROCESSOR_LAYERS.contains(&layer) => {
            Ok((dialect, format!("{head}.processor.{layer}")))
        }
        _ => Ok((DialectId::DiffusersLora, base)),
    }
}

/// The module's dotted path, when it is known to be the one that diffusers and PEFT use.
pub(super) fn native_path(module: &ModuleKey, raw: DialectId, ctx: NamingContext) -> Result<String, &'static str> {
    let dots_are_sure = matches!(
        raw,
        DialectId::Peft
            | DialectId::Diffusers
            | DialectId::DiffusersProcs
            | DialectId::DiffusersLora
            | DialectId::DiffusersLinear
            | DialectId::Bare
            | DialectId::Mlx
    );
    // Dotted names of models without known parts are taken as they are.
    if dots_are_sure || module.component == Component::Model && module.path.contains('.') {
        return Ok(module.path.clone());
    }
    if module.component == Component::Transformer && layout::is_fused(ctx.family, &module.path) {
        return Err("a fused module, which is several there");
    }
    let known = layout::dotted_in(ctx.family, module.component, &module.path.replace('.', "_"));
    known.ok_or("a name whose dotted path no layout knows")
}
