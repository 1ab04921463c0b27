//! Layouts: what is known of model families, one file per family or group.
//!
//! A layout says three things: which part of a model a name belongs to, how a path that has lost its dots is spelled
//! with them, and by which names and shapes a family is recognised. An unknown family still works as long as its
//! files are spelled alike.

mod detect;
mod image;
mod language;
mod sd;
mod sdxl;
mod video;
mod words;

pub(crate) use detect::detect;
pub(crate) use sdxl::original_unet;

use crate::module::Component;

/// First words of paths in a U-Net. Those before the bar are enough on their own.
const UNET: (&[&str], &[&str]) = (
    &["down_blocks", "up_blocks", "mid_block", "input_blocks", "output_blocks", "middle_block"],
    &[
        "conv_in",
        "conv_out",
        "conv_norm_out",
        "time_embedding_linear",
        "time_embed",
        "add_embedding",
        "label_emb",
        "out",
    ],
);

/// First words of paths in a transformer.
const TRANSFORMER: (&[&str], &[&str]) = (
    &["transformer_blocks", "single_transformer_blocks", "double_blocks", "single_blocks", "joint_blocks"],
    &[
        "blocks",
        "layers",
        "x_embedder",
        "context_embedder",
        "time_text_embed",
        "norm_out",
        "proj_out",
        "img_in",
        "txt_in",
        "time_in",
        "vector_in",
        "guidance_in",
        "final_layer",
        "noise_refiner",
        "context_refiner",
        "cap_embedder",
        "patch_embedding",
        "condition_embedder",
        "pos_embed",
    ],
);

/// How much a path's first word may be trusted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heads {
    /// Only words that no other model has: for names without a prefix.
    Sure,
    /// Every known word: for names whose prefix says that they belong to a denoiser.
    All,
}

/// The part of a model that a path (dotted or not) belongs to, by its first words.
pub(crate) fn component_of(path: &str, heads: Heads) -> Option<Component> {
    let path = path.replace('.', "_");
    let begins = |words: &[&str]| {
        words.iter().any(|w| path.strip_prefix(w).is_some_and(|rest| rest.is_empty() || rest.starts_with('_')))
    };
    let known = |(sure, more): (&[&str], &[&str])| begins(sure) || heads == Heads::All && begins(more);
    match () {
        () if begins(&["text_model"]) => Some(Component::TextEncoder(1)),
        () if known(UNET) => Some(Component::Unet),
        () if known(TRANSFORMER) => Some(Component::Transformer),
        () => None,
    }
}

/// The native dotted path of a path with underscores, when a layout knows all of its words.
pub(crate) fn dotted(component: Component, path: &str) -> Option<String> {
    match component {
        Component::Unet => match sdxl::from_original(path) {
            Some(path) => words::dotted(&path, sd::UNET_WORDS),
            None => words::dotted(path, sd::UNET_WORDS),
        },
        Component::TextEncoder(_) => words::dotted(path, sd::TEXT_WORDS),
        Component::Transformer => words::dotted(path, image::JOINT_WORDS),
        Component::Prior | Component::Model => None,
    }
}

/// The diffusers path of a path (dotted or not) in the original U-Net names.
pub(crate) fn from_original_unet(path: &str) -> Option<String> {
    words::dotted(&sdxl::from_original(&path.replace('.', "_"))?, sd::UNET_WORDS)
}

/// What a family's kohya names look like where families differ.
pub(crate) struct Naming {
    /// `lora_te_` instead of `lora_te1_`.
    pub one_text_encoder: bool,
    /// `lora_transformer_` for diffusers names, because `lora_unet_` means the original ones.
    pub own_transformer_prefix: bool,
    /// The U-Net goes by its original names (`input_blocks`).
    pub original_unet: bool,
}

/// The naming of a family by id.
pub(crate) fn naming(family: &str) -> Naming {
    Naming {
        one_text_encoder: matches!(family, "sd15" | "sd21" | "unknown" | ""),
        own_transformer_prefix: matches!(family, "flux1" | "sd3"),
        original_unet: family == "sdxl",
    }
}
