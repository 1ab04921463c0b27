//! Small adapters and bases, and the comparison of what comes out with a formula.

use rankweave_tests::dense::Matrix;
use rankweave_tests::engine::{File, Job, Merged};
use rankweave_tests::rng::Stream;
use rankweave_tests::tensors::{self, Tensor};
use rankweave_tests::{kinds, naive};
use std::collections::BTreeMap;

pub const LINEAR: &str = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_k";
pub const CONVOLUTION: &str = "lora_unet_down_blocks_0_resnets_0_conv1";
pub const PEFT: &str = "base_model.model.model.layers.0.self_attn.q_proj";

/// Spellings of the base's weight of each of them, with the label of its file.
pub const LINEAR_NAMES: [(&str, &str); 4] = [
    ("m.safetensors", "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.to_k.weight"),
    ("m.safetensors", "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_k.weight"),
    ("unet/m.safetensors", "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_k.weight"),
    ("m.safetensors", "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_k.weight"),
];
pub const CONVOLUTION_NAMES: [(&str, &str); 2] = [
    ("m.safetensors", "model.diffusion_model.input_blocks.1.0.in_layers.2.weight"),
    ("unet/m.safetensors", "down_blocks.0.resnets.0.conv1.weight"),
];
pub const PEFT_NAMES: [(&str, &str); 3] = [
    ("m.safetensors", "model.layers.0.self_attn.q_proj.weight"),
    ("m.safetensors", "layers.0.self_attn.q_proj.weight"),
    ("m.safetensors", "model.model.layers.0.self_attn.q_proj.weight"),
];

pub type Tensors = Vec<(String, Tensor)>;

/// ε of LyCORIS.
pub const EPSILON: f64 = f32::EPSILON as f64;

pub fn random(name: &str, seed: u64, shape: &[usize], dtype: &str) -> Tensor {
    let stream = Stream::named(seed, name);
    let values: Vec<f64> = (0..shape.iter().product::<usize>()).map(|n| stream.normal(n as u64) * 0.5).collect();
    // As a reader will see them.
    let tensor = Tensor::new(dtype, shape, values);
    tensors::read(&tensors::write(&[("x".into(), tensor)], &BTreeMap::new())).tensors.remove("x").unwrap()
}

/// Numbers about 1, as magnitudes and factors are.
pub fn positive(name: &str, seed: u64, shape: &[usize]) -> Tensor {
    let mut tensor = random(name, seed, shape, "F32");
    tensor.values.iter_mut().for_each(|x| *x = f64::from((1.0 + 0.5 * *x) as f32));
    tensor
}

pub fn matrix(t: &Tensor) -> Matrix {
    Matrix::new(t.shape[0], t.values.len() / t.shape[0], t.values.clone())
}

pub fn file(list: &[(String, Tensor)]) -> Vec<u8> {
    tensors::write(list, &BTreeMap::new())
}

pub fn written(merged: &Merged) -> BTreeMap<String, Matrix> {
    let config = merged.config.as_ref().map(|text| serde_json::from_str(text).unwrap());
    kinds::deltas(&tensors::read(&merged.bytes), config.as_ref())
}

/// Merges one adapter with the base and compares its only change, or that called `module`.
pub fn holds(job: &Job, module: &str, wanted: &Matrix) {
    for weight in [1.0, -0.5] {
        let mut job = job.clone();
        job.files[0].weight = weight;
        let merged = job.run().unwrap_or_else(|e| panic!("{module}: {}", e[0]));
        let found = written(&merged);
        let ours = &found[&naive::canonical(module)];
        let wanted = wanted.scaled(weight);
        assert!(ours.distance(&wanted) < 2e-6, "{module}: {} away", ours.distance(&wanted));
    }
}

pub fn job(list: Vec<(String, Tensor)>, base: Vec<(String, Vec<u8>)>) -> Job {
    Job { base, ..Job::new("sum", vec![File::new("a.safetensors", file(&list), 1.0)]) }
}

pub fn named(name: &str, ending: &str, tensor: Tensor) -> (String, Tensor) {
    (format!("{name}{ending}"), tensor)
}

/// A random pair of a module, its alpha, and s·B·A.
pub fn pair(name: &str, seed: u64, out: usize, inp: usize, kernel: &[usize]) -> (Vec<(String, Tensor)>, Matrix) {
    let rank = 1 + seed as usize % 3;
    let ones: Vec<usize> = kernel.iter().map(|_| 1).collect();
    let up = random(&format!("{name}up"), seed, &[&[out, rank], &ones[..]].concat(), "F32");
    let down = random(&format!("{name}down"), seed, &[&[rank, inp], kernel].concat(), "F32");
    let delta = matrix(&up).times(&matrix(&down));
    if name.starts_with("base_model") || name.starts_with("transformer.") {
        return (vec![named(name, ".lora_B.weight", up), named(name, ".lora_A.weight", down)], delta);
    }
    let list = vec![
        named(name, ".lora_up.weight", up),
        named(name, ".lora_down.weight", down),
        named(name, ".alpha", Tensor::new("F32", &[], vec![1.5])),
    ];
    (list, delta.scaled(1.5 / rank as f64))
}

/// W as a file of one tensor.
pub fn base_of(label: &str, name: &str, tensor: &Tensor) -> Vec<(String, Vec<u8>)> {
    let more = random("other", 7, &[3, 3], "F16");
    vec![(label.to_owned(), file(&[("some.other.weight".to_owned(), more), (name.to_owned(), tensor.clone())]))]
}
