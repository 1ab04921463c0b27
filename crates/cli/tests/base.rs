//! The built binary with a base model: `--base`, `--dora`, and what is said without them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rankweave_tests::base::{Side, dora};
use rankweave_tests::dense::Matrix;
use rankweave_tests::folder::Folder;
use rankweave_tests::rng::Stream;
use rankweave_tests::tensors::{self, Tensor};
use rankweave_tests::{kinds, shared};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const LAYERS: [&str; 2] = ["down_blocks.0.attentions.0.proj_in", "mid_block.attentions.0.proj_out"];

fn rankweave(args: &[&str], paths: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rankweave")).args(args).args(paths).output().unwrap()
}

fn errors(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn random(name: &str, shape: &[usize]) -> Tensor {
    let stream = Stream::named(3, name);
    let values = (0..shape.iter().product::<usize>()).map(|n| f64::from(stream.normal(n as u64) as f32));
    Tensor::new("F32", shape, values.collect())
}

fn matrix(t: &Tensor) -> Matrix {
    Matrix::new(t.shape[0], t.values.len() / t.shape[0], t.values.clone())
}

fn file(list: &[(String, Tensor)]) -> Vec<u8> {
    tensors::write(list, &BTreeMap::new())
}

/// A DoRA adapter of two modules, the base's weights by their paths, and what each changes by.
fn made() -> (Vec<u8>, Vec<(String, Tensor)>, Vec<Matrix>) {
    let (mut adapter, mut base, mut deltas) = (Vec::new(), Vec::new(), Vec::new());
    for path in LAYERS {
        let raw = format!("lora_unet_{}", path.replace('.', "_"));
        let (up, down) = (random(&format!("{path}up"), &[7, 2]), random(&format!("{path}down"), &[2, 5]));
        let (weight, mut m) = (random(path, &[7, 5]), random(&format!("{path}m"), &[7, 1]));
        m.values.iter_mut().for_each(|x| *x = f64::from((2.0 + *x) as f32));
        let direction = matrix(&up).times(&matrix(&down)).scaled(0.5);
        deltas.push(dora(&matrix(&weight), &direction, &m.values, Side::Out, f64::from(f32::EPSILON)));
        let alpha = Tensor::new("F32", &[], vec![1.0]);
        for (ending, tensor) in
            [("lora_up.weight", up), ("lora_down.weight", down), ("alpha", alpha), ("dora_scale", m)]
        {
            adapter.push((format!("{raw}.{ending}"), tensor));
        }
        base.push((path.to_owned(), weight));
    }
    (file(&adapter), base, deltas)
}

fn agrees(path: &Path, deltas: &[Matrix]) {
    let found = kinds::deltas(&tensors::read(&fs::read(path).unwrap()), None);
    assert_eq!(found.len(), deltas.len());
    for (found, wanted) in found.values().zip(deltas) {
        assert!(found.distance(wanted) < 2e-6);
    }
}

#[test]
fn a_base_may_be_a_file_a_folder_or_an_index() {
    let folder = Folder::new("spellings");
    let (adapter, base, deltas) = made();
    let adapter = folder.write("dora.safetensors", &adapter);
    let spelled = |before: &str| -> Vec<(String, Tensor)> {
        base.iter().map(|(path, t)| (format!("{before}{path}.weight"), t.clone())).collect()
    };
    let single = folder.write("single.safetensors", file(&spelled("unet.")));
    let shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    for (tensor, shard) in spelled("").iter().zip(shards) {
        folder.write(&format!("several/{shard}"), file(std::slice::from_ref(tensor)));
    }
    let map: BTreeMap<_, _> = spelled("").iter().map(|(name, _)| name.clone()).zip(shards).collect();
    let index = serde_json::json!({"weight_map": map}).to_string();
    let index = folder.write("several/model.safetensors.index.json", index.as_bytes());
    folder.write("diffusers/unet/diffusion_pytorch_model.safetensors", file(&spelled("")));
    folder.write("diffusers/unet/diffusion_pytorch_model.fp16.safetensors", file(&spelled("")));
    folder.write("diffusers/vae/diffusion_pytorch_model.safetensors", file(&spelled("")));
    let out = folder.join("out.safetensors");
    let several = folder.join("several");
    for base in [&single, &several, &index, &folder.join("diffusers")] {
        let args = ["merge", "--base", base.to_str().unwrap(), "-o", out.to_str().unwrap()];
        let output = rankweave(&args, &[&adapter]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{}: {told}", base.display());
        assert!(told.contains("warning") && told.contains("exact rank"), "{told}");
        agrees(&out, &deltas);
        fs::remove_file(&out).unwrap();
    }
    let converted = ["convert", "--base", single.to_str().unwrap(), "-o", out.to_str().unwrap()];
    assert!(rankweave(&converted, &[&adapter]).status.success());
    agrees(&out, &deltas);

    // What is missing, or elsewhere, is named.
    fs::remove_file(several.join(shards[1])).unwrap();
    for base in [&several, &index, &several.join(shards[0])] {
        let args = ["merge", "--base", base.to_str().unwrap(), "-o", out.to_str().unwrap()];
        assert!(errors(&rankweave(&args, &[&adapter])).contains(shards[1]), "{}", base.display());
    }
    fs::write(&index, r#"{"weight_map": {"a": "../single.safetensors"}}"#).unwrap();
    let args = ["merge", "--base", index.to_str().unwrap(), "-o", out.to_str().unwrap()];
    assert!(errors(&rankweave(&args, &[&adapter])).contains("beside"));
    let empty = folder.join("empty");
    fs::create_dir(&empty).unwrap();
    let args = ["merge", "--base", empty.to_str().unwrap(), "-o", out.to_str().unwrap()];
    assert!(errors(&rankweave(&args, &[&adapter])).contains("no base model"));
}

#[test]
fn without_a_base_the_two_ways_are_named_and_the_direction_says_what_it_is() {
    let folder = Folder::new("without");
    let (adapter, ..) = made();
    let adapter = folder.write("dora.safetensors", &adapter);
    let out = folder.join("out.safetensors");
    let merge = ["merge", "-o", out.to_str().unwrap()];
    let text = errors(&rankweave(&merge, &[&adapter]));
    assert!(text.contains("DoRA") && text.contains("--base") && text.contains("--dora direction"), "{text}");
    assert!(!out.exists());

    let report = folder.join("report.json");
    let direction = [&merge[..], &["--dora", "direction", "--report", report.to_str().unwrap()]].concat();
    let output = rankweave(&direction, &[&adapter]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && told.contains("magnitudes are left out"), "{told}");
    let report: serde_json::Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
    assert_eq!(report["recipe"]["sources"][0]["dora"], "direction");
    assert!(report["warnings"].as_array().unwrap().iter().any(|w| w["code"] == "dora-direction"));

    let output = rankweave(&["inspect"], &[&adapter]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("DoRA") && text.contains("base checkpoint"), "{text}");
}

#[test]
fn real_adapters_that_need_their_base_say_so() {
    let Some(path) = shared::path("adapters/negative_not_lora/huggingface-peft__ia3_opt-350m.safetensors") else {
        return;
    };
    let folder = Folder::new("real");
    let out = folder.join("out.safetensors");
    let text = errors(&rankweave(&["merge", "-o", out.to_str().unwrap()], &[&path]));
    assert!(text.contains("IA³") && text.contains("--base"), "{text}");
}
