//! Transformers that make videos: Wan, HunyuanVideo.

use super::detect::Rule;
use crate::module::Component::Transformer;

const WAN: (&str, &str) = ("wan", "Wan");
const HUNYUAN: (&str, &str) = ("hunyuan-video", "HunyuanVideo");

const fn rule(family: (&'static str, &'static str), pattern: &'static str, confidence: f64) -> Rule {
    Rule::new(family.0, family.1, Transformer, pattern, confidence)
}

pub(super) const RULES: &[Rule] = &[
    rule(WAN, "*blocks_#_cross_attn_k", 0.9),
    rule(WAN, "*blocks_#_cross_attn_k_img", 0.95),
    rule(WAN, "*blocks_#_self_attn_q", 0.85),
    rule(WAN, "*blocks_#_ffn_net_0_proj", 0.8),
    rule(WAN, "*blocks_#_attn2_add_k_proj", 0.8),
    rule(HUNYUAN, "double_blocks_#_img_mod_linear", 0.97),
    rule(HUNYUAN, "double_blocks_#_img_mlp_fc1", 0.97),
    rule(HUNYUAN, "single_blocks_#_modulation_linear", 0.97),
];
