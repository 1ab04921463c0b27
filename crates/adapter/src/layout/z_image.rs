//! Z-Image and Lumina 2: two refiner blocks each for picture and text, then one stack of layers for both.

use super::family::{Fused, Layout, Pair, Preset, Rule, Scheme, Slots, Split, Stack};
use crate::module::Component::Model;

const fn refiner(letter: &'static str, names: &'static [&'static str], role: &'static str) -> Stack {
    Stack { letter, names, count: 2, depth: "2", role }
}
const NOISE: Stack = refiner("N", &["noise_refiner"], "refiner of the picture before it meets the text, block");
const CONTEXT: Stack = refiner("C", &["context_refiner"], "refiner of the text before it meets the picture, block");

const fn layers(count: usize, depth: &'static str) -> Stack {
    Stack { letter: "L", names: &["layers"], count, depth, role: "layer (picture and text together)" }
}

const fn z_qkv(whole: &'static str, parts: &'static [&'static str]) -> Fused {
    Fused { whole, parts, split: Split::Thirds }
}

/// Queries have 24 heads, keys and values 8: 2304, 768 and 768 rows.
const fn lumina_qkv(whole: &'static str, parts: &'static [&'static str]) -> Fused {
    Fused { whole, parts, split: Split::Grouped }
}

pub(super) const Z_IMAGE: Layout = Layout {
    slots: Slots::Stacks { base: true, stacks: &[NOISE, CONTEXT, layers(30, "30")] },
    schemes: &[Scheme { count: 30, lines: &["L00-L29"] }, Scheme { count: 34, lines: &["N00-N01,C00-C01,L00-L29"] }],
    // Thirds: 10 layers each.
    presets: &[
        Preset { name: "EARLY", keeps: "BASE,L00-L09" },
        Preset { name: "MIDDLE", keeps: "BASE,L10-L19" },
        Preset { name: "LATE", keeps: "BASE,L20-L29" },
    ],
    pairs: &[
        Pair::new("layers.#.attention.out", "layers.#.attention.to_out.0"),
        Pair::new("noise_refiner.#.attention.out", "noise_refiner.#.attention.to_out.0"),
        Pair::new("context_refiner.#.attention.out", "context_refiner.#.attention.to_out.0"),
        Pair::new("x_embedder", "all_x_embedder.2-1"),
        Pair::new("final_layer.linear", "all_final_layer.2-1.linear"),
        Pair::new("final_layer.adaLN_modulation.1", "all_final_layer.2-1.adaLN_modulation.1"),
    ],
    fusions: &[
        z_qkv(
            "layers.#.attention.qkv",
            &["layers.#.attention.to_q", "layers.#.attention.to_k", "layers.#.attention.to_v"],
        ),
        z_qkv(
            "noise_refiner.#.attention.qkv",
            &["noise_refiner.#.attention.to_q", "noise_refiner.#.attention.to_k", "noise_refiner.#.attention.to_v"],
        ),
        z_qkv(
            "context_refiner.#.attention.qkv",
            &[
                "context_refiner.#.attention.to_q",
                "context_refiner.#.attention.to_k",
                "context_refiner.#.attention.to_v",
            ],
        ),
    ],
    alike: &[
        "layers.#.feed_forward.w#",
        "noise_refiner.#.feed_forward.w#",
        "context_refiner.#.feed_forward.w#",
        "layers.#.adaLN_modulation.0",
        "noise_refiner.#.adaLN_modulation.0",
        "cap_embedder.1",
        "t_embedder.mlp.0",
        "t_embedder.mlp.2",
    ],
    ..Layout::new(
        "z-image",
        "Z-Image",
        &[
            Rule::dit("*layers_#_attention_*", 0.9).inp(3840),
            Rule::dit("noise_refiner_#_attention_*", 0.9).inp(3840),
            Rule::dit("context_refiner_#_attention_*", 0.9).inp(3840),
            Rule::dit("layers_#_feed_forward_w#", 0.85).inp(3840),
            Rule::new(Model, "layers_#_attention_to_q", 0.85).inp(3840),
            Rule::new(Model, "layers_#_feed_forward_w1", 0.85).inp(3840),
            Rule::dit("layers_#_attention_to_q", 0.6),
            Rule::dit("layers_#_feed_forward_w1", 0.6),
        ],
    )
};

pub(super) const LUMINA2: Layout = Layout {
    slots: Slots::Stacks { base: true, stacks: &[NOISE, CONTEXT, layers(26, "26")] },
    schemes: &[Scheme { count: 26, lines: &["L00-L25"] }, Scheme { count: 30, lines: &["N00-N01,C00-C01,L00-L25"] }],
    pairs: &[
        Pair::new("layers.#.attention.out", "layers.#.attn.to_out.0"),
        Pair::new("noise_refiner.#.attention.out", "noise_refiner.#.attn.to_out.0"),
        Pair::new("context_refiner.#.attention.out", "context_refiner.#.attn.to_out.0"),
        Pair::new("layers.#.feed_forward.w#", "layers.#.feed_forward.linear_#"),
        Pair::new("noise_refiner.#.feed_forward.w#", "noise_refiner.#.feed_forward.linear_#"),
        Pair::new("context_refiner.#.feed_forward.w#", "context_refiner.#.feed_forward.linear_#"),
        Pair::new("layers.#.adaLN_modulation.1", "layers.#.norm1.linear"),
        Pair::new("noise_refiner.#.adaLN_modulation.1", "noise_refiner.#.norm1.linear"),
        Pair::new("t_embedder.mlp.0", "time_caption_embed.timestep_embedder.linear_1"),
        Pair::new("t_embedder.mlp.2", "time_caption_embed.timestep_embedder.linear_2"),
        Pair::new("cap_embedder.1", "time_caption_embed.caption_embedder.1"),
        Pair::new("final_layer.adaLN_modulation.1", "norm_out.linear_1"),
        Pair::new("final_layer.linear", "norm_out.linear_2"),
    ],
    fusions: &[
        lumina_qkv("layers.#.attention.qkv", &["layers.#.attn.to_q", "layers.#.attn.to_k", "layers.#.attn.to_v"]),
        lumina_qkv(
            "noise_refiner.#.attention.qkv",
            &["noise_refiner.#.attn.to_q", "noise_refiner.#.attn.to_k", "noise_refiner.#.attn.to_v"],
        ),
        lumina_qkv(
            "context_refiner.#.attention.qkv",
            &["context_refiner.#.attn.to_q", "context_refiner.#.attn.to_k", "context_refiner.#.attn.to_v"],
        ),
    ],
    alike: &["x_embedder"],
    ..Layout::new(
        "lumina2",
        "Lumina 2",
        &[
            Rule::dit("layers_#_attention_qkv", 0.9).inp(2304),
            Rule::dit("layers_#_attn_to_q", 0.85).inp(2304),
            Rule::dit("layers_#_feed_forward_*", 0.85).inp(2304),
        ],
    )
};
