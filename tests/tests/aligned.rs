//! Special laws of the methods that merge in a space of their own.

#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

use rankweave_tests::dense::Matrix;
use rankweave_tests::engine::{File, Job, Merged};
use rankweave_tests::fixture::{self, Adapter, SHAPES};
use serde_json::{Value, json};

fn three() -> Vec<Adapter> {
    [(1, 4), (2, 8), (3, 3)].map(|(seed, rank)| fixture::adapter(seed, rank, &SHAPES)).to_vec()
}

fn job(method: &str, params: &Value, adapters: &[Adapter]) -> Job {
    let weights = [1.0, 0.7, -0.5];
    let file = |(i, adapter): (usize, &Adapter)| {
        File::new(&i.to_string(), fixture::bytes(adapter, "F32"), weights[i % weights.len()])
    };
    let mut job = Job::new(method, adapters.iter().enumerate().map(file).collect());
    job.method = json!({"id": method, "params": params});
    job
}

fn run(job: &Job) -> Merged {
    job.run().unwrap_or_else(|errors| panic!("{}", errors[0]))
}

/// Every module's delta, in one row.
fn flat(merged: &Merged) -> Matrix {
    let values: Vec<f64> = merged.modules().values().flat_map(|pair| pair.delta().values).collect();
    Matrix::new(1, values.len(), values)
}

#[test]
fn rules_that_know_no_basis_are_the_same_in_every_space() {
    let adapters = three();
    for (inner, plain, own) in [
        ("mean", "mean", json!({})),
        ("sum", "sum", json!({})),
        ("tsv", "tsv", json!({})),
        ("iso", "iso-c", json!({"beta": 1})),
    ] {
        let wanted = flat(&run(&job(plain, &own, &adapters)));
        for method in ["knots", "core", "ctm"] {
            let found = flat(&run(&job(method, &json!({"inner": inner}), &adapters)));
            let distance = found.distance(&wanted);
            assert!(distance < 1e-6, "{inner} in {method}: {distance:.1e}");
        }
    }
}

#[test]
fn rules_by_entry_depend_on_the_space_and_stored_factors_on_the_gauge() {
    let mut adapters = three();
    let params = json!({"density": 0.4});
    let [knots, core, ctm] = ["knots", "core", "ctm"].map(|method| flat(&run(&job(method, &params, &adapters))));
    assert!(knots.distance(&core) > 0.1 && core.distance(&ctm) > 0.1 && ctm.distance(&knots) > 0.1);
    let stored = json!({"density": 0.4, "gauge": "stored"});
    let before = flat(&run(&job("core", &stored, &adapters)));
    for module in &mut adapters[0] {
        module.pair.up = module.pair.up.scaled(4.0);
        module.pair.down = module.pair.down.scaled(0.25);
    }
    let balanced = flat(&run(&job("core", &params, &adapters)));
    assert!(balanced.distance(&core) < 1e-6);
    assert!(flat(&run(&job("core", &stored, &adapters))).distance(&before) > 0.1);
}

#[test]
fn a_space_of_the_output_s_rank_is_left_as_it_is() {
    let adapters = three();
    let mut by_policy = job("ctm", &json!({"density": 0.5}), &adapters);
    by_policy.rank = json!({"mode": "fixed", "value": 3});
    let merged = run(&by_policy);
    let own = run(&job("ctm", &json!({"density": 0.5, "rank": 3}), &adapters));
    assert!(flat(&merged).distance(&flat(&own)) < 1e-6);
    for line in &merged.report.modules {
        assert!(line.rank <= 3 && line.energy > 1.0 - 1e-9, "{}: {} of rank {}", line.module, line.energy, line.rank);
    }
}

/// No space of rank r holds more than the adapter's first r directions, and of one adapter they are held.
#[test]
fn what_is_captured_is_told() {
    let adapters = three();
    let captured = |merged: &Merged, module: usize, adapter: usize| {
        let name = format!("captured-{}", adapter + 1);
        merged.report.modules[module].details.iter().find(|detail| detail.name == name).unwrap().value
    };
    let best = |name: &str, adapter: &Adapter| {
        let canonical = rankweave_tests::naive::canonical_of_id(name);
        let own = adapter.iter().find(|m| rankweave_tests::naive::canonical(&m.name) == canonical).unwrap();
        let squares: Vec<f64> = own.pair.delta().svd().iter().map(|t| t.0 * t.0).collect();
        squares[..squares.len().min(2)].iter().sum::<f64>() / squares.iter().sum::<f64>()
    };
    let together = run(&job("ctm", &json!({"rank": 2}), &adapters));
    let alone = run(&job("ctm", &json!({"rank": 2}), &adapters[..1]));
    for (m, line) in together.report.modules.iter().enumerate() {
        for (i, adapter) in adapters.iter().enumerate() {
            assert!(captured(&together, m, i) <= best(&line.module, adapter) + 1e-6, "{}", line.module);
        }
        assert!((captured(&alone, m, 0) - best(&line.module, &adapters[0])).abs() < 1e-6, "{}", line.module);
    }
    let said = |merged: &Merged| merged.report.remarks.iter().filter(|w| w.code == "captured-little").count();
    assert!(said(&run(&job("ctm", &json!({"rank": 1}), &adapters))) > 0);
    let whole = run(&job("ctm", &json!({}), &adapters));
    assert_eq!(said(&whole), 0);
    assert!((0..3).all(|i| (captured(&whole, 0, i) - 1.0).abs() < 1e-6));
}

#[test]
fn the_space_is_bettered_by_turns_and_serves_all_adapters_at_beta_0() {
    let adapters = three();
    let held = |beta: f64, turns: usize| {
        let merged = run(&job("ctm", &json!({"rank": 3, "beta": beta, "turns": turns, "inner": "sum"}), &adapters));
        merged.report.modules.iter().map(|line| line.details.iter().map(|d| d.value).sum::<f64>()).sum::<f64>()
    };
    // Equal strengths hold more of the adapters' shares than strong ones that choose.
    assert!(held(0.0, 4) > held(1.0, 4), "{} and {}", held(0.0, 4), held(1.0, 4));
    assert!(held(0.0, 50) > held(0.0, 1), "{} and {}", held(0.0, 50), held(0.0, 1));
}

#[test]
fn a_threshold_over_the_file_takes_from_weak_modules() {
    let mut adapters = three();
    // One module of the first adapter is ten times as strong.
    adapters[0][0].pair.scale *= 10.0;
    for method in ["knots", "core"] {
        let of = |scope: &str| {
            let params = json!({"density": 0.2, "scope": scope});
            let merged = run(&job(method, &params, &adapters[..1]));
            let norms = |index: usize| merged.modules().values().nth(index).unwrap().delta().norm();
            (norms(0) + norms(1), flat(&merged))
        };
        let ((_, file), (_, module)) = (of("file"), of("module"));
        // The same number of entries, but the largest ones: nothing can hold more.
        assert!(file.norm() > module.norm() * 1.02, "{method}: {} and {}", file.norm(), module.norm());
    }
}

#[test]
fn chance_inside_is_the_seed_s_and_leaves_the_mean() {
    let adapters = three();
    let sum = flat(&run(&job("sum", &json!({}), &adapters)));
    for method in ["knots", "core"] {
        let mut mean = sum.scaled(0.0);
        let mut job = job(method, &json!({"inner": "dare", "drop": 0.3}), &adapters);
        let mut single = 0.0;
        for seed in 0..60 {
            job.seed = seed;
            let drawn = flat(&run(&job));
            single = drawn.distance(&sum);
            mean = mean.plus(1.0 / 60.0, &drawn);
        }
        let distance = mean.distance(&sum);
        assert!(single > 0.2 && distance < 0.25 * single, "{method}: {distance} of {single}");
    }
}
