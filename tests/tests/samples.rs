//! The sample adapters of the page: listed, small, and merged with each other whatever their spelling.

#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

use rankweave_tests::engine::{File, Job};
use rankweave_tests::naive::{self, Input};
use rankweave_tests::{shared, source, tensors};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fs;

const SAMPLES: [&str; 3] = ["turned-digits.safetensors", "inverted-digits.safetensors", "noisy-digits.safetensors"];

fn file(name: &str, weight: f64) -> File {
    File::new(name, fs::read(shared::root().join("www/samples").join(name)).unwrap(), weight)
}

/// The naive view; alpha may stand in the metadata, as `transformer.lora_alpha`.
fn input(file: &File) -> Input {
    let tensors = tensors::read(&file.bytes);
    let config = tensors.metadata.get("lora_adapter_metadata").map(|text| {
        let config: Map<String, Value> = serde_json::from_str(text).unwrap();
        config.into_iter().map(|(key, value)| (key.replace("transformer.", ""), value)).collect::<Value>()
    });
    Input { modules: naive::modules(&tensors, config.as_ref()), weight: file.weight, te_weight: None }
}

#[test]
fn every_pair_merges_to_the_true_sum() {
    for (i, first) in SAMPLES.iter().enumerate() {
        for second in &SAMPLES[i + 1..] {
            let files = vec![file(first, 0.7), file(second, -0.3)];
            let merged = Job::new("sum", files.clone()).run().unwrap_or_else(|errors| panic!("{}", errors[0]));
            assert_eq!(merged.report.warnings, [], "{first} with {second}");
            let inputs: Vec<Input> = files.iter().map(input).collect();
            let (names, modules) = (naive::names(&inputs), merged.modules());
            assert_eq!((names.len(), modules.len()), (12, 12), "{first} with {second} share every module");
            for name in &names {
                let exact = naive::merged(&json!({"id": "sum"}), &inputs, name);
                let distance = modules[name].delta().distance(&exact);
                assert!(distance < 2e-6, "{first} with {second}, {name}: {distance:.1e}");
            }
        }
    }
}

#[test]
fn every_sample_does_something() {
    for name in SAMPLES {
        for (module, pair) in &input(&file(name, 1.0)).modules {
            let norm = pair.delta().norm();
            assert!(norm > 0.1, "{name}: {module} has norm {norm}");
        }
    }
}

#[test]
fn samples_are_small_and_listed() {
    let folder = shared::root().join("www/samples");
    let list: Value = serde_json::from_slice(&fs::read(folder.join("samples.json")).unwrap()).unwrap();
    let mut listed = BTreeSet::from(["base.safetensors".to_string()]);
    for sample in list.as_array().unwrap() {
        let file = sample["file"].as_str().unwrap();
        let size = fs::metadata(folder.join(file)).unwrap().len();
        assert_eq!(sample["size"], size, "{file}");
        assert!(size <= 400 * 1024 && !sample["title"].as_str().unwrap().is_empty());
        listed.insert(file.to_string());
    }
    let there = source::files(&folder, &["safetensors"]);
    assert_eq!(
        there.iter().map(|p| p.file_name().unwrap().to_str().unwrap().to_string()).collect::<BTreeSet<_>>(),
        listed
    );
}
