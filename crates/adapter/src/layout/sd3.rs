//! Stable Diffusion 3 and 3.5: one stack of joint blocks, 24 in the medium models, 38 in the large one.

use super::family::{Fused, Layout, Pair, Preset, Rows, Rule, Scheme, Slots, Split, Stack};

const JOINT: &[Stack] = &[Stack {
    letter: "J",
    names: &["joint_blocks", "transformer_blocks"],
    count: 38,
    depth: "24 or 38",
    role: "joint block (picture and text)",
}];

pub(super) const SD3: Layout = Layout {
    slots: Slots::Stacks { base: true, stacks: JOINT },
    schemes: &[Scheme { count: 24, lines: &["J00-J23"] }, Scheme { count: 38, lines: &["J00-J37"] }],
    presets: &[] as &[Preset],
    pairs: &[
        Pair::new("joint_blocks.#.x_block.attn.proj", "transformer_blocks.#.attn.to_out.0"),
        Pair::new("joint_blocks.#.x_block.attn2.proj", "transformer_blocks.#.attn2.to_out.0"),
        Pair::new("joint_blocks.#.x_block.mlp.fc1", "transformer_blocks.#.ff.net.0.proj"),
        Pair::new("joint_blocks.#.x_block.mlp.fc2", "transformer_blocks.#.ff.net.2"),
        Pair::new("joint_blocks.#.x_block.adaLN_modulation.1", "transformer_blocks.#.norm1.linear"),
        Pair::new("joint_blocks.#.context_block.attn.proj", "transformer_blocks.#.attn.to_add_out"),
        Pair::new("joint_blocks.#.context_block.mlp.fc1", "transformer_blocks.#.ff_context.net.0.proj"),
        Pair::new("joint_blocks.#.context_block.mlp.fc2", "transformer_blocks.#.ff_context.net.2"),
        // In the last block only shift and scale are left of six parts, and diffusers has them the other way round.
        Pair::new("joint_blocks.#.context_block.adaLN_modulation.1", "transformer_blocks.#.norm1_context.linear")
            .rows(Rows::SwappedIfTwo),
        Pair::new("x_embedder.proj", "pos_embed.proj"),
        Pair::new("t_embedder.mlp.0", "time_text_embed.timestep_embedder.linear_1"),
        Pair::new("t_embedder.mlp.2", "time_text_embed.timestep_embedder.linear_2"),
        Pair::new("y_embedder.mlp.0", "time_text_embed.text_embedder.linear_1"),
        Pair::new("y_embedder.mlp.2", "time_text_embed.text_embedder.linear_2"),
        Pair::new("final_layer.linear", "proj_out"),
        Pair::new("final_layer.adaLN_modulation.1", "norm_out.linear").rows(Rows::SwappedHalves),
    ],
    fusions: &[
        Fused {
            whole: "joint_blocks.#.x_block.attn.qkv",
            parts: &[
                "transformer_blocks.#.attn.to_q",
                "transformer_blocks.#.attn.to_k",
                "transformer_blocks.#.attn.to_v",
            ],
            split: Split::Thirds,
        },
        Fused {
            whole: "joint_blocks.#.x_block.attn2.qkv",
            parts: &[
                "transformer_blocks.#.attn2.to_q",
                "transformer_blocks.#.attn2.to_k",
                "transformer_blocks.#.attn2.to_v",
            ],
            split: Split::Thirds,
        },
        Fused {
            whole: "joint_blocks.#.context_block.attn.qkv",
            parts: &[
                "transformer_blocks.#.attn.add_q_proj",
                "transformer_blocks.#.attn.add_k_proj",
                "transformer_blocks.#.attn.add_v_proj",
            ],
            split: Split::Thirds,
        },
    ],
    alike: &["context_embedder"],
    ..Layout::new(
        "sd3",
        "Stable Diffusion 3",
        &[
            Rule::dit("joint_blocks_#_*", 0.95),
            Rule::dit("transformer_blocks_#_attn_*", 0.85).inp(1536),
            Rule::dit("transformer_blocks_#_attn2_to_q", 0.85).inp(1536),
            Rule::dit("transformer_blocks_#_attn_*", 0.85).inp(2432),
        ],
    )
};
