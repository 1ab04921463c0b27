//! Image encoders: vision transformers, and the one of Segment Anything.
//!
//! SAM's queries, keys and values are one weight, its rows in that order.

use super::family::{Fused, Layout, Rule, Slots, Split, Stack};
use crate::module::Component::Model;

const fn blocks(names: &'static [&'static str], count: usize, depth: &'static str) -> [Stack; 1] {
    [Stack { letter: "L", names, count, depth, role: "layer" }]
}

const VIT_STACKS: &[Stack] = &blocks(&["*encoder_layer"], 64, "the model's layers");
const SAM_STACKS: &[Stack] = &blocks(&["*image_encoder_blocks", "vision_encoder_layers", "blocks"], 32, "12, 24 or 32");

pub(super) const VIT: Layout = Layout {
    slots: Slots::Stacks { base: false, stacks: VIT_STACKS },
    ..Layout::new("vit", "Vision transformer", &[Rule::new(Model, "*encoder_layer_#_attention_attention_*", 0.85)])
};

pub(super) const SAM: Layout = Layout {
    slots: Slots::Stacks { base: false, stacks: SAM_STACKS },
    // SAM's own names on both sides: no model has the parts apart, so theirs are ours.
    fusions: &[Fused {
        whole: "*attn.qkv",
        parts: &["*attn.qkv.q", "*attn.qkv.k", "*attn.qkv.v"],
        split: Split::Thirds,
    }],
    ..Layout::new(
        "sam",
        "Segment Anything image encoder",
        &[
            Rule::new(Model, "*image_encoder_blocks_#_attn_qkv*", 0.95),
            Rule::new(Model, "vision_encoder_layers_#_attn_qkv*", 0.95),
        ],
    )
};
