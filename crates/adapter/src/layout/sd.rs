//! Stable Diffusion 1.x and 2.x: the diffusers U-Net and the CLIP text encoder.
//!
//! The U-Net's words serve SDXL too, whose blocks are the same in other numbers. A list of 17 names the blocks that have
//! attention, which are all that a plain LoRA changes; one of 26 names all.

use super::family::{Layout, Preset, Rule, Scheme, Slots, Stage};
use crate::module::Component::{TextEncoder, Unet};

/// Words of paths in diffusers' conditional U-Net.
pub(super) const UNET_WORDS: &[&str] = &[
    "down_blocks",
    "up_blocks",
    "mid_block",
    "attentions",
    "resnets",
    "motion_modules",
    "downsamplers",
    "upsamplers",
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
    "conv",
    "conv1",
    "conv2",
    "conv_shortcut",
    "time_emb_proj",
    "conv_in",
    "conv_out",
    "conv_norm_out",
    "time_embedding",
    "add_embedding",
    "linear_1",
    "linear_2",
];

/// Words of paths in the CLIP and T5 text encoders, and in language models that take their place.
pub(super) const TEXT_WORDS: &[&str] = &[
    "text_model",
    "encoder",
    "layers",
    "self_attn",
    "q_proj",
    "k_proj",
    "v_proj",
    "o_proj",
    "out_proj",
    "mlp",
    "gate_proj",
    "up_proj",
    "down_proj",
    "fc1",
    "fc2",
    "layer_norm1",
    "layer_norm2",
    "final_layer_norm",
    "embeddings",
    "token_embedding",
    "position_embedding",
    "text_projection",
    "block",
    "layer",
    "layer_norm",
    "SelfAttention",
    "DenseReluDense",
    "q",
    "k",
    "v",
    "o",
    "wi_0",
    "wi_1",
    "wo",
    "shared",
];

const STAGES: &[Stage] = &[
    Stage { channels: 320, size: "full size", down: 1, up: 1 },
    Stage { channels: 640, size: "1/2 size", down: 1, up: 1 },
    Stage { channels: 1280, size: "1/4 size", down: 1, up: 1 },
    Stage { channels: 1280, size: "1/8 size", down: 0, up: 0 },
];

const SCHEMES: &[Scheme] = &[
    Scheme { count: 17, lines: &["BASE,IN01,IN02,IN04,IN05,IN07,IN08,M00,OUT03-OUT11"] },
    Scheme { count: 26, lines: &["BASE,IN00-IN11,M00,OUT00-OUT11"] },
];

/// LoRA Block Weight's presets, which are lists of 17; blocks without attention go with their neighbours.
const PRESETS: &[Preset] = &[
    Preset { name: "INS", keeps: "BASE,IN00-IN04" },
    Preset { name: "IND", keeps: "BASE,IN05-IN11" },
    Preset { name: "INALL", keeps: "BASE,IN*" },
    Preset { name: "MIDD", keeps: "BASE,IN05-OUT06" },
    Preset { name: "OUTD", keeps: "BASE,OUT00-OUT06" },
    Preset { name: "OUTS", keeps: "BASE,OUT07-OUT11" },
    Preset { name: "OUTALL", keeps: "BASE,OUT*" },
];

const fn with_blocks(layout: Layout) -> Layout {
    Layout { slots: Slots::Unet(STAGES), schemes: SCHEMES, presets: PRESETS, ..layout }
}

/// Stable Diffusion 1: cross-attention takes the 768 numbers that its text encoder gives.
pub(super) const SD15: Layout = with_blocks(Layout::new(
    "sd15",
    "Stable Diffusion 1.x",
    &[
        Rule::new(Unet, "*attn2_to_k", 0.98).inp(768),
        Rule::new(Unet, "*attn2_to_v", 0.98).inp(768),
        Rule::new(Unet, "#", 0.9).inp(768),
        Rule::new(TextEncoder(1), "#", 0.6).inp(768),
        Rule::new(Unet, "down_blocks_0_attentions_*", 0.6),
        Rule::new(Unet, "up_blocks_3_attentions_*", 0.6),
        Rule::new(TextEncoder(1), "text_model_*_q_proj", 0.5).inp(768),
    ],
));

/// Stable Diffusion 2: the same U-Net, with 1024 numbers from another text encoder.
pub(super) const SD21: Layout = with_blocks(Layout::new(
    "sd21",
    "Stable Diffusion 2.x",
    &[
        Rule::new(Unet, "*attn2_to_k", 0.98).inp(1024),
        Rule::new(Unet, "*attn2_to_v", 0.98).inp(1024),
        Rule::new(Unet, "#", 0.9).inp(1024),
        Rule::new(TextEncoder(1), "#", 0.8).inp(1024),
        Rule::new(TextEncoder(1), "text_model_*_fc1", 0.6).inp(1024),
        Rule::new(TextEncoder(1), "text_model_*_q_proj", 0.6).inp(1024),
    ],
));
