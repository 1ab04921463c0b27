//! Small adapters in kohya's spelling, made of factor pairs that a test can turn before they become bytes.

use crate::dense::Matrix;
use crate::naive::Pair;
use crate::rng::Stream;
use crate::tensors::{self, Tensor};
use std::collections::BTreeMap;

/// One module of a made-up adapter.
#[derive(Clone, Debug)]
pub struct Module {
    /// Base name as kohya spells it.
    pub name: String,
    /// Input channels.
    pub inp: usize,
    /// `[kh, kw]`, or empty.
    pub kernel: Vec<usize>,
    /// B and A; the scale is written as alpha = scale · r.
    pub pair: Pair,
}

/// A made-up adapter.
pub type Adapter = Vec<Module>;

/// Name, out, in, kernel.
pub type Shape = (&'static str, usize, usize, &'static [usize]);

/// A text encoder, linear layers, a 3×3 and a 1×1 convolution, and matrices smaller than usual ranks.
pub const SHAPES: [Shape; 6] = [
    ("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_k", 24, 20, &[]),
    ("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_ff_net_2", 12, 48, &[]),
    ("lora_unet_down_blocks_0_resnets_0_conv1", 16, 6, &[3, 3]),
    ("lora_unet_mid_block_attentions_0_proj_in", 18, 14, &[1, 1]),
    ("lora_unet_up_blocks_1_attentions_0_transformer_blocks_0_attn2_to_v", 3, 40, &[]),
    ("lora_te_text_model_encoder_layers_0_mlp_fc1", 30, 10, &[]),
];

/// A random adapter with these modules; factors whose rank slots decay, scale 1.
pub fn adapter(seed: u64, rank: usize, shapes: &[Shape]) -> Adapter {
    let module = |(name, out, inp, kernel): &Shape| {
        let columns = inp * kernel.iter().product::<usize>();
        let (up, down) = (Stream::named(seed, &format!("{name} up")), Stream::named(seed, &format!("{name} down")));
        let decay = |slot: usize| ((slot + 1) as f64).powf(-0.5);
        let up = (0..out * rank).map(|i| up.normal(i as u64) * decay(i % rank)).collect();
        let down = (0..rank * columns).map(|i| down.normal(i as u64) * 0.2).collect();
        let pair = Pair { up: Matrix::new(*out, rank, up), down: Matrix::new(rank, columns, down), scale: 1.0 };
        Module { name: (*name).into(), inp: *inp, kernel: kernel.to_vec(), pair }
    };
    shapes.iter().map(module).collect()
}

/// The file's bytes, every tensor in `dtype`.
pub fn bytes(adapter: &Adapter, dtype: &str) -> Vec<u8> {
    let mut list = Vec::new();
    for Module { name, inp, kernel, pair } in adapter {
        let rank = pair.down.rows;
        let ones = vec![1; kernel.len()];
        let mut add = |suffix: &str, shape: Vec<usize>, values: &[f64]| {
            list.push((format!("{name}.{suffix}"), Tensor::new(dtype, &shape, values.to_vec())));
        };
        add("alpha", vec![], &[pair.scale * rank as f64]);
        add("lora_down.weight", [&[rank, *inp], &kernel[..]].concat(), &pair.down.values);
        add("lora_up.weight", [&[pair.up.rows, rank], &ones[..]].concat(), &pair.up.values);
    }
    tensors::write(&list, &BTreeMap::new())
}
