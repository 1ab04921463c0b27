//! FLUX.1, Chroma and FLUX.2: double blocks, where picture and text have weights of their own, then single blocks.
//!
//! | | double | single | hidden size h | time and guidance |
//! |---|---|---|---|---|
//! | FLUX.1 | 19 | 38 | 3072 | a modulation in every block |
//! | Chroma | 19 | 38 | 3072 | one small network for all blocks |
//! | FLUX.2 | 5 to 8 | 20 to 48 | 3072 to 6144 | one modulation for all blocks of a sort |
//!
//! A single block of FLUX.1 has one weight for queries, keys, values (h rows each) and the first half of its
//! perceptron (4·h rows); diffusers cuts it into four. Those of FLUX.2 stay whole in both spellings.

use super::family::{Fused, Layout, Pair, Preset, Rows, Rule, Scheme, Slots, Split, Stack};

const fn doubles(count: usize, depth: &'static str) -> Stack {
    let names = &["double_blocks", "transformer_blocks"];
    Stack { letter: "D", names, count, depth, role: "double block (picture and text apart)" }
}

const fn singles(count: usize, depth: &'static str) -> Stack {
    let names = &["single_blocks", "single_transformer_blocks"];
    Stack { letter: "S", names, count, depth, role: "single block (picture and text together)" }
}

/// 57 numbers are those of all blocks, 19 those of the double ones; one more in front is for the text encoders. A list
/// of 61 begins with both text encoders and the modules before the blocks and ends with those behind them.
const SCHEMES: &[Scheme] = &[
    Scheme { count: 19, lines: &["D00-D18"] },
    Scheme { count: 20, lines: &["BASE,D00-D18"] },
    Scheme { count: 57, lines: &["D00-D18,S00-S37"] },
    Scheme { count: 58, lines: &["BASE,D00-D18,S00-S37"] },
    Scheme { count: 61, lines: &["BASE,BASE,OTHER,D00-D18,S00-S37,OTHER"] },
];

const DOUBLE: Preset = Preset { name: "DOUBLE", keeps: "BASE,D*" };
const SINGLE: Preset = Preset { name: "SINGLE", keeps: "BASE,S*" };

/// Early, middle and late are thirds: 19 blocks each.
const PRESETS: &[Preset] = &[
    Preset { name: "FLUXALL", keeps: "*" },
    DOUBLE,
    SINGLE,
    Preset { name: "EARLY", keeps: "BASE,D00-D18" },
    Preset { name: "MIDDLE", keeps: "BASE,S00-S18" },
    Preset { name: "LATE", keeps: "BASE,S19-S37" },
];

const IMG_QKV: Fused = Fused {
    whole: "double_blocks.#.img_attn.qkv",
    parts: &["transformer_blocks.#.attn.to_q", "transformer_blocks.#.attn.to_k", "transformer_blocks.#.attn.to_v"],
    split: Split::Thirds,
};
const TXT_QKV: Fused = Fused {
    whole: "double_blocks.#.txt_attn.qkv",
    parts: &[
        "transformer_blocks.#.attn.add_q_proj",
        "transformer_blocks.#.attn.add_k_proj",
        "transformer_blocks.#.attn.add_v_proj",
    ],
    split: Split::Thirds,
};
const LINEAR1: Fused = Fused {
    whole: "single_blocks.#.linear1",
    parts: &[
        "single_transformer_blocks.#.attn.to_q",
        "single_transformer_blocks.#.attn.to_k",
        "single_transformer_blocks.#.attn.to_v",
        "single_transformer_blocks.#.proj_mlp",
    ],
    split: Split::ThirdsAndRest,
};

const IMG_PROJ: Pair = Pair::new("double_blocks.#.img_attn.proj", "transformer_blocks.#.attn.to_out.0");
const TXT_PROJ: Pair = Pair::new("double_blocks.#.txt_attn.proj", "transformer_blocks.#.attn.to_add_out");
const IMG_MLP_0: Pair = Pair::new("double_blocks.#.img_mlp.0", "transformer_blocks.#.ff.net.0.proj");
const IMG_MLP_2: Pair = Pair::new("double_blocks.#.img_mlp.2", "transformer_blocks.#.ff.net.2");
const TXT_MLP_0: Pair = Pair::new("double_blocks.#.txt_mlp.0", "transformer_blocks.#.ff_context.net.0.proj");
const TXT_MLP_2: Pair = Pair::new("double_blocks.#.txt_mlp.2", "transformer_blocks.#.ff_context.net.2");
const LINEAR2: Pair = Pair::new("single_blocks.#.linear2", "single_transformer_blocks.#.proj_out");
const IMG_IN: Pair = Pair::new("img_in", "x_embedder");
const TXT_IN: Pair = Pair::new("txt_in", "context_embedder");
const FINAL: Pair = Pair::new("final_layer.linear", "proj_out");
const FINAL_NORM: Pair = Pair::new("final_layer.adaLN_modulation.1", "norm_out.linear").rows(Rows::SwappedHalves);

pub(super) const FLUX1: Layout = Layout {
    slots: Slots::Stacks { base: true, stacks: &[doubles(19, "19"), singles(38, "38")] },
    schemes: SCHEMES,
    presets: PRESETS,
    pairs: &[
        IMG_PROJ,
        TXT_PROJ,
        IMG_MLP_0,
        IMG_MLP_2,
        TXT_MLP_0,
        TXT_MLP_2,
        Pair::new("double_blocks.#.img_mod.lin", "transformer_blocks.#.norm1.linear"),
        Pair::new("double_blocks.#.txt_mod.lin", "transformer_blocks.#.norm1_context.linear"),
        LINEAR2,
        Pair::new("single_blocks.#.modulation.lin", "single_transformer_blocks.#.norm.linear"),
        IMG_IN,
        TXT_IN,
        Pair::new("time_in.in_layer", "time_text_embed.timestep_embedder.linear_1"),
        Pair::new("time_in.out_layer", "time_text_embed.timestep_embedder.linear_2"),
        Pair::new("vector_in.in_layer", "time_text_embed.text_embedder.linear_1"),
        Pair::new("vector_in.out_layer", "time_text_embed.text_embedder.linear_2"),
        Pair::new("guidance_in.in_layer", "time_text_embed.guidance_embedder.linear_1"),
        Pair::new("guidance_in.out_layer", "time_text_embed.guidance_embedder.linear_2"),
        FINAL,
        FINAL_NORM,
    ],
    fusions: &[IMG_QKV, TXT_QKV, LINEAR1],
    ..Layout::new(
        "flux1",
        "FLUX.1",
        &[
            Rule::dit("double_blocks_#_img_mod_lin", 0.97),
            Rule::dit("double_blocks_#_txt_mod_lin", 0.97),
            Rule::dit("single_blocks_#_modulation_lin", 0.97),
            Rule::dit("single_transformer_blocks_#_norm_linear", 0.9).inp(3072),
            Rule::dit("transformer_blocks_#_norm1_context_linear", 0.85).inp(3072),
            Rule::dit("time_text_embed_guidance_embedder_linear_1", 0.85),
            // Chroma, and part of HunyuanVideo, look like this too.
            Rule::dit("single_transformer_blocks_#_*", 0.8).inp(3072),
            Rule::dit("transformer_blocks_#_ff_context_net_*", 0.8).inp(3072),
            Rule::dit("double_blocks_#_img_mlp_0", 0.8),
            Rule::dit("double_blocks_#_img_attn_qkv", 0.7).out(9216),
            Rule::dit("double_blocks_#_txt_attn_qkv", 0.7).out(9216),
            Rule::dit("single_blocks_#_linear1", 0.7).out(21504),
            Rule::dit("single_blocks_#_linear2", 0.7).inp(15360),
            // Fused weights saved in parts, and XLabs' attention alone.
            Rule::dit("double_blocks_#_img_attn_qkv_#", 0.7).inp(3072),
            Rule::dit("double_blocks_#_txt_attn_qkv_#", 0.7).inp(3072),
            Rule::dit("single_blocks_#_linear1_#", 0.7).inp(3072),
            Rule::dit("single_blocks_#_linear1_qkv", 0.9),
        ],
    )
};

pub(super) const CHROMA: Layout = Layout {
    slots: FLUX1.slots,
    schemes: SCHEMES,
    presets: PRESETS,
    pairs: &[
        IMG_PROJ,
        TXT_PROJ,
        IMG_MLP_0,
        IMG_MLP_2,
        TXT_MLP_0,
        TXT_MLP_2,
        LINEAR2,
        IMG_IN,
        TXT_IN,
        FINAL,
        Pair::new("distilled_guidance_layer.layers.#.in_layer", "distilled_guidance_layer.layers.#.linear_1"),
        Pair::new("distilled_guidance_layer.layers.#.out_layer", "distilled_guidance_layer.layers.#.linear_2"),
    ],
    fusions: &[IMG_QKV, TXT_QKV, LINEAR1],
    alike: &["distilled_guidance_layer.in_proj", "distilled_guidance_layer.out_proj"],
    ..Layout::new("chroma", "Chroma", &[Rule::dit("distilled_guidance_layer_*", 0.98)])
};

pub(super) const FLUX2: Layout = Layout {
    slots: Slots::Stacks { base: true, stacks: &[doubles(8, "5 to 8"), singles(48, "20 to 48")] },
    schemes: &[
        Scheme { count: 25, lines: &["D00-D04,S00-S19"] },
        Scheme { count: 32, lines: &["D00-D07,S00-S23"] },
        Scheme { count: 56, lines: &["D00-D07,S00-S47"] },
    ],
    presets: &[DOUBLE, SINGLE],
    pairs: &[
        IMG_PROJ,
        TXT_PROJ,
        Pair::new("double_blocks.#.img_mlp.0", "transformer_blocks.#.ff.linear_in"),
        Pair::new("double_blocks.#.img_mlp.2", "transformer_blocks.#.ff.linear_out"),
        Pair::new("double_blocks.#.txt_mlp.0", "transformer_blocks.#.ff_context.linear_in"),
        Pair::new("double_blocks.#.txt_mlp.2", "transformer_blocks.#.ff_context.linear_out"),
        Pair::new("single_blocks.#.linear1", "single_transformer_blocks.#.attn.to_qkv_mlp_proj"),
        Pair::new("single_blocks.#.linear2", "single_transformer_blocks.#.attn.to_out"),
        Pair::new("double_stream_modulation_img.lin", "double_stream_modulation_img.linear"),
        Pair::new("double_stream_modulation_txt.lin", "double_stream_modulation_txt.linear"),
        Pair::new("single_stream_modulation.lin", "single_stream_modulation.linear"),
        IMG_IN,
        TXT_IN,
        Pair::new("time_in.in_layer", "time_guidance_embed.timestep_embedder.linear_1"),
        Pair::new("time_in.out_layer", "time_guidance_embed.timestep_embedder.linear_2"),
        Pair::new("guidance_in.in_layer", "time_guidance_embed.guidance_embedder.linear_1"),
        Pair::new("guidance_in.out_layer", "time_guidance_embed.guidance_embedder.linear_2"),
        FINAL,
        FINAL_NORM,
    ],
    fusions: &[IMG_QKV, TXT_QKV],
    ..Layout::new(
        "flux2",
        "FLUX.2",
        &[
            Rule::dit("double_stream_modulation_*", 0.97),
            Rule::dit("single_stream_modulation_*", 0.97),
            Rule::dit("*_attn_to_qkv_mlp_proj", 0.95),
            Rule::dit("transformer_blocks_#_ff_linear_in", 0.95),
            Rule::dit("transformer_blocks_#_ff_context_linear_in", 0.95),
            Rule::dit("single_transformer_blocks_#_attn_to_out", 0.9),
            Rule::dit("double_blocks_#_img_attn_qkv", 0.9).out(18432),
            Rule::dit("double_blocks_#_img_attn_qkv", 0.9).out(12288),
            Rule::dit("double_blocks_#_img_mlp_0", 0.9).inp(3072).out(18432),
            Rule::dit("double_blocks_#_img_mlp_0", 0.9).inp(4096),
            Rule::dit("double_blocks_#_img_mlp_0", 0.9).inp(6144),
            Rule::dit("single_blocks_#_linear1", 0.9).inp(3072).out(27648),
            Rule::dit("single_blocks_#_linear1", 0.9).inp(4096),
            Rule::dit("single_blocks_#_linear1", 0.9).inp(6144),
            Rule::dit("single_blocks_#_linear2", 0.9).inp(12288),
            Rule::dit("single_blocks_#_linear2", 0.9).out(4096),
            Rule::dit("single_blocks_#_linear2", 0.9).out(6144),
        ],
    )
};
