//! Qwen-Image: 60 double blocks. All programs use diffusers' names.

use super::family::{Layout, Preset, Rule, Scheme, Slots, Stack};

pub(super) const QWEN_IMAGE: Layout = Layout {
    slots: Slots::Stacks {
        base: true,
        stacks: &[Stack {
            letter: "B",
            names: &["transformer_blocks"],
            count: 60,
            depth: "60",
            role: "block (picture and text apart)",
        }],
    },
    schemes: &[Scheme { count: 60, lines: &["B00-B59"] }],
    // Thirds: 20 blocks each.
    presets: &[
        Preset { name: "EARLY", keeps: "BASE,B00-B19" },
        Preset { name: "MIDDLE", keeps: "BASE,B20-B39" },
        Preset { name: "LATE", keeps: "BASE,B40-B59" },
    ],
    alike: &[
        "transformer_blocks.#.attn.to_q",
        "transformer_blocks.#.attn.to_k",
        "transformer_blocks.#.attn.to_v",
        "transformer_blocks.#.attn.to_out.0",
        "transformer_blocks.#.attn.add_q_proj",
        "transformer_blocks.#.attn.add_k_proj",
        "transformer_blocks.#.attn.add_v_proj",
        "transformer_blocks.#.attn.to_add_out",
        "transformer_blocks.#.img_mlp.net.0.proj",
        "transformer_blocks.#.img_mlp.net.2",
        "transformer_blocks.#.txt_mlp.net.0.proj",
        "transformer_blocks.#.txt_mlp.net.2",
        "transformer_blocks.#.img_mod.1",
        "transformer_blocks.#.txt_mod.1",
        "time_text_embed.timestep_embedder.linear_1",
        "time_text_embed.timestep_embedder.linear_2",
        "img_in",
        "txt_in",
        "norm_out.linear",
        "proj_out",
    ],
    ..Layout::new(
        "qwen-image",
        "Qwen-Image",
        &[
            Rule::dit("transformer_blocks_#_img_mlp_*", 0.97),
            Rule::dit("transformer_blocks_#_txt_mlp_*", 0.97),
            Rule::dit("transformer_blocks_#_img_mod_*", 0.97),
            Rule::dit("transformer_blocks_#_txt_mod_*", 0.97),
            // FLUX.1 has 19 of these blocks, HunyuanVideo 20 or, with other sizes, 54.
            Rule::dit("transformer_blocks_2#_attn_*", 0.7).inp(3072),
            Rule::dit("transformer_blocks_3#_attn_*", 0.7).inp(3072),
            Rule::dit("transformer_blocks_4#_attn_*", 0.7).inp(3072),
            Rule::dit("transformer_blocks_5#_attn_*", 0.7).inp(3072),
        ],
    )
};
