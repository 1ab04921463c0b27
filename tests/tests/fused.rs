//! Fused modules and their parts: q, k and v of Flux in kohya's and in diffusers' names.

#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

use rankweave_tests::dense::Matrix;
use rankweave_tests::engine::{File, Job, Merged};
use rankweave_tests::fixture::{self, Shape};
use rankweave_tests::tensors::{self, Tensor};
use std::collections::BTreeMap;

/// Hidden size 8: qkv is 24×8, linear1 56×8 (q, k, v and an MLP of four times the width).
const WHOLE: [Shape; 3] = [
    ("lora_unet_double_blocks_0_img_attn_qkv", 24, 8, &[]),
    ("lora_unet_double_blocks_1_txt_attn_qkv", 24, 8, &[]),
    ("lora_unet_single_blocks_3_linear1", 56, 8, &[]),
];
const PARTS: [(&str, usize); 8] = [
    ("transformer.transformer_blocks.0.attn.to_q", 8),
    ("transformer.transformer_blocks.0.attn.to_v", 8),
    ("transformer.transformer_blocks.1.attn.add_q_proj", 8),
    ("transformer.transformer_blocks.1.attn.add_k_proj", 8),
    ("transformer.transformer_blocks.1.attn.add_v_proj", 8),
    ("transformer.single_transformer_blocks.3.attn.to_k", 8),
    ("transformer.single_transformer_blocks.3.proj_mlp", 32),
    ("transformer.single_transformer_blocks.3.proj_out", 8),
];

/// Where the rows of every part lie in its whole.
const PLACES: [(&str, &str, usize, usize); 11] = [
    ("transformer_blocks_0_attn_to_q", "double_blocks_0_img_attn_qkv", 0, 8),
    ("transformer_blocks_0_attn_to_k", "double_blocks_0_img_attn_qkv", 8, 8),
    ("transformer_blocks_0_attn_to_v", "double_blocks_0_img_attn_qkv", 16, 8),
    ("transformer_blocks_1_attn_add_q_proj", "double_blocks_1_txt_attn_qkv", 0, 8),
    ("transformer_blocks_1_attn_add_k_proj", "double_blocks_1_txt_attn_qkv", 8, 8),
    ("transformer_blocks_1_attn_add_v_proj", "double_blocks_1_txt_attn_qkv", 16, 8),
    ("single_transformer_blocks_3_attn_to_q", "single_blocks_3_linear1", 0, 8),
    ("single_transformer_blocks_3_attn_to_k", "single_blocks_3_linear1", 8, 8),
    ("single_transformer_blocks_3_attn_to_v", "single_blocks_3_linear1", 16, 8),
    ("single_transformer_blocks_3_proj_mlp", "single_blocks_3_linear1", 24, 32),
    ("single_transformer_blocks_3_proj_out", "single_blocks_3_linear2", 0, 8),
];

type Rows = BTreeMap<(String, usize), Vec<f64>>;

/// Every row of every delta, by the part it belongs to.
fn rows(file: &[u8], config: Option<&str>) -> Rows {
    let config = config.map(|text| serde_json::from_str(text).unwrap());
    let mut rows = Rows::new();
    for (id, module) in rankweave_tests::naive::modules(&tensors::read(file), config.as_ref()) {
        // The oracle knows one part of a model for kohya's prefix; the path says enough.
        let path = id.split_once('.').map_or(id.as_str(), |(_, path)| path).replace('.', "_");
        let delta = module.delta();
        let mut put = |name: &str, from: usize, n: usize| {
            for row in 0..n {
                let at = (from + row) * delta.columns;
                rows.insert((name.into(), row), delta.values[at..at + delta.columns].to_vec());
            }
        };
        let parts: Vec<_> = PLACES.iter().filter(|(_, whole, ..)| path.ends_with(whole)).collect();
        if parts.is_empty() {
            let known = PLACES.iter().find(|(part, ..)| path.ends_with(part));
            let name = known.map_or_else(|| path.clone(), |(part, ..)| (*part).to_owned());
            put(&name, 0, delta.rows);
        }
        parts.iter().for_each(|(part, _, from, n)| put(part, *from, *n));
    }
    // Rows of a part that no adapter has are zero in a whole, and not there otherwise.
    rows.retain(|_, row| row.iter().any(|x| *x != 0.0));
    rows
}

/// The sizes are a toy's, so the metadata says which model it is.
fn write(list: &[(String, Tensor)]) -> Vec<u8> {
    tensors::write(list, &BTreeMap::from([("ss_base_model_version".to_owned(), "flux1".to_owned())]))
}

fn whole() -> Vec<u8> {
    let mut adapter = fixture::adapter(3, 2, &WHOLE);
    adapter.iter_mut().for_each(|module| module.pair.scale = 0.5);
    write(&tensors::read(&fixture::bytes(&adapter, "F32")).tensors.into_iter().collect::<Vec<_>>())
}

fn parts() -> Vec<u8> {
    let mut list = Vec::new();
    for (i, (name, out)) in PARTS.iter().enumerate() {
        let inp = if name.ends_with("proj_out") { 40 } else { 8 };
        let shape = [("x", *out, inp, &[] as &[usize])];
        let module = fixture::adapter(50 + i as u64, 1 + i % 3, &shape).remove(0);
        let matrix = |m: &Matrix| Tensor::new("F32", &[m.rows, m.columns], m.values.clone());
        list.push((format!("{name}.lora_B.weight"), matrix(&module.pair.up)));
        list.push((format!("{name}.lora_A.weight"), matrix(&module.pair.down)));
    }
    write(&list)
}

fn merge(files: Vec<File>, keys: &str) -> Merged {
    let job = Job { keys: Some(keys.into()), ..Job::new("sum", files) };
    job.run().unwrap_or_else(|e| panic!("{keys}: {}", e[0]))
}

fn close(a: &Rows, b: &Rows) {
    assert!(a.keys().eq(b.keys()), "other rows: {} and {}", a.len(), b.len());
    for (key, row) in a {
        let far = row.iter().zip(&b[key]).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
        assert!(far < 1e-6, "{key:?}: {far}");
    }
}

#[test]
fn whole_and_parts_meet_in_the_form_that_the_output_wants() {
    let (one, other) = (rows(&whole(), None), rows(&parts(), None));
    let mut expected = Rows::new();
    for (rows, weight) in [(&one, 0.7), (&other, -0.4)] {
        for (key, row) in rows {
            let sum = expected.entry(key.clone()).or_insert_with(|| vec![0.0; row.len()]);
            sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += weight * x);
        }
    }
    for swapped in [false, true] {
        for keys in ["kohya", "diffusers"] {
            let mut files = vec![File::new("whole", whole(), 0.7), File::new("parts", parts(), -0.4)];
            if swapped {
                files.reverse();
            }
            let merged = merge(files, keys);
            close(&rows(&merged.bytes, None), &expected);
            let names = tensors::read(&merged.bytes);
            assert_eq!(names.tensors.keys().any(|name| name.contains("qkv")), keys == "kohya");
            assert_eq!(names.tensors.keys().any(|name| name.contains("add_q_proj")), keys == "diffusers");
            assert!(merged.report.residual < 1e-6);
        }
    }
}

#[test]
fn a_whole_taken_apart_by_conversion_comes_back_bit_for_bit() {
    let apart = merge(vec![File::new("x", whole(), 1.0)], "diffusers");
    assert_eq!(tensors::read(&apart.bytes).tensors.len(), 2 * 10);
    let back = merge(vec![File::new("x", apart.bytes, 1.0)], "kohya");
    assert!(rows(&back.bytes, None) == rows(&whole(), None));
    let ranks: Vec<usize> = back.report.modules.iter().map(|m| m.rank).collect();
    assert_eq!(ranks, [2, 2, 2]);
}

#[test]
fn parts_put_together_by_conversion_come_back() {
    let together = merge(vec![File::new("x", parts(), 1.0)], "kohya");
    assert!(rows(&together.bytes, None) == rows(&parts(), None));
    let back = merge(vec![File::new("x", together.bytes, 1.0)], "diffusers");
    assert!(rows(&back.bytes, None) == rows(&parts(), None));
}

/// Rules and blocks weigh parts one by one, also where they become one module.
#[test]
fn parts_of_unlike_weights_keep_them_in_a_whole() {
    let (one, other) = (rows(&whole(), None), rows(&parts(), None));
    let factor = |name: &str| match name {
        name if name.ends_with("to_q") => 0.5,
        name if name.ends_with("add_k_proj") => -2.0,
        _ => 1.0,
    };
    let mut expected = Rows::new();
    for (rows, weight, own) in [(&one, 0.7, false), (&other, -0.4, true)] {
        for ((name, row), values) in rows.iter().filter(|((name, _), _)| !(own && name.ends_with("attn_to_v"))) {
            let by = weight * if own { factor(name) } else { 1.0 };
            let sum = expected.entry((name.clone(), *row)).or_insert_with(|| vec![0.0; values.len()]);
            sum.iter_mut().zip(values).for_each(|(sum, x)| *sum += by * x);
        }
    }
    for keys in ["kohya", "diffusers"] {
        let mut second = File::new("parts", parts(), -0.4);
        second.rules = serde_json::json!([
            {"match": "*to_q", "weight": 0.5}, {"match": "*.add_k_proj", "weight": -2.0}, {"match": "*.attn.to_v", "drop": true}
        ]);
        let merged = merge(vec![File::new("whole", whole(), 0.7), second], keys);
        close(&rows(&merged.bytes, None), &expected);
        for (line, weight) in merged.report.sources.iter().zip([0.7, -0.4]) {
            assert!((line.recovered_weight.unwrap() - weight).abs() < 1e-4, "{keys}: {:?}", line.recovered_weight);
        }
    }
}

#[test]
fn a_whole_and_a_part_of_another_size_are_told_apart() {
    for shape in [(8, 5), (9, 8)] {
        let module = fixture::adapter(1, 1, &[("x", shape.0, shape.1, &[])]).remove(0);
        let matrix = |m: &Matrix| Tensor::new("F32", &[m.rows, m.columns], m.values.clone());
        let name = PARTS[0].0;
        let list = [
            (format!("{name}.lora_B.weight"), matrix(&module.pair.up)),
            (format!("{name}.lora_A.weight"), matrix(&module.pair.down)),
        ];
        for keys in ["kohya", "diffusers"] {
            let files = vec![File::new("whole", whole(), 1.0), File::new("part", write(&list), 1.0)];
            let job = Job { keys: Some(keys.into()), ..Job::new("sum", files) };
            let error = job.run().unwrap_err().remove(0);
            assert_eq!(error.kind, rankweave_adapter::Kind::Mismatch, "{error}");
        }
    }
}
