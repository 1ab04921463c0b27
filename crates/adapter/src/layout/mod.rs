//! Layouts: what is known of model families, one file per family or group.
//!
//! A layout says by which names and shapes a family is recognised, how it is cut into blocks, what its modules are called
//! in the two spellings that are in use, and which of them are fused. An unknown family still works as long as its files
//! are spelled alike.
//!
//! | question | answer |
//! |---|---|
//! | Which family is this? | [`crate::Adapter::family`] |
//! | Which blocks does it have, and where does a module lie? | [`blocks`], [`block_of`] |
//! | What does `OUTALL` mean, and what else may be typed? | [`block_weights`], [`block_presets`], [`block_list_lengths`] |
//! | What is this module called elsewhere? | [`to_native`], [`from_native`], [`original_name`], [`dotted_in`] |
//! | Is it several modules elsewhere, or part of one? | [`fusion_of_whole`], [`fusion_of_part`] |

mod blocks;
mod detect;
mod family;
mod flux;
mod hunyuan;
mod kernel;
mod language;
mod names;
mod qwen;
mod sd;
mod sd3;
mod sdxl;
mod vision;
mod wan;
mod weights;
mod words;
mod z_image;

pub use blocks::{Block, block_of, blocks};
pub(crate) use detect::detect;
pub use family::Rows;
pub(crate) use kernel::kernel;
pub use names::{
    Fusion, PartOf, Renamed, from_native, fusion_of_part, fusion_of_whole, is_fused, original_name, to_native,
};
pub(crate) use sdxl::original_unet;
pub use weights::{block_list_lengths, block_presets, block_weights};

use crate::module::Component;
use family::Layout;

/// All families. On a tie between rules the earlier one wins.
const LAYOUTS: &[&Layout] = &[
    &sdxl::SDXL,
    &sd::SD15,
    &sd::SD21,
    &flux::FLUX1,
    &flux::CHROMA,
    &flux::FLUX2,
    &sd3::SD3,
    &qwen::QWEN_IMAGE,
    &z_image::Z_IMAGE,
    &z_image::LUMINA2,
    &wan::WAN,
    &hunyuan::HUNYUAN_VIDEO,
    &language::LLAMA,
    &language::PHI3,
    &language::OPT,
    &language::GPT2,
    &language::GPT_NEOX,
    &language::BLOOM,
    &language::T5,
    &language::ROBERTA,
    &language::BERT,
    &language::DISTILBERT,
    &vision::VIT,
    &vision::SAM,
];

/// Longer paths are no names of known modules; nothing here looks at them.
const LONGEST_PATH: usize = 2048;

/// The layout of a family.
fn layout(family: &str) -> Option<&'static Layout> {
    LAYOUTS.iter().find(|l| l.id == family).copied()
}

/// Ids and titles of all families, in reading order.
pub fn families() -> impl Iterator<Item = (&'static str, &'static str)> {
    LAYOUTS.iter().map(|l| (l.id, l.title))
}

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
    &[
        "transformer_blocks",
        "single_transformer_blocks",
        "double_blocks",
        "single_blocks",
        "joint_blocks",
        "distilled_guidance_layer",
        "double_stream_modulation_img",
        "double_stream_modulation_txt",
        "single_stream_modulation",
    ],
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
        "t_embedder",
        "y_embedder",
        "time_guidance_embed",
        "time_caption_embed",
        "all_x_embedder",
        "all_final_layer",
        "time_embedding_0",
        "time_embedding_2",
        "time_projection",
        "text_embedding",
        "img_emb",
        "head_head",
    ],
);

/// First words of paths in original transformers, which no other model has.
const ORIGINAL: [&str; 3] = ["double_blocks.", "single_blocks.", "joint_blocks."];

/// Is this path without a prefix one of an original transformer?
pub(crate) fn is_original(path: &str) -> bool {
    ORIGINAL.iter().any(|word| path.starts_with(word))
}

/// Is the family's denoiser a transformer?
pub(crate) fn is_transformer(family: &str) -> bool {
    layout(family).is_some_and(|l| matches!(l.slots, family::Slots::Stacks { base: true, .. }))
}

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
    if path.len() > LONGEST_PATH {
        return None;
    }
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
        Component::Transformer => words::dotted(path, words::JOINT_WORDS),
        Component::Prior | Component::Model => None,
    }
}

/// The dotted path of a module of `family` whose path has underscores for dots, in its own spelling: original names of
/// transformers stay original, those of U-Nets become diffusers' ones. `None` for names that are not known.
pub fn dotted_in(family: &str, component: Component, path: &str) -> Option<String> {
    if path.len() > LONGEST_PATH {
        return None;
    }
    let own = || layout(family).and_then(|layout| names::dotted(layout, path));
    match component {
        Component::Transformer | Component::Model => own().or_else(|| dotted(component, path)),
        other => dotted(other, path),
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
    /// Two text encoders, of which the second is T5, which kohya counts as the third.
    pub two_text_encoders: bool,
    /// The U-Net goes by its original names (`input_blocks`).
    pub original_unet: bool,
}

/// The naming of a family by id.
pub(crate) fn naming(family: &str) -> Naming {
    Naming {
        one_text_encoder: matches!(family, "sd15" | "sd21" | "unknown" | ""),
        own_transformer_prefix: matches!(family, "flux1" | "chroma" | "flux2" | "sd3"),
        two_text_encoders: family == "flux1",
        original_unet: family == "sdxl",
    }
}
