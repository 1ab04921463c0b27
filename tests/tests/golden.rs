//! Every case of tests/golden, found on disk: inputs and answer made by numpy from the formulas.

#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

use rankweave_tests::dense::Matrix;
use rankweave_tests::engine::{File, Job, Merged};
use rankweave_tests::{GOLDEN_CASES, naive, shared, tensors};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

fn cases() -> Vec<PathBuf> {
    let folder = fs::read_dir(shared::root().join("tests/golden")).unwrap();
    let mut cases: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

fn job(folder: &Path, case: &Value) -> Job {
    let file = |input: &Value| File {
        label: input["file"].as_str().unwrap().into(),
        bytes: fs::read(folder.join(input["file"].as_str().unwrap())).unwrap(),
        config: input["config"].as_str().map(|name| fs::read_to_string(folder.join(name)).unwrap()),
        weight: input["weight"].as_f64().unwrap(),
        te_weight: input["te_weight"].as_f64(),
        blocks: Value::Null,
        rules: Value::Null,
        dora: None,
    };
    Job {
        files: case["inputs"].as_array().unwrap().iter().map(file).collect(),
        method: serde_json::json!({"id": case["method"], "params": case["params"]}),
        rank: case["rank"].clone(),
        seed: case["seed"].as_u64().unwrap_or(0),
        dtype: case["dtype"].as_str().unwrap().into(),
        keys: None,
        metadata: None,
        base: Vec::new(),
        index: None,
    }
}

/// What is wrong with a case, in words.
fn problems(folder: &Path) -> Vec<String> {
    let case: Value = serde_json::from_slice(&fs::read(folder.join("case.json")).unwrap()).unwrap();
    let job = job(folder, &case);
    let merged = match job.run() {
        Ok(merged) => merged,
        Err(errors) => return errors.iter().map(|error| error.to_string()).collect(),
    };
    let mut problems = compare(folder, &case, &merged);
    let file = tensors::read(&merged.bytes);
    for (name, from) in case["extras"].as_object().unwrap() {
        let from = tensors::read(&fs::read(folder.join(from.as_str().unwrap())).unwrap());
        if file.tensors.get(name) != from.tensors.get(name) {
            problems.push(format!("{name} is not kept as it should be"));
        }
    }
    problems
}

fn compare(folder: &Path, case: &Value, merged: &Merged) -> Vec<String> {
    let mut problems = Vec::new();
    let expected = tensors::read(&fs::read(folder.join("expected.safetensors")).unwrap());
    let modules = merged.modules();
    if modules.len() != expected.tensors.len() {
        problems.push(format!("{} modules for {}", modules.len(), expected.tensors.len()));
    }
    for (id, tensor) in &expected.tensors {
        let Some(pair) = modules.get(&naive::canonical_of_id(id)) else {
            problems.push(format!("{id} is missing"));
            continue;
        };
        let wanted = Matrix::new(tensor.shape[0], tensor.shape[1], tensor.values.clone());
        let distance = pair.delta().distance(&wanted);
        let tolerance = case["tolerance"].as_f64().unwrap();
        if distance.is_nan() || distance > tolerance {
            problems.push(format!("{id} is {distance:.1e} from the answer, more than {tolerance:.0e}"));
        }
        // A zero module is written as a pair of rank 1, since loaders want one.
        let rank = case["modules"][id]["rank"].as_u64().unwrap().max(1) as usize;
        if pair.down.rows != rank {
            problems.push(format!("{id} has rank {} and not {rank}", pair.down.rows));
        }
        if (pair.scale - 1.0).abs() > 1e-12 {
            problems.push(format!("{id} is to be read with scale {} and not 1", pair.scale));
        }
        let line = merged
            .report
            .modules
            .iter()
            .find(|line| naive::canonical_of_id(&line.module) == naive::canonical_of_id(id));
        let energy = case["modules"][id]["energy"].as_f64().unwrap();
        match line {
            Some(line) if (line.energy - energy).abs() < 1e-5 && line.rank == rank => {}
            _ => problems.push(format!("the report says {line:?} of {id}, of energy {energy}")),
        }
    }
    problems
}

#[test]
fn every_golden_case_has_its_answer() {
    let cases = cases();
    assert_eq!(cases.len(), GOLDEN_CASES, "cases found");
    let mut wrong = 0;
    for folder in &cases {
        let problems = problems(folder);
        wrong += usize::from(!problems.is_empty());
        for problem in problems {
            println!("{}: {problem}", folder.file_name().unwrap().display());
        }
    }
    assert_eq!(wrong, 0, "of {} cases", cases.len());
}
