//! Trained adapters of other people, where the shared folder is there: merged, and compared with a naive f64 sum.

#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

use rankweave_adapter::{Adapter, Kind};
use rankweave_tests::engine::{File, Job, Merged};
use rankweave_tests::naive::{self, Input};
use rankweave_tests::{shared, source, tensors};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// Largest relative error of a module against the naive sum.
const TOLERANCE: f64 = 1e-5;

fn file(path: &Path, weight: f64) -> File {
    let config = path.with_extension("").with_extension("adapter_config.json");
    let config = [config, path.with_extension("adapter_config.json")].into_iter().find(|p| p.exists());
    File {
        config: config.map(|path| fs::read_to_string(path).unwrap()),
        ..File::new(path.file_name().unwrap().to_str().unwrap(), fs::read(path).unwrap(), weight)
    }
}

/// The naive view of a file.
fn input(file: &File) -> Input {
    let config: Option<Value> = file.config.as_ref().map(|text| serde_json::from_str(text).unwrap());
    let modules = naive::modules(&tensors::read(&file.bytes), config.as_ref());
    assert!(!modules.is_empty(), "the oracle sees no module in {}", file.label);
    Input { modules, weight: file.weight, te_weight: None }
}

/// Compares an exact sum module by module; returns how many there were.
fn compare(files: &[File], merged: &Merged, tolerance: f64) -> usize {
    let inputs: Vec<Input> = files.iter().map(input).collect();
    let modules = merged.modules();
    let names = naive::names(&inputs);
    assert_eq!(modules.len(), names.len());
    for name in &names {
        let exact = naive::merged(&json!({"id": "sum"}), &inputs, name);
        let found = modules.get(name).unwrap_or_else(|| panic!("{name} is missing"));
        let distance = found.delta().distance(&exact);
        assert!(distance < tolerance, "{name}: {distance:.1e}");
    }
    names.len()
}

/// Merges the files of a folder exactly and compares.
fn merge(folder: &str, files: &[(&str, f64)], modules: usize) {
    let Some(folder) = shared::path(&format!("adapters/{folder}")) else { return };
    let files: Vec<File> = files.iter().map(|(name, weight)| file(&folder.join(name), *weight)).collect();
    let merged = Job::new("sum", files.clone()).run().unwrap_or_else(|errors| panic!("{}", errors[0]));
    assert_eq!(compare(&files, &merged, TOLERANCE), modules);
    for (source, file) in merged.report.sources.iter().zip(&files) {
        let found = source.recovered_weight.or(source.recovered_te_weight).unwrap();
        assert!((found - file.weight).abs() < 1e-5, "{source:?}");
    }
}

const PROCS: &str = "catundchat-stable-diffusion-v1.5-lora__pytorch_lora_weights.safetensors";
const PROCS_RUN_1: &str = "catundchat-stable-diffusion-v1.5-lora__pytorch_lora_weights_run1.safetensors";
const POKEMON: &str = "huggingface-diffusers__sd-pokemon-model-lora.safetensors";

#[test]
fn two_spellings_of_diffusers() {
    merge("sd15_diffusers", &[(PROCS, 0.7), (POKEMON, -0.3)], 128);
    merge("sd15_diffusers", &[(POKEMON, 0.7), (PROCS, -0.3)], 128);
}

#[test]
fn three_adapters_of_two_people() {
    merge("sd15_diffusers", &[(PROCS, 0.5), (PROCS_RUN_1, 0.5), (POKEMON, 1.0)], 128);
}

#[test]
fn styles_whose_output_projections_are_untrained() {
    let name = |who: &str| format!("cloneofsimo-lora__lora_{who}.safetensors");
    let (disney, illust, pop) = (name("disney"), name("illust"), name("pop"));
    merge("sd21_cloneofsimo", &[(&disney, 0.7), (&illust, 0.5), (&pop, -0.2)], 128);
}

#[test]
fn adapters_known_by_position_alone() {
    let name = |who: &str| format!("cloneofsimo-lora__{who}.safetensors");
    merge("sd15_cloneofsimo", &[(&name("analog_svd_rank4"), 0.7), (&name("lora_disney"), -0.3)], 192);
}

#[test]
fn positions_meet_names() {
    let Some(folder) = shared::path("adapters") else { return };
    let clone = file(&folder.join("sd15_cloneofsimo/cloneofsimo-lora__lora_disney.safetensors"), 0.7);
    let named = file(&folder.join("sd15_diffusers").join(POKEMON), -0.3);
    let (clone_modules, named_modules) = (input(&clone).modules, input(&named).modules);
    for keys in ["diffusers", "kohya"] {
        let job = Job { keys: Some(keys.into()), ..Job::new("sum", vec![clone.clone(), named.clone()]) };
        let merged = job.run().unwrap_or_else(|errors| panic!("{}", errors[0]));
        let modules = merged.modules();
        assert_eq!(modules.len(), 192, "{keys}");
        // The first transformer block in the order of registration, the perceptron between the two attentions.
        let block = "unet_down_blocks_0_attentions_0_transformer_blocks_0";
        let names = ["attn1_to_q", "attn1_to_k", "attn1_to_v", "attn1_to_out_0"];
        let later = ["attn2_to_q", "attn2_to_k", "attn2_to_v", "attn2_to_out_0"];
        let places = names.into_iter().enumerate().chain((5..).zip(later));
        for (place, name) in places {
            let name = format!("{block}_{name}");
            let own = clone_modules[&format!("unet:{place}")].delta().scaled(0.7);
            let exact = own.plus(-0.3, &named_modules[&name].delta());
            assert!(modules[&name].delta().distance(&exact) < TOLERANCE, "{name}");
        }
        let inner = modules[&format!("{block}_ff_net_0_proj")].delta();
        assert!(inner.distance(&clone_modules["unet:4"].delta().scaled(0.7)) < TOLERANCE);
        let middle = "unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_out_0";
        let exact = clone_modules["unet:143"].delta().scaled(0.7).plus(-0.3, &named_modules[middle].delta());
        assert!(modules[middle].delta().distance(&exact) < TOLERANCE);
    }
}

#[test]
fn image_encoders_known_by_number() {
    let name = |rank: &str| format!("MathieuNlp-Sam_LoRA__lora_rank{rank}.safetensors");
    merge("vit_sam_b", &[(&name("2"), 0.5), (&name("16"), 0.7), (&name("4_run2"), -0.3)], 24);
}

#[test]
fn transposed_factors_of_mlx() {
    let name = |step: u32| format!("wyek1n-MLX-CLI__qwen2.5-0.5b_0000{step}_adapters.safetensors");
    merge("mlx", &[(&name(100), 0.7), (&name(200), 0.6)], 8);
}

#[test]
fn language_models() {
    let name = |who: &str| format!("huggingface-peft__opt350m_{who}_0.6.1.safetensors");
    merge("llm_opt", &[(&name("regression"), 0.7), (&name("bnb_regression"), -0.3)], 48);
    let name = |step: u32| format!("huggingface-peft__monteclora_mrpc_checkpoint-{step}.safetensors");
    merge("llm_roberta_base", &[(&name(230), 0.3), (&name(460), 0.7)], 24);
}

#[test]
fn a_trained_head_is_kept_from_the_heavier_adapter() {
    let Some(folder) = shared::path("adapters/llm_roberta_base") else { return };
    let name = |step: u32| folder.join(format!("huggingface-peft__monteclora_mrpc_checkpoint-{step}.safetensors"));
    let files = vec![file(&name(230), 0.3), file(&name(460), -0.7)];
    let heads: Vec<_> =
        tensors::read(&files[1].bytes).tensors.into_iter().filter(|(name, _)| name.contains("classifier")).collect();
    assert_eq!(heads.len(), 4);
    let merged = Job::new("sum", files).run().unwrap();
    let output = tensors::read(&merged.bytes).tensors;
    for (name, head) in heads {
        assert_eq!(output.get(&name), Some(&head), "{name}");
        let told = merged.report.warnings.iter().any(|w| w.code == "extra-kept" && w.place.key.as_ref() == Some(&name));
        assert!(told, "{name} is kept in silence");
    }
}

#[test]
fn a_truncated_sum_loses_what_the_report_says() {
    let Some(folder) = shared::path("adapters/sd15_diffusers") else { return };
    let files = vec![file(&folder.join(PROCS), 0.7), file(&folder.join(POKEMON), -0.3)];
    let mut job = Job::new("sum", files.clone());
    job.rank = json!({"mode": "fixed", "value": 4});
    let merged = job.run().unwrap();
    let inputs: Vec<Input> = files.iter().map(input).collect();
    let modules = merged.modules();
    let (mut lost, mut whole) = (0.0, 0.0);
    for line in &merged.report.modules {
        let name = naive::canonical_of_id(&line.module);
        let exact = naive::merged(&json!({"id": "sum"}), &inputs, &name);
        let error = modules[&name].delta().plus(-1.0, &exact);
        assert!(modules[&name].down.rows <= 4);
        // A rank-4 matrix that keeps its own part exactly: the error is orthogonal to what is kept.
        let along = error.inner(&modules[&name].delta()).abs() / exact.inner(&exact);
        assert!(along < 1e-5, "{name}: the error is not orthogonal to what is kept: {along:.1e}");
        assert!((line.residual - error.norm() / exact.norm()).abs() < 1e-5, "{name}: {}", line.residual);
        lost += error.inner(&error);
        whole += exact.inner(&exact);
    }
    assert!((merged.report.residual - (lost / whole).sqrt()).abs() < 1e-5);
    assert!((merged.report.energy - (1.0 - lost / whole)).abs() < 1e-5);
}

/// Every adapter at hand is either opened, or refused by name: nothing is misread, and nothing panics.
#[test]
fn every_adapter_is_opened_or_refused_by_name() {
    let Some(folder) = shared::path("adapters") else { return };
    let files = source::files(&folder, &["safetensors"]);
    assert!(files.len() >= 30, "only {} adapters were found", files.len());
    for path in files {
        let file = file(&path, 1.0);
        let set = path.parent().unwrap().file_name().unwrap().to_str().unwrap();
        let opened = Adapter::open(&file.bytes, &file.label, file.config.as_deref());
        let refused = set == "negative_not_lora";
        // What needs the base is opened, and refused where none is given.
        let opened = opened.and_then(|adapter| match adapter.modules.iter().any(|m| m.kind.needs_base()) {
            true => Err(Job::new("sum", vec![file.clone()]).run().unwrap_err().swap_remove(0)),
            false => Ok(adapter),
        });
        match opened {
            Ok(adapter) => {
                assert!(!refused, "{set}/{} was taken for a LoRA", file.label);
                assert!(!adapter.modules.is_empty());
            }
            Err(error) => {
                assert!(refused, "{set}/{}: {error}", file.label);
                assert_eq!(error.kind, Kind::Unsupported, "{set}/{}: {error}", file.label);
                assert_eq!(error.place.file.as_ref(), Some(&file.label));
                assert!(!error.hint.is_empty(), "{error} says not what to do");
            }
        }
    }
}
