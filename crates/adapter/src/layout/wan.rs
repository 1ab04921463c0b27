//! Wan 2.1 and 2.2: one stack of blocks with self-attention on the video and cross-attention to the text.
//!
//! The large models of 2.2 have two experts, one for high and one for low noise. Files that hold both call the second
//! `transformer_2`; its blocks have letters of their own. Experts in files of their own look like any other Wan.

use super::family::{Layout, Pair, Rule, Scheme, Slots, Stack};
use crate::module::Component::Model;

const fn stack(letter: &'static str, names: &'static [&'static str], role: &'static str) -> Stack {
    Stack { letter, names, count: 40, depth: "30 or 40", role }
}

pub(super) const WAN: Layout = Layout {
    slots: Slots::Stacks {
        base: true,
        stacks: &[
            stack("B", &["blocks"], "block"),
            stack("L", &["transformer_2_blocks"], "low-noise expert (transformer_2), block"),
        ],
    },
    // A list is for both experts alike.
    schemes: &[
        Scheme { count: 30, lines: &["B00-B29", "L00-L29"] },
        Scheme { count: 40, lines: &["B00-B39", "L00-L39"] },
        Scheme { count: 80, lines: &["B00-B39,L00-L39"] },
    ],
    pairs: &[
        Pair::new("blocks.#.self_attn.q", "blocks.#.attn1.to_q"),
        Pair::new("blocks.#.self_attn.k", "blocks.#.attn1.to_k"),
        Pair::new("blocks.#.self_attn.v", "blocks.#.attn1.to_v"),
        Pair::new("blocks.#.self_attn.o", "blocks.#.attn1.to_out.0"),
        Pair::new("blocks.#.cross_attn.q", "blocks.#.attn2.to_q"),
        Pair::new("blocks.#.cross_attn.k", "blocks.#.attn2.to_k"),
        Pair::new("blocks.#.cross_attn.v", "blocks.#.attn2.to_v"),
        Pair::new("blocks.#.cross_attn.o", "blocks.#.attn2.to_out.0"),
        Pair::new("blocks.#.cross_attn.k_img", "blocks.#.attn2.add_k_proj"),
        Pair::new("blocks.#.cross_attn.v_img", "blocks.#.attn2.add_v_proj"),
        Pair::new("blocks.#.ffn.0", "blocks.#.ffn.net.0.proj"),
        Pair::new("blocks.#.ffn.2", "blocks.#.ffn.net.2"),
        Pair::new("time_embedding.0", "condition_embedder.time_embedder.linear_1"),
        Pair::new("time_embedding.2", "condition_embedder.time_embedder.linear_2"),
        Pair::new("time_projection.1", "condition_embedder.time_proj"),
        Pair::new("text_embedding.0", "condition_embedder.text_embedder.linear_1"),
        Pair::new("text_embedding.2", "condition_embedder.text_embedder.linear_2"),
        Pair::new("img_emb.proj.1", "condition_embedder.image_embedder.ff.net.0.proj"),
        Pair::new("img_emb.proj.3", "condition_embedder.image_embedder.ff.net.2"),
        Pair::new("head.head", "proj_out"),
    ],
    alike: &["patch_embedding"],
    ..Layout::new(
        "wan",
        "Wan",
        &[
            Rule::dit("*blocks_#_cross_attn_k_img", 0.95),
            Rule::dit("*blocks_#_cross_attn_k", 0.9),
            Rule::dit("*blocks_#_self_attn_q", 0.85),
            Rule::dit("*blocks_#_ffn_net_0_proj", 0.85),
            Rule::dit("*blocks_#_attn2_add_k_proj", 0.85),
            Rule::new(Model, "blocks_#_cross_attn_k_img", 0.9),
            Rule::new(Model, "blocks_#_cross_attn_k", 0.85),
            Rule::new(Model, "blocks_#_ffn_net_0_proj", 0.85),
        ],
    )
};
