//! HunyuanVideo: 20 double and 40 single blocks; version 1.5 has 54 double blocks and no single one.
//!
//! The original spelling differs from FLUX.1's in small things (`img_attn_qkv`, `fc1`, `mod.linear`); the native one is
//! the same but for the text refiner and the number of blocks.

use super::family::{Fused, Layout, Pair, Preset, Rows, Rule, Scheme, Slots, Split, Stack};

const STACKS: &[Stack] = &[
    Stack {
        letter: "D",
        names: &["double_blocks", "transformer_blocks"],
        count: 54,
        depth: "20, or of 54 in version 1.5",
        role: "double block (video and text apart)",
    },
    Stack {
        letter: "S",
        names: &["single_blocks", "single_transformer_blocks"],
        count: 40,
        depth: "40",
        role: "single block (video and text together)",
    },
];

const PAIRS: &[Pair] = &[
    Pair::new("double_blocks.#.img_attn_proj", "transformer_blocks.#.attn.to_out.0"),
    Pair::new("double_blocks.#.txt_attn_proj", "transformer_blocks.#.attn.to_add_out"),
    Pair::new("double_blocks.#.img_mlp.fc1", "transformer_blocks.#.ff.net.0.proj"),
    Pair::new("double_blocks.#.img_mlp.fc2", "transformer_blocks.#.ff.net.2"),
    Pair::new("double_blocks.#.txt_mlp.fc1", "transformer_blocks.#.ff_context.net.0.proj"),
    Pair::new("double_blocks.#.txt_mlp.fc2", "transformer_blocks.#.ff_context.net.2"),
    Pair::new("double_blocks.#.img_mod.linear", "transformer_blocks.#.norm1.linear"),
    Pair::new("double_blocks.#.txt_mod.linear", "transformer_blocks.#.norm1_context.linear"),
    Pair::new("single_blocks.#.linear2", "single_transformer_blocks.#.proj_out"),
    Pair::new("single_blocks.#.modulation.linear", "single_transformer_blocks.#.norm.linear"),
    Pair::new(
        "txt_in.individual_token_refiner.blocks.#.self_attn_proj",
        "context_embedder.token_refiner.refiner_blocks.#.attn.to_out.0",
    ),
    Pair::new(
        "txt_in.individual_token_refiner.blocks.#.mlp.fc1",
        "context_embedder.token_refiner.refiner_blocks.#.ff.net.0.proj",
    ),
    Pair::new(
        "txt_in.individual_token_refiner.blocks.#.mlp.fc2",
        "context_embedder.token_refiner.refiner_blocks.#.ff.net.2",
    ),
    Pair::new(
        "txt_in.individual_token_refiner.blocks.#.adaLN_modulation.1",
        "context_embedder.token_refiner.refiner_blocks.#.norm_out.linear",
    ),
    Pair::new("txt_in.input_embedder", "context_embedder.proj_in"),
    Pair::new("txt_in.t_embedder.mlp.0", "context_embedder.time_text_embed.timestep_embedder.linear_1"),
    Pair::new("txt_in.t_embedder.mlp.2", "context_embedder.time_text_embed.timestep_embedder.linear_2"),
    Pair::new("txt_in.c_embedder.linear_1", "context_embedder.time_text_embed.text_embedder.linear_1"),
    Pair::new("txt_in.c_embedder.linear_2", "context_embedder.time_text_embed.text_embedder.linear_2"),
    Pair::new("img_in.proj", "x_embedder.proj"),
    Pair::new("time_in.mlp.0", "time_text_embed.timestep_embedder.linear_1"),
    Pair::new("time_in.mlp.2", "time_text_embed.timestep_embedder.linear_2"),
    Pair::new("vector_in.in_layer", "time_text_embed.text_embedder.linear_1"),
    Pair::new("vector_in.out_layer", "time_text_embed.text_embedder.linear_2"),
    Pair::new("guidance_in.mlp.0", "time_text_embed.guidance_embedder.linear_1"),
    Pair::new("guidance_in.mlp.2", "time_text_embed.guidance_embedder.linear_2"),
    Pair::new("final_layer.linear", "proj_out"),
    Pair::new("final_layer.adaLN_modulation.1", "norm_out.linear").rows(Rows::SwappedHalves),
];

const FUSIONS: &[Fused] = &[
    Fused {
        whole: "double_blocks.#.img_attn_qkv",
        parts: &["transformer_blocks.#.attn.to_q", "transformer_blocks.#.attn.to_k", "transformer_blocks.#.attn.to_v"],
        split: Split::Thirds,
    },
    Fused {
        whole: "double_blocks.#.txt_attn_qkv",
        parts: &[
            "transformer_blocks.#.attn.add_q_proj",
            "transformer_blocks.#.attn.add_k_proj",
            "transformer_blocks.#.attn.add_v_proj",
        ],
        split: Split::Thirds,
    },
    Fused {
        whole: "single_blocks.#.linear1",
        parts: &[
            "single_transformer_blocks.#.attn.to_q",
            "single_transformer_blocks.#.attn.to_k",
            "single_transformer_blocks.#.attn.to_v",
            "single_transformer_blocks.#.proj_mlp",
        ],
        split: Split::ThirdsAndRest,
    },
    Fused {
        whole: "txt_in.individual_token_refiner.blocks.#.self_attn_qkv",
        parts: &[
            "context_embedder.token_refiner.refiner_blocks.#.attn.to_q",
            "context_embedder.token_refiner.refiner_blocks.#.attn.to_k",
            "context_embedder.token_refiner.refiner_blocks.#.attn.to_v",
        ],
        split: Split::Thirds,
    },
];

pub(super) const HUNYUAN_VIDEO: Layout = Layout {
    slots: Slots::Stacks { base: true, stacks: STACKS },
    schemes: &[
        Scheme { count: 20, lines: &["D00-D19"] },
        Scheme { count: 54, lines: &["D00-D53"] },
        Scheme { count: 60, lines: &["D00-D19,S00-S39"] },
    ],
    presets: &[Preset { name: "DOUBLE", keeps: "BASE,D*" }, Preset { name: "SINGLE", keeps: "BASE,S*" }],
    pairs: PAIRS,
    fusions: FUSIONS,
    ..Layout::new(
        "hunyuan-video",
        "HunyuanVideo",
        &[
            Rule::dit("double_blocks_#_img_mod_linear", 0.98),
            Rule::dit("double_blocks_#_img_mlp_fc1", 0.98),
            Rule::dit("single_blocks_#_modulation_linear", 0.98),
            Rule::dit("txt_in_individual_token_refiner_*", 0.98),
            Rule::dit("context_embedder_token_refiner_*", 0.98),
            // FLUX.1 has 19 and 38 of these.
            Rule::dit("transformer_blocks_19_norm1_linear", 0.93).inp(3072),
            Rule::dit("transformer_blocks_19_ff_*", 0.93).inp(3072),
            Rule::dit("single_transformer_blocks_38_*", 0.93).inp(3072),
            Rule::dit("single_transformer_blocks_39_*", 0.93).inp(3072),
            Rule::dit("single_blocks_39_linear1", 0.93).out(21504),
        ],
    )
};
