//! kohya's names: a prefix for the part of the model, then the path with underscores for dots.
//!
//! `lora_unet_down_blocks_0_attentions_0_proj_in`, `lora_te_text_model_encoder_layers_0_mlp_fc1`. The dots are lost,
//! so a layout has to know the words; an unknown path stays as it is spelled and still matches files like itself.

use super::{NamingContext, diffusers};
use crate::layout;
use crate::module::{Component, ModuleKey};

/// kohya's prefix for rotations; what becomes of them is written as pairs.
const OFT: &str = "oft_unet_";

/// Prefixes and the part of the model they stand for; longer ones first.
const PREFIXES: [(&str, Component); 11] = [
    (OFT, Component::Unet),
    ("lora_prior_unet_", Component::Prior),
    ("lora_prior_te_", Component::TextEncoder(1)),
    ("lora_prior_", Component::Prior),
    ("lora_unet_", Component::Unet),
    ("lora_transformer_", Component::Transformer),
    ("lora_te1_", Component::TextEncoder(1)),
    ("lora_te2_", Component::TextEncoder(2)),
    ("lora_te3_", Component::TextEncoder(3)),
    ("lora_te_", Component::TextEncoder(1)),
    ("lycoris_", Component::Model),
];

/// Words that some trainers put in once more behind the prefix: `lora_unet_unet_down_blocks_…`.
const STUTTER: [(&str, &[&str]); 4] = [
    ("lora_unet_", &["unet_", "model_diffusion_model_", "diffusion_model_"]),
    ("lora_transformer_", &["transformer_", "diffusion_model_"]),
    ("lora_te_", &["text_encoder_"]),
    ("lora_te1_", &["text_encoder_"]),
];

/// The base name that a module's factor pair goes by where it keeps its spelling.
pub(crate) fn written_base(base: &str) -> String {
    base.strip_prefix(OFT).map_or_else(|| base.to_owned(), |path| format!("lora_unet_{path}"))
}

/// The module of a base name with kohya's suffix; such files also come with dotted names.
pub(super) fn key(base: &str) -> ModuleKey {
    prefixed(base).unwrap_or_else(|| diffusers::key(base).1)
}

/// The module of a base name with one of kohya's prefixes.
pub(super) fn prefixed(base: &str) -> Option<ModuleKey> {
    let (prefix, component) = PREFIXES.into_iter().find(|(p, _)| base.starts_with(p))?;
    let path = base[prefix.len()..].trim_start_matches('_');
    let again = STUTTER.iter().filter(|(own, _)| *own == prefix).flat_map(|(_, words)| words.iter());
    let rest = again.filter_map(|word| path.strip_prefix(word)).next().filter(|rest| !rest.starts_with("blocks_"));
    let path = rest.unwrap_or(path);
    let component = match component {
        Component::Unet | Component::Transformer | Component::Model => {
            layout::component_of(path, layout::Heads::All).unwrap_or(component)
        }
        other => other,
    };
    let path = layout::dotted(component, path).unwrap_or_else(|| path.to_owned());
    Some(ModuleKey { component, path })
}

/// The base name of a module, or why there is none.
pub(super) fn base(module: &ModuleKey, ctx: NamingContext) -> Result<String, &'static str> {
    let family = layout::naming(ctx.family);
    let original = match module.component {
        Component::Transformer => layout::original_name(ctx.family, &module.path),
        Component::Unet if family.original_unet => layout::original_unet(&module.path),
        _ => None,
    };
    // What `lora_unet_` would be read as, since it stands for every denoiser.
    let read_as = layout::component_of(&module.path, layout::Heads::All);
    let prefix = match module.component {
        Component::Unet if read_as.is_none_or(|c| c == Component::Unet) => "lora_unet_",
        Component::Transformer if original.is_some() => "lora_unet_",
        Component::Transformer if read_as != Some(Component::Transformer) || family.own_transformer_prefix => {
            "lora_transformer_"
        }
        Component::Transformer => "lora_unet_",
        Component::TextEncoder(1) if family.one_text_encoder => "lora_te_",
        Component::TextEncoder(1) => "lora_te1_",
        // T5, which kohya counts as the third.
        Component::TextEncoder(2) if family.two_text_encoders => "lora_te3_",
        Component::TextEncoder(2) => "lora_te2_",
        Component::TextEncoder(3) => "lora_te3_",
        Component::Prior => "lora_prior_unet_",
        Component::Unet | Component::TextEncoder(_) | Component::Model => {
            return Err("a part of a model that kohya has no prefix for");
        }
    };
    Ok(format!("{prefix}{}", original.as_deref().unwrap_or(&module.path).replace('.', "_")))
}
