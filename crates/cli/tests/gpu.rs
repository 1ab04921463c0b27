//! `rankweave merge --gpu`: the built binary, on whichever device there is.

#![cfg(feature = "gpu")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rankweave_adapter::{Adapter, Source};
use rankweave_merge::entries::now;
use rankweave_merge::gpu::{Gpu, Wanted, open};
use rankweave_recipe::{Assembler, Facts, Prepared, Rank, Recipe};
use rankweave_tests::folder::Folder;
use rankweave_tests::shared::skipped;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../www/samples/{name}-digits.safetensors"))
}

const SAMPLES: [&str; 3] = ["turned", "inverted", "noisy"];

/// Any device; where there is none the test says that it did not run.
fn device() -> Option<Gpu> {
    match now(open(Wanted::On, || 0.0)).unwrap() {
        Ok(gpu) => Some(gpu.unwrap()),
        Err(error) => {
            skipped(&format!("no adapter: {error}"));
            None
        }
    }
}

/// The samples' bytes, and a merge of them by `ties` with these parameters.
fn ties(params: Value, rank: &str) -> ([Vec<u8>; 3], Prepared) {
    let files = SAMPLES.map(|name| std::fs::read(sample(name)).unwrap());
    let adapters = files.iter().zip(SAMPLES).map(|(file, name)| Adapter::open(file, name, None).unwrap());
    let mut recipe = Recipe::blank(3);
    recipe.method.id = "ties".into();
    recipe.method.params = params.as_object().unwrap().clone();
    recipe.output.rank = Rank::parse(rank).unwrap();
    let prepared = Prepared::new(recipe, adapters.collect()).unwrap();
    (files, prepared)
}

#[test]
fn every_module_of_a_merge_can_be_worked_on_by_a_gpu() {
    let Some(gpu) = device() else { return };
    let (files, prepared) = ties(json!({"density": 0.4, "scope": "module"}), "6");
    let sources: Vec<&dyn Source> = files.iter().map(|file| file as &dyn Source).collect();
    let facts = Facts::default();
    assert_eq!(prepared.rounds(), 0);
    let (mut by_device, mut by_cores) = (Assembler::new(&prepared), Assembler::new(&prepared));
    for task in 0..prepared.tasks() {
        let own =
            now(prepared.run_task_on(&gpu, &sources, task, &facts)).expect("nothing waits in a terminal").unwrap();
        let cpu = prepared.run_task(&sources, task, &facts).unwrap();
        for (own, cpu) in own.modules.iter().zip(&cpu.modules) {
            let device = own.device.as_ref().expect("the device is named");
            assert!(device.failed.is_none(), "{device:?}");
            assert!(cpu.device.is_none());
            assert!((own.total - cpu.total).abs() < 1e-3 * cpu.total, "{}: {} {}", own.module, own.total, cpu.total);
            assert!((own.kept - cpu.kept).abs() < 1e-3 * cpu.total, "{}: {} {}", own.module, own.kept, cpu.kept);
        }
        for (assembler, output) in [(&mut by_device, own), (&mut by_cores, cpu)] {
            assembler.data(&output.bytes);
            assembler.end_task(task, &output.modules).unwrap();
        }
    }
    // The recipe in the file says on which path its bytes hold.
    let says = |assembler: Assembler<&Prepared>| {
        let finished = assembler.finish(&facts).unwrap();
        let backend = finished.report.recipe.expect.and_then(|expect| expect.backend).unwrap();
        assert!(String::from_utf8_lossy(&finished.header).contains(&format!(r#"\"backend\":\"{backend}\""#)));
        backend
    };
    assert_eq!((says(by_device).as_str(), says(by_cores).as_str()), ("gpu", "cpu"));
}

#[test]
fn what_a_gpu_finds_beforehand_is_known_to_be_its() {
    let Some(gpu) = device() else { return };
    let (files, prepared) = ties(json!({}), "exact");
    let sources: Vec<&dyn Source> = files.iter().map(|file| file as &dyn Source).collect();
    assert!(prepared.rounds() > 0);
    let none = Facts::default();
    let cores: Vec<_> =
        (0..prepared.tasks()).map(|task| prepared.survey_task(&sources, task, &none).unwrap()).collect();
    let (mut by_cores, mut by_device) = (Facts::default(), Facts::default());
    by_cores.add(&cores);
    let own = now(prepared.survey_task_on(&gpu, &sources, 0, &none)).expect("nothing waits in a terminal").unwrap();
    by_device.add(&[&[own], &cores[1..]].concat());
    assert!(by_device.by_device() && !by_cores.by_device());
    // As many entries were counted, whoever counted them.
    assert_eq!(by_device.round(0).iter().sum::<f64>(), by_cores.round(0).iter().sum::<f64>());
}

fn merge(folder: &Path, flags: &[&str]) -> (Output, Value) {
    let report = folder.join("report.json");
    let mut merge = Command::new(env!("CARGO_BIN_EXE_rankweave"));
    merge.arg("merge").args(SAMPLES.map(sample)).arg("-o").arg(folder.join("out.safetensors"));
    let out = merge.arg("--report").arg(&report).args(flags).output().unwrap();
    let text = std::fs::read(&report).unwrap_or_default();
    (out, serde_json::from_slice(&text).unwrap_or_default())
}

#[test]
fn a_gpu_does_what_the_cores_do_and_the_report_names_it() {
    let folder = Folder::new("ties");
    let flags = ["--method", "ties", "--param", "density=0.4", "--rank", "6", "--dtype", "f32"];
    let (out, own) = merge(&folder, &[&flags[..], &["--gpu", "on"]].concat());
    if String::from_utf8_lossy(&out.stderr).contains("No GPU can be used") {
        return skipped("there is no adapter");
    }
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let (_, cpu) = merge(&folder, &[&flags[..], &["--gpu", "off"]].concat());
    // The cores take tasks too, so the device may have come too late for all of them.
    let devices = own["devices"].as_array().map(Vec::as_slice).unwrap_or_default();
    for device in devices {
        assert!(device["modules"].as_u64().unwrap() > 0 && device["failed"] == 0, "{device}");
        assert!(!device["name"].as_str().unwrap().is_empty());
        assert!(own["remarks"].as_array().unwrap().iter().any(|remark| remark["code"] == "gpu"));
    }
    assert!(cpu["devices"].is_null());
    for number in ["residual", "energy"] {
        let (x, y) = (own[number].as_f64().unwrap(), cpu[number].as_f64().unwrap());
        assert!((x - y).abs() < 1e-4 * y, "{number}: {x} instead of {y}");
    }
    for (x, y) in own["modules"].as_array().unwrap().iter().zip(cpu["modules"].as_array().unwrap()) {
        let (x, y) = (x["norm"].as_f64().unwrap(), y["norm"].as_f64().unwrap());
        // In a small module the entry that is the threshold counts, and rounding may put it on either side.
        assert!((x - y).abs() < 1e-3 * y, "{x} instead of {y}");
    }
}

#[test]
fn there_is_nothing_for_a_gpu_to_do_in_factor_space() {
    let folder = Folder::new("sum");
    let (out, report) = merge(&folder, &["--gpu", "on"]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert!(report["devices"].is_null());
}
