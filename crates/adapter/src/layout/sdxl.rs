//! SDXL, and the original names of U-Net blocks.
//!
//! kohya's SDXL files use the original (`sgm`) names, two layers to a block and one downsampler or upsampler:
//!
//! | original | diffusers | |
//! |---|---|---|
//! | `input_blocks.0.0` | `conv_in` | |
//! | `input_blocks.i.j` | `down_blocks.b` | b = (i−1)/3, layer = (i−1) mod 3; layer 2 is the downsampler |
//! | `middle_block.0, 1, 2` | `mid_block.resnets.0, .attentions.0, .resnets.1` | |
//! | `output_blocks.i.j` | `up_blocks.b` | b = i/3, layer = i mod 3; `conv` is the upsampler |
//!
//! with j = 0 for the resnet and 1 for the attention.

use super::family::{Layout, Preset, Rule, Scheme, Slots, Stage};
use super::words;
use crate::module::Component::{TextEncoder, Unet};

/// Parts of a resnet: original, diffusers.
const RESNET: [(&str, &str); 6] = [
    ("in_layers_0", "norm1"),
    ("in_layers_2", "conv1"),
    ("emb_layers_1", "time_emb_proj"),
    ("out_layers_0", "norm2"),
    ("out_layers_3", "conv2"),
    ("skip_connection", "conv_shortcut"),
];

/// Modules outside the blocks: original, diffusers.
const SINGLE: [(&str, &str); 7] = [
    ("input_blocks_0_0", "conv_in"),
    ("out_0", "conv_norm_out"),
    ("out_2", "conv_out"),
    ("time_embed_0", "time_embedding_linear_1"),
    ("time_embed_2", "time_embedding_linear_2"),
    ("label_emb_0_0", "add_embedding_linear_1"),
    ("label_emb_0_2", "add_embedding_linear_2"),
];

/// The diffusers path (with underscores) of an original path (with underscores).
pub(super) fn from_original(path: &str) -> Option<String> {
    if let Some((_, name)) = SINGLE.iter().find(|(original, _)| *original == path) {
        return Some((*name).to_owned());
    }
    let resnet = |rest: &str| RESNET.iter().find(|(original, _)| *original == rest).map(|(_, name)| *name);
    if let Some(rest) = path.strip_prefix("middle_block_") {
        let (part, rest) = number(rest)?;
        return Some(match part {
            0 => format!("mid_block_resnets_0_{}", resnet(rest)?),
            1 => format!("mid_block_attentions_0_{rest}"),
            2 => format!("mid_block_resnets_1_{}", resnet(rest)?),
            _ => return None,
        });
    }
    let (side, rest) = match path.strip_prefix("input_blocks_") {
        Some(rest) => ("down", rest),
        None => ("up", path.strip_prefix("output_blocks_")?),
    };
    let (index, rest) = number(rest)?;
    let index = if side == "down" { index.checked_sub(1)? } else { index };
    let (part, rest) = number(rest)?;
    let (block, layer) = (index / 3, index % 3);
    Some(match (side, part, rest) {
        ("down", 0, "op") if layer == 2 => format!("down_blocks_{block}_downsamplers_0_conv"),
        ("up", 1 | 2, "conv") if layer == 2 => format!("up_blocks_{block}_upsamplers_0_conv"),
        ("down", ..) if layer == 2 => return None,
        (_, 0, _) => format!("{side}_blocks_{block}_resnets_{layer}_{}", resnet(rest)?),
        (_, 1, _) if !rest.is_empty() => format!("{side}_blocks_{block}_attentions_{layer}_{rest}"),
        _ => return None,
    })
}

/// The original path (with underscores) of a diffusers path of SDXL (dotted or not).
pub(crate) fn original_unet(path: &str) -> Option<String> {
    to_original(path, 3)
}

/// The original path (with underscores) of a diffusers path (dotted or not) in a U-Net of so many blocks down.
fn to_original(path: &str, blocks: usize) -> Option<String> {
    let path = path.replace('.', "_");
    if let Some((original, _)) = SINGLE.iter().find(|(_, name)| *name == path) {
        return Some((*original).to_owned());
    }
    let resnet = |rest: &str| RESNET.iter().find(|(_, name)| *name == rest).map(|(original, _)| *original);
    if let Some(rest) = path.strip_prefix("mid_block_") {
        if let Some(rest) = rest.strip_prefix("attentions_0_") {
            return Some(format!("middle_block_1_{rest}"));
        }
        let (n, rest) = number(rest.strip_prefix("resnets_")?)?;
        return (n < 2).then(|| Some(format!("middle_block_{}_{}", 2 * n, resnet(rest)?)))?;
    }
    let (side, first, rest) = match path.strip_prefix("down_blocks_") {
        Some(rest) => ("input", 1, rest),
        None => ("output", 0, path.strip_prefix("up_blocks_")?),
    };
    let (block, rest) = number(rest)?;
    if block as usize >= blocks {
        return None;
    }
    let at = first + 3 * block;
    match rest {
        "downsamplers_0_conv" if side == "input" => return Some(format!("input_blocks_{}_0_op", at + 2)),
        "upsamplers_0_conv" if side == "output" => return Some(format!("output_blocks_{}_2_conv", at + 2)),
        _ => {}
    }
    let (part, rest) = match rest.strip_prefix("resnets_") {
        Some(rest) => (0, rest),
        None => (1, rest.strip_prefix("attentions_")?),
    };
    let (layer, rest) = number(rest)?;
    let layers = if side == "input" { 2 } else { 3 };
    let rest = if part == 0 { resnet(rest)? } else { rest };
    (layer < layers).then(|| format!("{side}_blocks_{}_{part}_{rest}", at + layer))
}

/// Words of original paths.
pub(super) const ORIGINAL_WORDS: &[&str] = &[
    "input_blocks",
    "middle_block",
    "output_blocks",
    "in_layers",
    "out_layers",
    "emb_layers",
    "skip_connection",
    "op",
    "conv",
    "out.0",
    "out.2",
    "time_embed",
    "label_emb",
    "transformer_blocks",
    "attn1",
    "attn2",
    "to_q",
    "to_k",
    "to_v",
    "to_out",
    "ff",
    "net",
    "proj",
    "norm",
    "norm1",
    "norm2",
    "norm3",
    "proj_in",
    "proj_out",
];

/// The original dotted path of a diffusers path (dotted or not) in a U-Net of so many blocks down.
pub(super) fn original_dotted(path: &str, blocks: usize) -> Option<String> {
    words::dotted(&to_original(path, blocks)?, ORIGINAL_WORDS)
}

/// Splits `12_rest` (or `12`) into 12 and `rest`.
fn number(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_once('_').unwrap_or((text, ""));
    let plain = digits.len() <= 4 && digits.bytes().all(|b| b.is_ascii_digit());
    Some((digits.parse().ok().filter(|_| plain)?, rest))
}

/// The first stage has no attention, the others have stacked transformers.
const STAGES: &[Stage] = &[
    Stage { channels: 320, size: "full size", down: 0, up: 0 },
    Stage { channels: 640, size: "1/2 size", down: 2, up: 2 },
    Stage { channels: 1280, size: "1/4 size", down: 10, up: 10 },
];

/// Cross-attention takes both text encoders side by side: 2048 numbers. Only SDXL stacks transformers.
pub(super) const SDXL: Layout = Layout {
    slots: Slots::Unet(STAGES),
    // A list of 26 has places for blocks that only Stable Diffusion 1 has.
    schemes: &[
        Scheme { count: 12, lines: &["BASE,IN04,IN05,IN07,IN08,M00,OUT00-OUT05"] },
        Scheme { count: 20, lines: &["BASE,IN00-IN08,M00,OUT00-OUT08"] },
        Scheme { count: 26, lines: &["BASE,IN00-IN08,-,-,-,M00,OUT00-OUT08,-,-,-"] },
    ],
    // The finer presets of Stable Diffusion 1 are cut for its blocks and have no counterpart here.
    presets: &[Preset { name: "INALL", keeps: "BASE,IN*" }, Preset { name: "OUTALL", keeps: "BASE,OUT*" }],
    ..Layout::new(
        "sdxl",
        "SDXL",
        &[
            Rule::new(Unet, "*attn2_to_k", 0.99).inp(2048),
            Rule::new(Unet, "*attn2_to_v", 0.99).inp(2048),
            Rule::new(Unet, "*attentions_#_transformer_blocks_9_*", 0.9),
            Rule::new(Unet, "*attentions_#_transformer_blocks_1_*", 0.85),
            Rule::new(Unet, "add_embedding_*", 0.85),
            Rule::new(TextEncoder(2), "text_model_*", 0.7).inp(1280),
        ],
    )
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_pairs_of_names() {
        for (original, name) in [
            ("input_blocks_1_0_in_layers_2", "down_blocks_0_resnets_0_conv1"),
            ("input_blocks_3_0_op", "down_blocks_0_downsamplers_0_conv"),
            ("input_blocks_4_1_proj_in", "down_blocks_1_attentions_0_proj_in"),
            (
                "input_blocks_8_1_transformer_blocks_9_ff_net_2",
                "down_blocks_2_attentions_1_transformer_blocks_9_ff_net_2",
            ),
            ("middle_block_2_out_layers_3", "mid_block_resnets_1_conv2"),
            ("output_blocks_2_2_conv", "up_blocks_0_upsamplers_0_conv"),
            ("output_blocks_5_1_proj_out", "up_blocks_1_attentions_2_proj_out"),
            ("output_blocks_8_0_skip_connection", "up_blocks_2_resnets_2_conv_shortcut"),
            ("label_emb_0_2", "add_embedding_linear_2"),
        ] {
            assert_eq!(from_original(original).as_deref(), Some(name));
            assert_eq!(original_unet(name).as_deref(), Some(original));
        }
    }

    #[test]
    fn names_that_are_neither() {
        for path in
            ["input_blocks_0_1_x", "input_blocks_x_0_op", "middle_block_7_x", "output_blocks_1_1_conv_", "down", ""]
        {
            assert!(from_original(path).is_none_or(|p| p.contains("attentions")), "{path}");
        }
        assert_eq!(original_unet("down_blocks_9_resnets_0_conv1"), None);
        assert_eq!(original_unet("up_blocks_0_resnets_5_conv1"), None);
    }
}
