//! ComfyUI's names: `diffusion_model.` and the path in the original model; text encoders by what they are.
//!
//! Black Forest Labs' own files have the same paths without the prefix.

use super::NamingContext;
use crate::layout;
use crate::module::{Component, ModuleKey};

/// Prefix of the denoiser.
pub(super) const PREFIX: &str = "diffusion_model.";

/// Prefixes of text encoders, the encoder's number, and the families where it is that.
const TEXT: [(&str, u8, &[&str]); 6] = [
    ("text_encoders.clip_l.transformer.", 1, &["sd15", "sdxl", "flux1", "sd3"]),
    ("text_encoders.clip_h.transformer.", 1, &["sd21"]),
    ("text_encoders.clip_g.transformer.", 2, &["sdxl", "sd3"]),
    ("text_encoders.t5xxl.transformer.", 2, &["flux1"]),
    ("text_encoders.t5xxl.transformer.", 3, &["sd3"]),
    ("text_encoders.t5xxl.transformer.", 1, &["chroma"]),
];

/// The text encoder and path of a base name. T5 is taken for the third; where it is the second, the family says so.
pub(super) fn text_encoder(base: &str) -> Option<ModuleKey> {
    let (prefix, number) = [(TEXT[0].0, 1), (TEXT[1].0, 1), (TEXT[2].0, 2), (TEXT[3].0, 3)]
        .into_iter()
        .find(|(prefix, _)| base.starts_with(prefix))?;
    Some(ModuleKey { component: Component::TextEncoder(number), path: base[prefix.len()..].to_owned() })
}

/// The base name of a module, or why there is none.
pub(super) fn base(module: &ModuleKey, ctx: NamingContext) -> Result<String, &'static str> {
    match module.component {
        Component::TextEncoder(n) => {
            let known = TEXT.iter().find(|(_, number, families)| *number == n && families.contains(&ctx.family));
            let (prefix, ..) = known.ok_or("a text encoder whose name in ComfyUI is not known")?;
            let dotted = layout::dotted_in(ctx.family, module.component, &module.path.replace('.', "_"));
            Ok(format!("{prefix}{}", dotted.ok_or("a name whose dotted path no layout knows")?))
        }
        Component::Unet | Component::Transformer if !module.path.starts_with("transformer_2.") => {
            let original = layout::original_name(ctx.family, &module.path);
            Ok(format!("{PREFIX}{}", original.ok_or("a name that the original model does not have")?))
        }
        _ => Err("a part of a model that ComfyUI has no name for"),
    }
}
