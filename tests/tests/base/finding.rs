//! Finding the base's weights, whatever they are called and cut into; what is missing or wrong; how much is read.

use crate::support::{
    EPSILON, PEFT, PEFT_NAMES, Tensors, base_of, file, holds, job, matrix, named, pair, positive, random, written,
};
use rankweave_adapter::{Adapter, Base, Kind, Source};
use rankweave_recipe::{Facts, Prepared};
use rankweave_tests::base::{self, Side};
use rankweave_tests::dense::Matrix;
use rankweave_tests::engine::{File, Job, Merged};
use rankweave_tests::naive;
use rankweave_tests::tensors::Tensor;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;

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
