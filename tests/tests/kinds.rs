//! Every kind of adapter against its formula: alone, and merged with another kind.

#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rankweave_tests::dense::Matrix;
use rankweave_tests::engine::{File, Job, Merged};
use rankweave_tests::rng::Stream;
use rankweave_tests::tensors::{self, Tensor};
use rankweave_tests::{kinds, naive, shared};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const LINEAR: &str = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_k";
const CONVOLUTION: &str = "lora_unet_down_blocks_0_resnets_0_conv1";
const STRANGE: &str = "lora_unet_strange_0_thing";
const PEFT: &str = "base_model.model.model.layers.0.self_attn.q_proj";

/// A layer: its size is (o1·o2) × (i1·i2), so that it can be a Kronecker product.
#[derive(Clone, Debug)]
struct Layer {
    name: &'static str,
    o: (usize, usize),
    i: (usize, usize),
    kernel: &'static [usize],
}

impl Layer {
    fn out(&self) -> usize {
        self.o.0 * self.o.1
    }

    fn inp(&self) -> usize {
        self.i.0 * self.i.1
    }

    fn size(&self) -> usize {
        self.kernel.iter().product()
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Lora,
    Tucker,
    Sparse,
    Loha,
    LohaTucker,
    /// Whether the factors are whole.
    Lokr(bool, bool),
    LokrTucker(bool),
    /// Both factors low-rank, on the flattened convolution.
    LokrFlat,
    Diff,
    Adalora(bool),
    Vera,
    Embedding,
}

use Kind::{Adalora, Diff, Embedding, Loha, LohaTucker, Lokr, LokrFlat, LokrTucker, Lora, Sparse, Tucker, Vera};

const KOHYA_KINDS: [Kind; 13] = [
    Lora,
    Tucker,
    Sparse,
    Loha,
    LohaTucker,
    Lokr(true, true),
    Lokr(true, false),
    Lokr(false, true),
    Lokr(false, false),
    LokrTucker(true),
    LokrTucker(false),
    LokrFlat,
    Diff,
];
const PEFT_KINDS: [Kind; 8] =
    [Lora, Loha, Lokr(true, true), Lokr(false, true), Lokr(true, false), Adalora(true), Adalora(false), Vera];

#[derive(Clone, Debug)]
struct One {
    kind: Kind,
    rank: usize,
    alpha: Option<f64>,
    seed: u64,
    dtype: &'static str,
    weight: f64,
    vectors: bool,
}

/// The tensors of one adapter of one layer.
fn tensors_of(layer: &Layer, one: &One) -> Vec<(String, Tensor)> {
    let (out, inp, r, kernel) = (layer.out(), layer.inp(), one.rank, layer.kernel);
    let ones: Vec<usize> = kernel.iter().map(|_| 1).collect();
    let mut list = Vec::new();
    let mut add = |ending: &str, shape: &[usize]| {
        let stream = Stream::named(one.seed, &format!("{ending}{:?}", one.kind));
        let values = (0..shape.iter().product::<usize>()).map(|n| stream.normal(n as u64) * 0.5).collect();
        list.push((format!("{}{ending}", layer.name), Tensor::new(one.dtype, shape, values)));
    };
    let middle = [&[r, r], kernel].concat();
    let with = |sizes: &[usize], more: &[usize]| [sizes, more].concat();
    let peft = layer.name == PEFT;
    let (up, down) = if peft { (".lora_B.weight", ".lora_A.weight") } else { (".lora_up.weight", ".lora_down.weight") };
    match one.kind {
        Lora | Sparse => {
            add(up, &with(&[out, r], &ones));
            add(down, &with(&[r, inp], kernel));
        }
        Tucker => {
            add(up, &with(&[out, r], &ones));
            add(".lora_mid.weight", &middle);
            add(down, &with(&[r, inp], &ones));
        }
        Loha => {
            for half in ["1", "2"] {
                add(&format!(".hada_w{half}_a"), &[out, r]);
                add(&format!(".hada_w{half}_b"), &[r, inp * layer.size()]);
            }
        }
        LohaTucker => {
            for half in ["1", "2"] {
                add(&format!(".hada_t{half}"), &middle);
                add(&format!(".hada_w{half}_a"), &[r, out]);
                add(&format!(".hada_w{half}_b"), &[r, inp]);
            }
        }
        Lokr(..) | LokrTucker(_) | LokrFlat => {
            let whole = matches!(one.kind, Lokr(true, _) | LokrTucker(true));
            let flat = if one.kind == LokrFlat { layer.size() } else { 1 };
            if whole {
                add(".lokr_w1", &[layer.o.0, layer.i.0]);
            } else {
                add(".lokr_w1_a", &[layer.o.0, r]);
                add(".lokr_w1_b", &[r, layer.i.0 * flat]);
            }
            match one.kind {
                Lokr(_, true) => add(".lokr_w2", &with(&[layer.o.1, layer.i.1], kernel)),
                LokrTucker(_) => {
                    add(".lokr_t2", &middle);
                    add(".lokr_w2_a", &[r, layer.o.1]);
                    add(".lokr_w2_b", &[r, layer.i.1]);
                }
                _ => {
                    add(".lokr_w2_a", &[layer.o.1, r]);
                    add(".lokr_w2_b", &[r, layer.i.1 * layer.size() / flat]);
                }
            }
        }
        Diff => add(".diff", &with(&[out, inp], kernel)),
        Adalora(ranks) => {
            add(".lora_A", &[r, inp]);
            add(".lora_B", &[out, r]);
            add(".lora_E", &[r, 1]);
            if ranks {
                add(".ranknum", &[]);
                list.last_mut().unwrap().1.values = vec![(r + 1) as f64];
            }
        }
        Vera => {
            add(".vera_lambda_b", &[out]);
            add(".vera_lambda_d", &[r]);
            for (name, shape) in [("vera_A", [r + 1, inp]), ("vera_B", [out + 2, r + 1])] {
                let stream = Stream::named(one.seed, name);
                let values = (0..shape[0] * shape[1]).map(|n| stream.normal(n as u64)).collect();
                list.push((format!("base_model.{name}"), Tensor::new(one.dtype, &shape, values)));
            }
        }
        Embedding => {
            add(".lora_embedding_A", &[r, out]);
            add(".lora_embedding_B", &[inp, r]);
        }
    }
    if one.kind == Sparse {
        let (n, shape) = (one.seed as usize % 5 + 1, with(&[out, inp], kernel));
        let stream = Stream::named(one.seed, "positions");
        let position = |d: usize, e: usize| stream.bits((d * n + e) as u64) % shape[d] as u64;
        let indices = (0..shape.len()).flat_map(|d| (0..n).map(move |e| (d, e))).map(|(d, e)| position(d, e) as f64);
        let mut put = |ending: &str, dtype, shape: &[usize], values: Vec<f64>| {
            list.push((format!("{}.{ending}", layer.name), Tensor::new(dtype, shape, values)));
        };
        put("bias_indices", "I16", &[shape.len(), n], indices.collect());
        put("bias_values", one.dtype, &[n], (0..n).map(|e| stream.normal(e as u64)).collect());
        put("bias_size", "I16", &[shape.len()], shape.iter().map(|n| *n as f64).collect());
    }
    if one.vectors {
        let endings: &[&str] = if peft { &[".lora_B.bias"] } else { &[".diff_b", ".w_norm"] };
        for ending in endings.iter().filter(|_| !peft || one.kind == Lora) {
            let stream = Stream::named(one.seed, ending);
            let values = (0..out).map(|n| stream.normal(n as u64)).collect();
            list.push((format!("{}{ending}", layer.name), Tensor::new(one.dtype, &[out], values)));
        }
    }
    if let Some(alpha) = one.alpha.filter(|_| !peft) {
        list.push((format!("{}.alpha", layer.name), Tensor::new("F32", &[], vec![alpha])));
    }
    list
}

fn config(layer: &Layer, one: &One) -> Option<Value> {
    let alpha = one.alpha.filter(|_| layer.name == PEFT)?;
    let (kind, name) = match one.kind {
        Loha => ("LOHA", "alpha"),
        Lokr(..) => ("LOKR", "alpha"),
        Adalora(_) => ("ADALORA", "lora_alpha"),
        Vera => return None,
        _ => ("LORA", "lora_alpha"),
    };
    Some(json!({"peft_type": kind, "r": one.rank, name: alpha}))
}

fn file(layer: &Layer, one: &One, label: &str) -> File {
    let bytes = tensors::write(&tensors_of(layer, one), &BTreeMap::new());
    let config = config(layer, one).map(|c| c.to_string());
    File { config, ..File::new(label, bytes, one.weight) }
}

fn deltas(file: &File) -> BTreeMap<String, Matrix> {
    let config: Option<Value> = file.config.as_ref().map(|text| serde_json::from_str(text).unwrap());
    kinds::deltas(&tensors::read(&file.bytes), config.as_ref())
}

fn written(merged: &Merged) -> BTreeMap<String, Matrix> {
    let config: Option<Value> = merged.config.as_ref().map(|text| serde_json::from_str(text).unwrap());
    kinds::deltas(&tensors::read(&merged.bytes), config.as_ref())
}

fn run(job: &Job) -> Result<Merged, TestCaseError> {
    job.run().map_err(|errors| TestCaseError::fail(errors[0].to_string()))
}

/// Σ weight·ΔW of all files.
fn sums(files: &[File]) -> BTreeMap<String, Matrix> {
    let mut sums: BTreeMap<String, Matrix> = BTreeMap::new();
    for file in files {
        for (name, delta) in deltas(file) {
            let delta = delta.scaled(file.weight);
            let sum = sums.get(&name).map_or(delta.clone(), |sum| sum.plus(1.0, &delta));
            sums.insert(name, sum);
        }
    }
    sums
}

/// Alone with weight 1, the factors themselves; together the sum, whole and truncated.
fn holds(layer: &Layer, all: &[One], keep: usize) -> Result<(), TestCaseError> {
    let files: Vec<File> = all.iter().enumerate().map(|(i, one)| file(layer, one, &format!("{i}"))).collect();
    for file in &files {
        let alone = File { weight: 1.0, ..file.clone() };
        let merged = run(&Job::new("concat", vec![alone.clone()]))?;
        compare(&written(&merged), &deltas(&alone), 2e-6)?;
        prop_assert!(merged.report.residual < 1e-5);
    }
    let wanted = sums(&files);
    compare(&written(&run(&Job::new("sum", files.clone()))?), &wanted, 1e-5)?;
    let fixed = Job { rank: json!({"mode": "fixed", "value": keep}), ..Job::new("sum", files) };
    for (name, ours) in written(&run(&fixed)?) {
        let whole = &wanted[&name];
        let best = whole.truncated(keep).0.plus(-1.0, whole).norm();
        let lost = ours.plus(-1.0, whole).norm();
        prop_assert!(lost <= best + 2e-5 * whole.norm() + 1e-12, "{name}: {lost} lost, {best} at best");
    }
    Ok(())
}

fn compare(
    ours: &BTreeMap<String, Matrix>,
    wanted: &BTreeMap<String, Matrix>,
    tolerance: f64,
) -> Result<(), TestCaseError> {
    prop_assert_eq!(ours.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>());
    for (name, wanted) in wanted {
        prop_assert_eq!((ours[name].rows, ours[name].columns), (wanted.rows, wanted.columns));
        let distance = ours[name].distance(wanted);
        prop_assert!(distance <= tolerance, "{}: {} away", name, distance);
    }
    Ok(())
}

fn one(kinds: &'static [Kind]) -> impl Strategy<Value = One> {
    let alpha =
        prop_oneof![1 => Just(None), 1 => Just(Some(0.0)), 4 => (0.1..8.0f64).prop_map(|a| Some(f64::from(a as f32)))];
    let kind = proptest::sample::select(kinds);
    let weight = prop_oneof![Just(1.0), -2.0..2.0f64];
    let dtype = prop_oneof![Just("F32"), Just("F16"), Just("BF16")];
    (kind, 1..5usize, alpha, any::<u32>(), dtype, weight, any::<bool>()).prop_map(
        |(kind, rank, alpha, seed, dtype, weight, vectors)| {
            // PEFT takes an alpha of 0 at its word; that is tested with the scales.
            let alpha = if kinds.len() == PEFT_KINDS.len() { alpha.filter(|a| *a != 0.0) } else { alpha };
            One { kind, rank, alpha, seed: u64::from(seed), dtype, weight, vectors }
        },
    )
}

fn layer(peft: bool) -> impl Strategy<Value = Layer> {
    let place = if peft {
        prop_oneof![Just((PEFT, &[][..]))].boxed()
    } else {
        prop_oneof![
            3 => Just((LINEAR, &[][..])),
            2 => Just((CONVOLUTION, &[3, 3][..])),
            1 => Just((STRANGE, &[3][..])),
            1 => Just((STRANGE, &[1, 2, 2][..])),
            1 => Just((LINEAR, &[1, 1][..])),
        ]
        .boxed()
    };
    (place, (1..4usize, 1..6usize), (1..4usize, 1..6usize)).prop_map(|((name, kernel), o, i)| Layer {
        name,
        o,
        i,
        kernel,
    })
}

/// Flat storage loses kernels that no name tells: such a file is not merged with others here.
fn told(layer: &Layer, one: &One) -> bool {
    let flat = matches!(one.kind, Loha | LokrFlat | Lokr(_, false));
    let own = matches!(one.kind, Tucker | LohaTucker | LokrTucker(_)) && layer.kernel.is_empty();
    !own && (!flat || layer.name != STRANGE)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("RANKWEAVE_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(160),
        rng_seed: RngSeed::Fixed(21),
        failure_persistence: None,
        max_global_rejects: 100_000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn kinds_of_image_models_agree_with_their_formulas(
        layer in layer(false), a in one(&KOHYA_KINDS), b in one(&KOHYA_KINDS), keep in 1..6usize,
    ) {
        prop_assume!(told(&layer, &a) && told(&layer, &b));
        holds(&layer, &[a, b], keep)?;
    }

    #[test]
    fn kinds_of_peft_agree_with_their_formulas(
        layer in layer(true), a in one(&PEFT_KINDS), b in one(&PEFT_KINDS), keep in 1..6usize,
    ) {
        holds(&layer, &[a, b], keep)?;
    }
}

fn plain(kind: Kind, seed: u64) -> One {
    One { kind, rank: 2, alpha: Some(1.0), seed, dtype: "F32", weight: 0.5, vectors: true }
}

const HERE: Layer = Layer { name: LINEAR, o: (2, 3), i: (2, 4), kernel: &[] };

#[test]
fn an_embedding_is_written_as_one_and_as_a_pair_elsewhere() {
    let layer = Layer { name: PEFT, ..HERE };
    let files: Vec<File> = (0..2).map(|seed| file(&layer, &plain(Embedding, seed), "e")).collect();
    let merged = Job::new("sum", files.clone()).run().unwrap();
    compare(&written(&merged), &sums(&files), 1e-6).unwrap();
    let read = tensors::read(&merged.bytes);
    assert_eq!(
        read.tensors.keys().map(String::as_str).collect::<Vec<_>>(),
        [format!("{PEFT}.lora_embedding_A"), format!("{PEFT}.lora_embedding_B"),]
    );
    let config: Value = serde_json::from_str(merged.config.as_ref().unwrap()).unwrap();
    assert_eq!(
        (config["r"].as_u64(), config["target_modules"][0].as_str()),
        (Some(4), PEFT.strip_prefix("base_model.model."))
    );
    // Beside a plain pair of the same weight it is still one.
    let mixed = vec![files[0].clone(), file(&layer, &One { vectors: false, ..plain(Lora, 7) }, "l")];
    let merged = Job::new("sum", mixed.clone()).run().unwrap();
    compare(&written(&merged), &sums(&mixed), 1e-6).unwrap();
}

#[test]
fn vectors_stay_vectors_and_are_named_where_they_cannot() {
    let files = vec![file(&HERE, &plain(Lora, 1), "a"), file(&HERE, &plain(Diff, 2), "b")];
    let fixed = Job { rank: json!({"mode": "fixed", "value": 1}), ..Job::new("sum", files.clone()) };
    let merged = fixed.run().unwrap();
    let read = tensors::read(&merged.bytes);
    for ending in [".diff_b", ".w_norm"] {
        assert_eq!(read.tensors[&format!("{LINEAR}{ending}")].shape, [HERE.out()], "{ending}");
    }
    let wanted = sums(&files);
    for name in ["_bias", "_weight"].map(|end| naive::canonical(LINEAR) + end) {
        assert!(written(&merged)[&name].distance(&wanted[&name]) < 1e-6);
    }
    // Other keys: a warning counts and names them.
    let other = Job { keys: Some("diffusers".into()), ..Job::new("sum", files.clone()) };
    let merged = other.run().unwrap();
    let told = merged.report.warnings.iter().find(|w| w.code == "left-out").unwrap();
    assert!(told.message.starts_with("2 ") && told.message.contains(&format!("{LINEAR}.diff_b")), "{}", told.message);
    assert_eq!(merged.report.modules.len(), 1);
    // PEFT's own biases stay where they are, with the scale of their pair folded in, and the configuration says so.
    let layer = Layer { name: PEFT, ..HERE };
    let files = vec![file(&layer, &plain(Lora, 1), "a"), file(&layer, &plain(Adalora(false), 2), "b")];
    let merged = Job::new("sum", files.clone()).run().unwrap();
    compare(&written(&merged), &sums(&files), 1e-5).unwrap();
    let config: Value = serde_json::from_str(merged.config.as_ref().unwrap()).unwrap();
    assert_eq!(config["lora_bias"], true);
}

#[test]
fn the_bias_of_an_up_factor_is_not_scaled_twice() {
    let mut list = tensors_of(&HERE, &One { vectors: false, alpha: Some(6.0), ..plain(Lora, 5) });
    list.push((format!("{LINEAR}.lora_up.bias"), Tensor::new("F32", &[6], (0..6).map(f64::from).collect())));
    for weight in [1.0, 0.5] {
        let files = vec![File::new("a", tensors::write(&list, &BTreeMap::new()), weight)];
        let merged = Job::new("sum", files.clone()).run().unwrap();
        compare(&written(&merged), &sums(&files), 1e-6).unwrap();
        assert!(tensors::read(&merged.bytes).tensors.contains_key(&format!("{LINEAR}.diff_b")));
    }
}

#[test]
fn vectors_alone_have_their_own_error() {
    let vector = Tensor::new("F32", &[3], vec![1.0, 2.0, 3.0]);
    let bytes = tensors::write(&[(format!("{LINEAR}.diff"), vector)], &BTreeMap::new());
    let files = vec![File::new("v", bytes, 2.0)];
    let merged = Job::new("sum", files.clone()).run().unwrap();
    assert_eq!(tensors::read(&merged.bytes).tensors[&format!("{LINEAR}.diff")].values, [2.0, 4.0, 6.0]);
    let errors = Job { keys: Some("diffusers".into()), ..Job::new("sum", files) }.run().unwrap_err();
    assert!(errors[0].what.contains("biases and norms alone"), "{}", errors[0]);
}

#[test]
fn a_product_of_sixteen_bit_numbers_is_not_rounded() {
    // At weight 1 the file would only be rewritten.
    let one = One { dtype: "F16", alpha: None, rank: 2, vectors: false, weight: 2.0, ..plain(Loha, 3) };
    let layer = Layer { o: (3, 4), i: (3, 5), ..HERE };
    let file = file(&layer, &one, "a");
    let read = tensors::read(&Job::new("concat", vec![file.clone()]).run().unwrap().bytes);
    let up = &read.tensors[&format!("{LINEAR}.lora_up.weight")];
    let part = |ending: &str| tensors::read(&file.bytes).tensors[&format!("{LINEAR}{ending}")].values.clone();
    let (a, b) = (part(".hada_w1_a"), part(".hada_w2_a"));
    assert_eq!(up.shape, [12, 4]);
    for i in 0..12 {
        for unit in 0..4 {
            assert_eq!(up.values[i * 4 + unit], 2.0 * a[i * 2 + unit / 2] * b[i * 2 + unit % 2]);
        }
    }
}

#[test]
fn values_that_are_not_numbers_and_products_that_overflow_are_errors() {
    for (kind, ending) in
        [(Loha, ".hada_w2_b"), (Lokr(true, true), ".lokr_w2"), (Diff, ".diff"), (Tucker, ".lora_mid.weight")]
    {
        for (value, wrong) in [(f64::NAN, "not finite"), (1e38, "too large")] {
            let layer = if kind == Tucker { Layer { name: CONVOLUTION, kernel: &[3, 3], ..HERE } } else { HERE };
            let mut list = tensors_of(&layer, &One { vectors: false, ..plain(kind, 4) });
            for (name, tensor) in list.iter_mut().filter(|(n, _)| value.is_finite() || n.ends_with(ending)) {
                tensor.values[0] = if name.ends_with(".alpha") { 1.0 } else { value };
            }
            let bytes = tensors::write(&list, &BTreeMap::new());
            let result = Job::new("concat", vec![File::new("a", bytes, 2.0)]).run();
            if kind == Diff && value.is_finite() {
                assert!(result.is_ok(), "one number alone is not too large");
                continue;
            }
            let error = &result.unwrap_err()[0];
            assert!(error.what.contains(wrong), "{kind:?}: {error}");
            assert!(error.place.module.is_some() && error.place.file.is_some(), "{error}");
        }
    }
}

#[test]
fn a_sparse_rest_outside_its_module_is_an_error() {
    for (ending, at, value) in [(".bias_indices", 0, 200.0), (".bias_size", 0, 5.0), (".bias_indices", 0, -1.0)] {
        let mut list = tensors_of(&HERE, &plain(Sparse, 4));
        let (_, tensor) = list.iter_mut().find(|(n, _)| n.ends_with(ending)).unwrap();
        tensor.values[at] = value;
        let bytes = tensors::write(&list, &BTreeMap::new());
        let errors = Job::new("sum", vec![File::new("a", bytes, 1.0)]).run().unwrap_err();
        assert_eq!(errors[0].kind, rankweave_adapter::Kind::Malformed, "{}", errors[0]);
    }
}

#[test]
fn real_adapters_of_peft_agree_with_their_formulas() {
    for (name, modules) in [("adalora_mlp", 1), ("lora_emb_conv1d", 2), ("lora_conv2d", 1)] {
        let path = format!("adapters/misc_peft_tiny/huggingface-peft__{name}.safetensors");
        let Some(path) = shared::path(&path) else { return };
        let bytes = std::fs::read(path).unwrap();
        for config in [None, Some(r#"{"peft_type": "ADALORA", "r": 8, "lora_alpha": 8}"#.to_string())] {
            let files = vec![File { config, ..File::new(name, bytes.clone(), 0.5) }];
            let wanted = sums(&files);
            assert_eq!(wanted.len(), modules, "{name}");
            compare(&written(&Job::new("sum", files).run().unwrap()), &wanted, 1e-5).unwrap();
        }
    }
}
