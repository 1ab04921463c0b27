//! The attention modules of the Stable Diffusion UNets, and the text encoder of the first.
//!
//! A UNet is a list of blocks; a block has attentions; an attention has a projection in, a number of transformer
//! blocks, and a projection out. The projections are 1×1 convolutions in SD1.5 and linear in SDXL.

use super::Target;

/// Block name, its attentions, transformer blocks in each, width.
type Block = (&'static str, usize, usize, usize);

const SD15: [Block; 7] = [
    ("down_blocks_0", 2, 1, 320),
    ("down_blocks_1", 2, 1, 640),
    ("down_blocks_2", 2, 1, 1280),
    ("mid_block", 1, 1, 1280),
    ("up_blocks_1", 3, 1, 1280),
    ("up_blocks_2", 3, 1, 640),
    ("up_blocks_3", 3, 1, 320),
];

const SDXL: [Block; 5] = [
    ("down_blocks_1", 2, 2, 640),
    ("down_blocks_2", 2, 10, 1280),
    ("mid_block", 1, 10, 1280),
    ("up_blocks_0", 3, 10, 1280),
    ("up_blocks_1", 3, 2, 640),
];

/// SD1.5: UNet with texts of width 768, and the twelve layers of the text encoder.
pub fn sd15() -> Vec<Target> {
    let mut targets = attentions(&SD15, 768, true);
    for layer in 0..12 {
        let base = format!("lora_te_text_model_encoder_layers_{layer}");
        for (name, out, inp) in [("mlp_fc1", 3072, 768), ("mlp_fc2", 768, 3072)] {
            targets.push(Target { name: format!("{base}_{name}"), out, inp, conv: false });
        }
        for name in ["k", "out", "q", "v"] {
            targets.push(Target { name: format!("{base}_self_attn_{name}_proj"), out: 768, inp: 768, conv: false });
        }
    }
    targets
}

/// SDXL: UNet with texts of width 2048.
pub fn sdxl() -> Vec<Target> {
    attentions(&SDXL, 2048, false)
}

fn attentions(blocks: &[Block], text: usize, conv: bool) -> Vec<Target> {
    let mut targets = Vec::new();
    for &(block, attentions, depth, width) in blocks {
        for attention in 0..attentions {
            let base = format!("lora_unet_{block}_attentions_{attention}");
            let mut add = |name: &str, out: usize, inp: usize, conv: bool| {
                targets.push(Target { name: format!("{base}_{name}"), out, inp, conv });
            };
            add("proj_in", width, width, conv);
            add("proj_out", width, width, conv);
            for d in 0..depth {
                for (kind, keys) in [("attn1", width), ("attn2", text)] {
                    for (name, inp) in [("to_q", width), ("to_k", keys), ("to_v", keys), ("to_out_0", width)] {
                        add(&format!("transformer_blocks_{d}_{kind}_{name}"), width, inp, false);
                    }
                }
                // The first feed-forward matrix makes values and gates of four times the width each.
                add(&format!("transformer_blocks_{d}_ff_net_0_proj"), 8 * width, width, false);
                add(&format!("transformer_blocks_{d}_ff_net_2"), width, 4 * width, false);
            }
        }
    }
    targets
}
