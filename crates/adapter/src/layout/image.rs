//! Transformers that make images: FLUX.1 and 2, Stable Diffusion 3, Qwen-Image, Z-Image, Lumina 2.

use super::detect::Rule;
use crate::module::Component::Transformer;

/// Words of paths in diffusers' joint-attention transformers (FLUX.1, Stable Diffusion 3, Qwen-Image).
pub(super) const JOINT_WORDS: &[&str] = &[
    "transformer_blocks",
    "single_transformer_blocks",
    "attn",
    "attn2",
    "to_q",
    "to_k",
    "to_v",
    "to_out",
    "add_q_proj",
    "add_k_proj",
    "add_v_proj",
    "to_add_out",
    "ff",
    "ff_context",
    "net",
    "proj",
    "norm.linear",
    "norm1.linear",
    "norm1_context.linear",
    "norm_out.linear",
    "proj_mlp",
    "proj_out",
    "img_mlp",
    "txt_mlp",
    "img_mod",
    "txt_mod",
    "x_embedder",
    "context_embedder",
    "time_text_embed",
    "timestep_embedder",
    "text_embedder",
    "guidance_embedder",
    "linear_1",
    "linear_2",
];

const FLUX1: (&str, &str) = ("flux1", "FLUX.1");
const SD3: (&str, &str) = ("sd3", "Stable Diffusion 3");
const QWEN: (&str, &str) = ("qwen-image", "Qwen-Image");

const fn rule(family: (&'static str, &'static str), pattern: &'static str, confidence: f64) -> Rule {
    Rule::new(family.0, family.1, Transformer, pattern, confidence)
}

pub(super) const RULES: &[Rule] = &[
    rule(FLUX1, "double_blocks_#_img_mod_lin", 0.97),
    rule(FLUX1, "double_blocks_#_img_mlp_0", 0.97),
    rule(FLUX1, "single_blocks_#_modulation_lin", 0.97),
    rule(FLUX1, "single_transformer_blocks_#_*", 0.9).inp(3072),
    rule(FLUX1, "transformer_blocks_#_ff_context_net_*", 0.85).inp(3072),
    rule(FLUX1, "double_blocks_#_img_attn_qkv", 0.7).out(9216),
    rule(FLUX1, "single_blocks_#_linear1", 0.7).out(21504),
    rule(("flux2", "FLUX.2"), "*_attn_to_qkv_mlp_proj", 0.95),
    rule(SD3, "joint_blocks_#_*", 0.95),
    rule(SD3, "transformer_blocks_#_attn_*", 0.85).inp(1536),
    rule(SD3, "transformer_blocks_#_attn_*", 0.85).inp(2432),
    rule(QWEN, "transformer_blocks_#_img_mlp_*", 0.97),
    rule(QWEN, "transformer_blocks_#_txt_mlp_*", 0.97),
    rule(QWEN, "transformer_blocks_#_img_mod_*", 0.97),
    // FLUX.1 has 19 of these blocks, Qwen-Image 60.
    rule(QWEN, "transformer_blocks_2#_attn_*", 0.7).inp(3072),
    rule(("z-image", "Z-Image"), "*layers_#_attention_*", 0.9).inp(3840),
    rule(("z-image", "Z-Image"), "layers_#_feed_forward_w1", 0.6),
    rule(("lumina2", "Lumina 2"), "layers_#_attention_qkv", 0.9).inp(2304),
];
