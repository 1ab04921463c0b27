//! Adapters whose change depends on the base model, against the formulas, whatever the base is called and cut into.

#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

use rankweave_adapter::{Adapter, Base, Kind, Source};
use rankweave_recipe::{Facts, Prepared};
use rankweave_tests::base::{self, Side};
use rankweave_tests::dense::Matrix;
use rankweave_tests::engine::{File, Job, Merged};
use rankweave_tests::rng::Stream;
use rankweave_tests::tensors::{self, Tensor};
use rankweave_tests::{kinds, naive};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;

const LINEAR: &str = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_k";
const CONVOLUTION: &str = "lora_unet_down_blocks_0_resnets_0_conv1";
const PEFT: &str = "base_model.model.model.layers.0.self_attn.q_proj";

/// Spellings of the base's weight of each of them, with the label of its file.
const LINEAR_NAMES: [(&str, &str); 4] = [
    ("m.safetensors", "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.to_k.weight"),
    ("m.safetensors", "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_k.weight"),
    ("unet/m.safetensors", "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_k.weight"),
    ("m.safetensors", "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_k.weight"),
];
const CONVOLUTION_NAMES: [(&str, &str); 2] = [
    ("m.safetensors", "model.diffusion_model.input_blocks.1.0.in_layers.2.weight"),
    ("unet/m.safetensors", "down_blocks.0.resnets.0.conv1.weight"),
];
const PEFT_NAMES: [(&str, &str); 3] = [
    ("m.safetensors", "model.layers.0.self_attn.q_proj.weight"),
    ("m.safetensors", "layers.0.self_attn.q_proj.weight"),
    ("m.safetensors", "model.model.layers.0.self_attn.q_proj.weight"),
];

type Tensors = Vec<(String, Tensor)>;

/// ε of LyCORIS.
const EPSILON: f64 = f32::EPSILON as f64;

fn random(name: &str, seed: u64, shape: &[usize], dtype: &str) -> Tensor {
    let stream = Stream::named(seed, name);
    let values: Vec<f64> = (0..shape.iter().product::<usize>()).map(|n| stream.normal(n as u64) * 0.5).collect();
    // As a reader will see them.
    let tensor = Tensor::new(dtype, shape, values);
    tensors::read(&tensors::write(&[("x".into(), tensor)], &BTreeMap::new())).tensors.remove("x").unwrap()
}

/// Numbers about 1, as magnitudes and factors are.
fn positive(name: &str, seed: u64, shape: &[usize]) -> Tensor {
    let mut tensor = random(name, seed, shape, "F32");
    tensor.values.iter_mut().for_each(|x| *x = f64::from((1.0 + 0.5 * *x) as f32));
    tensor
}

fn matrix(t: &Tensor) -> Matrix {
    Matrix::new(t.shape[0], t.values.len() / t.shape[0], t.values.clone())
}

fn file(list: &[(String, Tensor)]) -> Vec<u8> {
    tensors::write(list, &BTreeMap::new())
}

fn written(merged: &Merged) -> BTreeMap<String, Matrix> {
    let config = merged.config.as_ref().map(|text| serde_json::from_str(text).unwrap());
    kinds::deltas(&tensors::read(&merged.bytes), config.as_ref())
}

/// Merges one adapter with the base and compares its only change, or that called `module`.
fn holds(job: &Job, module: &str, wanted: &Matrix) {
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

fn job(list: Vec<(String, Tensor)>, base: Vec<(String, Vec<u8>)>) -> Job {
    Job { base, ..Job::new("sum", vec![File::new("a.safetensors", file(&list), 1.0)]) }
}

fn named(name: &str, ending: &str, tensor: Tensor) -> (String, Tensor) {
    (format!("{name}{ending}"), tensor)
}

/// A random pair of a module, its alpha, and s·B·A.
fn pair(name: &str, seed: u64, out: usize, inp: usize, kernel: &[usize]) -> (Vec<(String, Tensor)>, Matrix) {
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
fn base_of(label: &str, name: &str, tensor: &Tensor) -> Vec<(String, Vec<u8>)> {
    let more = random("other", 7, &[3, 3], "F16");
    vec![(label.to_owned(), file(&[("some.other.weight".to_owned(), more), (name.to_owned(), tensor.clone())]))]
}

#[test]
fn dora_of_linear_layers_and_convolutions() {
    for seed in 0..24u64 {
        let (out, inp) = (2 + seed as usize * 5 % 9, 2 + seed as usize * 3 % 7);
        let dtype = ["F32", "F16", "BF16"][seed as usize % 3];
        let cases = [(LINEAR, &[][..], &LINEAR_NAMES[..]), (CONVOLUTION, &[3, 3], &CONVOLUTION_NAMES)];
        for (name, kernel, names) in cases {
            let ones: Vec<usize> = kernel.iter().map(|_| 1).collect();
            let size: usize = kernel.iter().product();
            let weight = random("w", seed, &[&[out, inp], kernel].concat(), dtype);
            let (label, spelled) = names[seed as usize % names.len()];
            for (side, shape) in [(Side::Out, [out, 1]), (Side::In(size), [1, inp])] {
                let (mut list, direction) = pair(name, seed, out, inp, kernel);
                let m = positive("m", seed, &[&shape[..], &ones].concat());
                let wanted = base::dora(&matrix(&weight), &direction, &m.values, side, EPSILON);
                list.push(named(name, ".dora_scale", m));
                holds(&job(list, base_of(label, spelled, &weight)), name, &wanted);
            }
        }
    }
}

#[test]
fn dora_of_peft() {
    for seed in 0..12u64 {
        let (out, inp) = (3 + seed as usize % 5, 2 + seed as usize % 4);
        let weight = random("w", seed, &[out, inp], "BF16");
        let (mut list, direction) = pair(PEFT, seed, out, inp, &[]);
        let m = positive("m", seed, &[out]);
        let wanted = base::dora(&matrix(&weight), &direction.scaled(2.0), &m.values, Side::Out, 0.0);
        let ending = [".lora_magnitude_vector", ".lora_magnitude_vector.weight"][seed as usize % 2];
        list.push(named(PEFT, ending, m));
        let (label, spelled) = PEFT_NAMES[seed as usize % 3];
        let mut job = job(list, base_of(label, spelled, &weight));
        let rank = 1 + seed % 3;
        job.files[0].config =
            Some(json!({"peft_type": "LORA", "r": rank, "lora_alpha": 2 * rank, "use_dora": true}).to_string());
        holds(&job, PEFT, &wanted);
    }
    // A convolution's magnitudes are the outputs', though they stand in the second place.
    let name = "base_model.model.conv.0";
    let weight = random("w", 1, &[5, 4, 3, 3], "F32");
    let (mut list, direction) = pair(name, 4, 5, 4, &[3, 3]);
    let m = positive("m", 1, &[1, 5, 1, 1]);
    let wanted = base::dora(&matrix(&weight), &direction, &m.values, Side::Out, 0.0);
    list.push(named(name, ".lora_magnitude_vector", m));
    holds(&job(list, base_of("m", "conv.0.weight", &weight)), name, &wanted);
}

#[test]
fn a_base_that_stores_its_weights_transposed() {
    let name = "base_model.model.transformer.h.0.attn.c_proj";
    for (out, inp) in [(5, 3), (4, 4)] {
        let stored = random("w", 3, &[inp, out], "F32");
        let (mut list, direction) = pair(name, 3, out, inp, &[]);
        let m = positive("m", 3, &[out]);
        let wanted = base::dora(&matrix(&stored).transposed(), &direction, &m.values, Side::Out, 0.0);
        list.push(named(name, ".lora_magnitude_vector", m));
        let mut job = job(list, base_of("m", "h.0.attn.c_proj.weight", &stored));
        job.files[0].config = Some(
            json!({"peft_type": "LORA", "r": 1, "lora_alpha": 1, "use_dora": true, "fan_in_fan_out": true}).to_string(),
        );
        holds(&job, name, &wanted);
    }
}

#[test]
fn dora_over_products_of_other_kinds() {
    let (out, inp) = (6, 8);
    let weight = random("w", 5, &[out, inp], "F32");
    let loha = [(".hada_w1_a", [out, 2]), (".hada_w1_b", [2, inp]), (".hada_w2_a", [out, 2]), (".hada_w2_b", [2, inp])];
    let lokr = [(".lokr_w1", [2, 4]), (".lokr_w2_a", [3, 2]), (".lokr_w2_b", [2, 2]), ("", [0, 0])];
    for parts in [loha, lokr] {
        let parts = parts.iter().filter(|(ending, _)| !ending.is_empty());
        let mut list: Vec<_> = parts.map(|(e, shape)| named(LINEAR, e, random(e, 5, shape, "F32"))).collect();
        list.push(named(LINEAR, ".alpha", Tensor::new("F32", &[], vec![1.0])));
        let direction = kinds::deltas(&tensors::read(&file(&list)), None).into_values().next().unwrap();
        for (side, shape) in [(Side::Out, [out, 1]), (Side::In(1), [1, inp])] {
            let m = positive("m", 5, &shape);
            let wanted = base::dora(&matrix(&weight), &direction, &m.values, side, EPSILON);
            let mut list = list.clone();
            list.push(named(LINEAR, ".dora_scale", m));
            holds(&job(list, base_of("m", LINEAR_NAMES[0].1, &weight)), LINEAR, &wanted);
        }
    }
}

#[test]
fn factors_of_outputs_and_inputs() {
    let config = Some(json!({"peft_type": "IA3"}).to_string());
    for seed in 0..6 {
        let weight = random("w", seed, &[5, 3], "F16");
        for (side, shape) in [(Side::Out, [5, 1]), (Side::In(1), [1, 3])] {
            let l = positive("l", seed, &shape);
            let wanted = base::ia3(&matrix(&weight), &l.values, side);
            let mut job = job(vec![named(PEFT, ".ia3_l", l)], base_of("m", PEFT_NAMES[0].1, &weight));
            job.files[0].config = config.clone();
            holds(&job, PEFT, &wanted);
        }
    }
    let name = "base_model.model.conv.0";
    let weight = random("w", 1, &[5, 4, 3, 3], "F32");
    for (side, n) in [(Side::Out, 5), (Side::In(9), 4)] {
        let l = positive("l", 1, &[1, n, 1, 1]);
        let wanted = base::ia3(&matrix(&weight), &l.values, side);
        let mut job = job(vec![named(name, ".ia3_l", l)], base_of("m", "conv.0.weight", &weight));
        job.files[0].config = config.clone();
        holds(&job, name, &wanted);
    }
}

#[test]
fn a_bias_that_would_be_scaled_too_is_told() {
    let weight = random("w", 1, &[5, 3], "F32");
    let list = [
        (PEFT_NAMES[0].1.to_owned(), weight),
        ("model.layers.0.self_attn.q_proj.bias".to_owned(), random("b", 1, &[5], "F32")),
    ];
    for (shape, expected) in [([5, 1], true), ([1, 3], false)] {
        let mut job = job(vec![named(PEFT, ".ia3_l", positive("l", 1, &shape))], vec![("m".into(), file(&list))]);
        job.files[0].config = Some(json!({"peft_type": "IA3"}).to_string());
        let told = job.run().unwrap().report.warnings.into_iter().find(|w| w.code == "bias-not-scaled");
        assert_eq!(told.is_some(), expected);
        assert!(told.is_none_or(|w| w.message.contains("q_proj.bias")));
    }
}

#[test]
fn rotations_of_outputs() {
    for (count, b, kernel, bounded, rescaled) in [
        (3, 2, &[][..], false, false),
        (2, 4, &[3, 3], false, true),
        (2, 3, &[], true, false),
        (1, 5, &[1, 1], true, true),
    ] {
        let (out, inp) = (count * b, 3);
        let shape = [&[out, inp], kernel].concat();
        let weight = random("w", 2, &shape, "F32");
        let blocks = random("x", 2, &[count, b, b], "F32");
        let alpha = if bounded { f64::from(0.01f32) } else { 0.0 };
        let rho = positive("r", 2, &[out, 1]);
        let split: Vec<Matrix> = blocks.values.chunks(b * b).map(|x| Matrix::new(b, b, x.to_vec())).collect();
        let rescale = rescaled.then_some(rho.values.as_slice());
        let wanted = base::oft_outputs(&matrix(&weight), &split, alpha * out as f64, rescale);
        // kohya's prefix, and LyCORIS's.
        for prefix in ["oft_unet_", "lora_unet_"] {
            let name = format!("{prefix}{}", LINEAR.strip_prefix("lora_unet_").unwrap());
            let mut list = vec![named(&name, ".oft_blocks", blocks.clone())];
            list.push(named(&name, ".alpha", Tensor::new("F32", &[], vec![alpha])));
            list.extend(rescaled.then(|| named(&name, ".rescale", rho.clone())));
            holds(&job(list, base_of("m", LINEAR_NAMES[0].1, &weight)), LINEAR, &wanted);
        }
    }
}

#[test]
fn rotations_of_inputs() {
    for (count, b, kernel, settings) in [
        (3, 4, &[][..], json!({"use_cayley_neumann": true, "num_cayley_neumann_terms": 5})),
        (3, 4, &[], json!({"use_cayley_neumann": false})),
        (3, 4, &[], json!({"use_cayley_neumann": true, "num_cayley_neumann_terms": 3})),
        (3, 4, &[], json!({"use_cayley_neumann": true, "num_cayley_neumann_terms": 2})),
        (1, 3, &[], json!({"block_share": true})),
        (2, 6, &[], json!({"coft": true, "eps": 0.001})),
        (3, 6, &[3, 3], json!({})),
    ] {
        let columns = if count == 1 { 12 } else { count * b };
        let size: usize = kernel.iter().product();
        let weight = random("w", 4, &[&[5, columns / size], kernel].concat(), "F32");
        let mut q = random("q", 4, &[count, b * (b - 1) / 2], "F32");
        q.values.iter_mut().for_each(|x| *x *= 0.125);
        let triangles: Vec<Vec<f64>> = q.values.chunks(b * (b - 1) / 2).map(<[f64]>::to_vec).collect();
        let terms =
            (settings["use_cayley_neumann"] == true).then(|| settings["num_cayley_neumann_terms"].as_u64().unwrap());
        let bound = (settings["coft"] == true).then(|| 0.001 / (count as f64).sqrt());
        let wanted = base::oft_inputs(&matrix(&weight), &triangles, b, terms.map(|n| n as usize), bound);
        let mut config = settings.clone();
        config["peft_type"] = json!("OFT");
        let list = vec![named(PEFT, ".oft_R.weight", q)];
        let mut job = job(list, base_of("m", PEFT_NAMES[0].1, &weight));
        let errors = job.run().unwrap_err();
        assert!(errors[0].what.contains("adapter_config.json"), "{}", errors[0]);
        job.files[0].config = Some(config.to_string());
        holds(&job, PEFT, &wanted);
    }
}

/// A DoRA adapter of Flux with one module, told by a further plain one.
fn flux(name: &str, mark: &str, out: usize, inp: usize) -> (Vec<(String, Tensor)>, Matrix, Tensor) {
    let (mut list, direction) = pair(name, 2, out, inp, &[]);
    let m = positive("m", 2, &[out, 1]);
    list.push(named(name, ".dora_scale", m.clone()));
    list.extend(pair(mark, 1, 4, 4, &[]).0);
    (list, direction, m)
}

#[test]
fn parts_of_a_fused_weight_are_its_rows() {
    let d = 4;
    let fused = random("qkv", 2, &[3 * d, d], "BF16");
    let single = random("linear1", 2, &[3 * d + 8, d], "F32");
    let mark = "transformer.time_text_embed.guidance_embedder.linear_1";
    let all = |name: &str, tensor: &Tensor| base_of("m", name, tensor);
    for (name, from, rows, whole, stored) in [
        ("transformer.transformer_blocks.0.attn.to_q", 0, d, "double_blocks.0.img_attn.qkv.weight", &fused),
        (
            "transformer.transformer_blocks.0.attn.to_v",
            2 * d,
            d,
            "model.diffusion_model.double_blocks.0.img_attn.qkv.weight",
            &fused,
        ),
        ("transformer.single_transformer_blocks.0.proj_mlp", 3 * d, 8, "single_blocks.0.linear1.weight", &single),
    ] {
        let (list, direction, m) = flux(name, mark, rows, d);
        let own = Matrix::new(rows, d, stored.values[from * d..(from + rows) * d].to_vec());
        let wanted = base::dora(&own, &direction, &m.values, Side::Out, EPSILON);
        holds(&job(list, all(whole, stored)), name, &wanted);
    }
    // OpenCLIP keeps the three in one tensor too.
    let name = "lora_te2_text_model_encoder_layers_3_self_attn_k_proj";
    let (mut list, direction) = pair(name, 2, d, d, &[]);
    let m = positive("m", 2, &[1, d]);
    let own = Matrix::new(d, d, fused.values[d * d..2 * d * d].to_vec());
    let wanted = base::dora(&own, &direction, &m.values, Side::In(1), EPSILON);
    list.push(named(name, ".dora_scale", m));
    let spelled = "conditioner.embedders.1.model.transformer.resblocks.3.attn.in_proj_weight";
    holds(&job(list, all(spelled, &fused)), name, &wanted);
}

#[test]
fn a_fused_module_finds_the_parts_of_its_weight() {
    let d = 4;
    let parts = ["to_q", "to_k", "to_v"]
        .map(|part| (format!("transformer_blocks.0.attn.{part}.weight"), random(part, 2, &[d, d], "F32")));
    let name = "lora_unet_double_blocks_0_img_attn_qkv";
    let (list, direction, m) = flux(name, "lora_unet_double_blocks_0_img_mod_lin", 3 * d, d);
    let own = Matrix::new(3 * d, d, parts.iter().flat_map(|(_, part)| part.values.clone()).collect());
    let wanted = base::dora(&own, &direction, &m.values, Side::Out, EPSILON);
    // In two files, to boot.
    let base = vec![("a".to_owned(), file(&parts[1..])), ("b".to_owned(), file(&parts[..1]))];
    holds(&job(list, base), name, &wanted);
}

#[test]
fn halves_in_the_other_order_are_swapped() {
    let d = 4;
    let original = random("w", 2, &[2 * d, d], "F32");
    let mut native = original.clone();
    native.values.rotate_left(d * d);
    let name = "lora_unet_final_layer_adaLN_modulation_1";
    let (list, direction, m) = flux(name, "lora_unet_double_blocks_0_img_mod_lin", 2 * d, d);
    let wanted = base::dora(&matrix(&original), &direction, &m.values, Side::Out, EPSILON);
    for (spelled, stored) in [("final_layer.adaLN_modulation.1.weight", &original), ("norm_out.linear.weight", &native)]
    {
        holds(&job(list.clone(), base_of("m", spelled, stored)), name, &wanted);
    }
}

/// A DoRA adapter of two language-model layers, its base's tensors, and what it changes by.
fn two_layers() -> (Tensors, Tensors, Vec<(String, Matrix)>) {
    let (mut list, mut base, mut wanted) = (Vec::new(), Vec::new(), Vec::new());
    for layer in 0..2 {
        let name = format!("base_model.model.model.layers.{layer}.self_attn.q_proj");
        let weight = random(&name, 6, &[6, 5], "F32");
        let (pair, direction) = pair(&name, 6 + layer, 6, 5, &[]);
        let m = positive(&name, 6, &[6]);
        wanted.push((name.clone(), base::dora(&matrix(&weight), &direction, &m.values, Side::Out, 0.0)));
        list.extend(pair);
        list.push(named(&name, ".lora_magnitude_vector", m));
        base.push((format!("model.layers.{layer}.self_attn.q_proj.weight"), weight));
    }
    (list, base, wanted)
}

const SHARDS: [&str; 2] = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];

fn index_of(base: &[(String, Tensor)]) -> Value {
    let map: BTreeMap<&str, &str> = base.iter().zip(SHARDS).map(|((name, _), shard)| (name.as_str(), shard)).collect();
    json!({"metadata": {"total_size": 240}, "weight_map": map})
}

#[test]
fn a_base_in_several_files_is_one_and_missing_files_are_named() {
    let (list, base, wanted) = two_layers();
    let shards: Vec<_> = base.iter().zip(SHARDS).map(|(t, s)| (s.to_owned(), file(std::slice::from_ref(t)))).collect();
    let mut job = job(list, shards.clone());
    for index in [None, Some(index_of(&base).to_string())] {
        job.index = index;
        wanted.iter().for_each(|(name, wanted)| holds(&job, name, wanted));
        for missing in 0..2 {
            let left = Job { base: vec![shards[1 - missing].clone()], ..job.clone() };
            let error = &left.run().unwrap_err()[0];
            assert!(error.kind == Kind::Mismatch && error.to_string().contains(SHARDS[missing]), "{error}");
        }
    }
    let mut hostile = index_of(&base);
    hostile["weight_map"]["model.layers.0.self_attn.q_proj.weight"] = json!("../../model.safetensors");
    let error = &Job { index: Some(hostile.to_string()), ..job }.run().unwrap_err()[0];
    assert!(error.kind == Kind::Malformed && error.to_string().contains("../../model"), "{error}");
}

#[test]
fn a_base_without_the_weight_or_of_another_size_is_told() {
    let (list, base, _) = two_layers();
    let error = &job(list.clone(), vec![("m".into(), file(&base[..1]))]).run().unwrap_err()[0];
    let text = error.to_string();
    assert_eq!(error.kind, Kind::Mismatch);
    assert!(text.contains("model.layers.1.self_attn.q_proj") && text.contains("a.safetensors"), "{text}");

    let wrong = [base[0].clone(), (base[1].0.clone(), random("w", 1, &[7, 5], "F32"))];
    let error = &job(list.clone(), vec![("m".into(), file(&wrong))]).run().unwrap_err()[0];
    let text = error.to_string();
    assert!(error.kind == Kind::Mismatch && text.contains("6×5") && text.contains("7×5"), "{text}");

    let twice = vec![("a".into(), file(&base)), ("b".into(), file(&base))];
    let error = &job(list.clone(), twice).run().unwrap_err()[0];
    assert!(error.what.contains("twice"), "{error}");

    let mut broken = base.clone();
    broken[1].1.values[3] = f64::NAN;
    let error = &job(list.clone(), vec![("m".into(), file(&broken))]).run().unwrap_err()[0];
    assert!(error.kind == Kind::Malformed && error.to_string().contains("layers.1"), "{error}");

    let whole = [base[0].clone(), (base[1].0.clone(), Tensor::new("I16", &[6, 5], vec![1.0; 30]))];
    let error = &job(list, vec![("m".into(), file(&whole))]).run().unwrap_err()[0];
    assert!(error.kind == Kind::Unsupported && error.to_string().contains("I16"), "{error}");
}

#[test]
fn without_a_base_it_is_refused_or_its_direction_taken_with_a_warning() {
    let (list, base, wanted) = two_layers();
    let mut alone = job(list.clone(), Vec::new());
    let error = &alone.run().unwrap_err()[0];
    assert_eq!(error.kind, Kind::Unsupported);
    assert!(error.what.contains("DoRA") && error.place.file.is_some(), "{error}");
    assert!(error.hint.contains("base checkpoint") && error.hint.contains("direction"), "{error}");

    alone.files[0].dora = Some("direction");
    let merged = alone.run().unwrap();
    let told = |merged: &Merged, code: &str| merged.report.warnings.iter().any(|w| w.code == code);
    assert!(told(&merged, "dora-direction"));
    assert!(!told(&merged, "full-rank"));
    for (layer, (name, delta)) in written(&merged).iter().enumerate() {
        let name = format!("base_model.model.{}", name.replace("model_layers_", "model.layers."));
        let direction = pair(&name.replace("_self_attn_q_proj", ".self_attn.q_proj"), 6 + layer as u64, 6, 5, &[]).1;
        assert!(delta.distance(&direction) < 1e-6, "{name}");
    }
    // Where someone asks for the direction, a base changes nothing.
    alone.base = vec![("m".into(), file(&base))];
    assert_eq!(alone.run().unwrap().bytes, merged.bytes);

    alone.files[0].dora = None;
    let exact = alone.run().unwrap();
    assert!(told(&exact, "full-rank") && !told(&exact, "dora-direction"));
    let told = exact.report.warnings.iter().find(|w| w.code == "full-rank").unwrap();
    assert!(told.message.contains("ranks up to 5") && told.message.contains("6×5"), "{}", told.message);
    assert_eq!(exact.report.recipe.base.as_ref().map(|base| base.label.as_str()), Some("base"));

    // At a smaller rank it is the nearest matrix of that rank.
    alone.rank = json!({"mode": "fixed", "value": 2});
    let fixed = alone.run().unwrap();
    assert!(!fixed.report.warnings.iter().any(|w| w.code == "full-rank"));
    for (name, wanted) in &wanted {
        let best = wanted.truncated(2).0;
        assert!(written(&fixed)[&naive::canonical(name)].distance(&best) < 1e-5, "{name}");
    }

    alone.files[0].dora = Some("length");
    assert!(alone.run().unwrap_err()[0].kind == Kind::Parameter);
}

#[test]
fn it_merges_with_plain_adapters() {
    let (list, base, wanted) = two_layers();
    let name = &wanted[0].0;
    let (plain, delta) = pair(name, 30, 6, 5, &[]);
    let mut job = job(list, vec![("m".into(), file(&base))]);
    job.files[0].weight = 0.75;
    job.files.insert(0, File::new("plain", file(&plain), -0.5));
    let found = written(&job.run().unwrap());
    let both = wanted[0].1.scaled(0.75).plus(-0.5, &delta);
    assert!(found[&naive::canonical(name)].distance(&both) < 2e-6);
    assert!(found[&naive::canonical(&wanted[1].0)].distance(&wanted[1].1.scaled(0.75)) < 2e-6);
}

/// Remembers what is read of it.
struct Watched {
    bytes: Vec<u8>,
    reads: RefCell<Vec<std::ops::Range<u64>>>,
}

impl Source for Watched {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.reads.borrow_mut().push(offset..offset + buf.len() as u64);
        self.bytes.as_slice().read_at(offset, buf)
    }
}

/// A file that is only a header, and pretends to be as long as it says.
struct Hollow(Vec<u8>, u64);

impl Source for Hollow {
    fn len(&self) -> u64 {
        self.1
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.0.as_slice().read_at(offset, buf)
    }
}

#[test]
fn weights_too_large_to_change_are_refused_before_anything_is_allocated() {
    let adapter = file(&[named(PEFT, ".ia3_l", positive("l", 1, &[1, 5]))]);
    for (rows, kind) in [(1u64 << 34, Kind::Limit), (1 << 40, Kind::Limit)] {
        let bytes = rows * 5;
        let name = PEFT_NAMES[0].1;
        let text = format!(r#"{{"{name}":{{"dtype":"F8_E4M3","shape":[{rows},5],"data_offsets":[0,{bytes}]}}}}"#);
        let mut head = (text.len() as u64).to_le_bytes().to_vec();
        head.extend(text.as_bytes());
        let hollow = Hollow(head.clone(), head.len() as u64 + bytes);
        let base = Base::open("m", &[("m", &hollow)], None).unwrap();
        let mut adapter = Adapter::open(&adapter, "a", Some(r#"{"peft_type": "IA3"}"#)).unwrap();
        let error = base.attach(&mut adapter, "llama").unwrap_err();
        assert!(error.kind == kind && error.place.module.is_some(), "{error}");
    }
}

#[test]
fn only_headers_and_the_weights_that_are_needed_are_read() {
    let (list, base, _) = two_layers();
    // The weights stand between tensors that nobody needs.
    let filler = |n: usize| (format!("filler.{n}.weight"), Tensor::new("F32", &[100, 1000], vec![0.5; 100_000]));
    let bytes = file(&[filler(0), base[0].clone(), filler(1), base[1].clone(), filler(2)]);
    let watched = Watched { bytes, reads: RefCell::default() };
    let header = 8 + u64::from_le_bytes(watched.bytes[..8].try_into().unwrap());
    let adapter_bytes = file(&list);
    let adapter = Adapter::open(&adapter_bytes, "a", None).unwrap();
    let opened = Base::open("m", &[("m", &watched)], None).unwrap();
    let recipe = job(list, Vec::new()).recipe();
    let prepared = Prepared::with_base(recipe, vec![adapter], Some(&opened)).unwrap();
    assert!(watched.reads.borrow().iter().all(|read| read.end <= header), "planning reads headers alone");
    watched.reads.borrow_mut().clear();
    for task in 0..prepared.tasks() {
        prepared.run_task(&[&adapter_bytes, &watched], task, &Facts::default()).unwrap();
    }
    let mut reads = watched.reads.take();
    reads.sort_by_key(|read| read.start);
    let weight = 6 * 5 * 4;
    let first = header + 400_000;
    let second = first + weight + 400_000;
    assert_eq!(reads, [first..first + weight, second..second + weight]);
    assert!(prepared.estimate().bytes_in >= 2 * weight);
}
