//! Every method of the registry against its naive twin, on random merges of small modules.

#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

use rankweave_merge::{Spec, registry};
use rankweave_tests::engine::{File, Job, Merged};
use rankweave_tests::fixture::{self, SHAPES};
use rankweave_tests::kinds;
use rankweave_tests::naive::{self, Pair};
use rankweave_tests::rng::Stream;
use rankweave_tests::tensors;
use rankweave_tests::twins::{Module, Part, Problem, TWINS};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Largest ‖engine − twin‖ over ‖twin‖ and over what went in: a few roundings to f32.
const TOLERANCE: f64 = 1e-6;

/// Random adapters for a method: unlike ranks, scales, weights, missing modules, and now and then twins.
fn files(spec: &Spec, seed: u64) -> Vec<File> {
    let chance = Stream::new(7, seed);
    let (least, most) = spec.adapters;
    let count = (least.max(1) + chance.bits(0) as usize % 4).clamp(least, most);
    let file = |i: usize| {
        let draw = |n: u64| chance.bits(1 + 16 * i as u64 + n);
        // The same rank for all in half of the merges: some methods want it.
        let rank = [2, 3, 4, 8, 16][if seed.is_multiple_of(2) { seed as usize / 2 % 5 } else { draw(0) as usize % 5 }];
        let has = |(at, _): &(usize, _)| seed % 3 != 1 || at % 4 == 0 || draw(1) >> at & 1 == 0;
        let shapes: Vec<_> = SHAPES.into_iter().enumerate().filter(has).map(|(_, shape)| shape).collect();
        let twin = seed % 5 == 4 && i == 1;
        let mut adapter = fixture::adapter(if twin { 100 * seed } else { 100 * seed + i as u64 }, rank, &shapes);
        adapter.iter_mut().for_each(|module| module.pair.scale = [1.0, 0.5, 2.0][draw(2) as usize % 3]);
        let weight = [1.0, 0.7, -0.4, 1.3][if seed.is_multiple_of(2) { 0 } else { draw(3) as usize % 4 }];
        File::new(&format!("{i}"), fixture::bytes(&adapter, "F32"), weight)
    };
    (0..count).map(file).collect()
}

/// What the twin needs of the same merge.
fn problem(job: &Job, merged: &Merged) -> (Problem, Vec<String>) {
    let read = |file: &File| naive::modules(&tensors::read(&file.bytes), None);
    let inputs: Vec<BTreeMap<String, Pair>> = job.files.iter().map(read).collect();
    let mut names: Vec<(String, String)> =
        merged.report.modules.iter().map(|m| (naive::canonical_of_id(&m.module), m.module.clone())).collect();
    names.sort();
    let module = |(canonical, name): &(String, String)| {
        let part = |(adapter, input): (usize, &BTreeMap<String, Pair>)| {
            let weight = job.files[adapter].weight;
            Some(Part { adapter, weight, pair: input.get(canonical)?.clone() })
        };
        Module { name: name.clone(), parts: inputs.iter().enumerate().filter_map(part).collect() }
    };
    let modules = names.iter().map(module).collect();
    let params = job.method["params"].clone();
    let rank = job.rank["value"].as_u64().map(|rank| rank as usize);
    (
        Problem { modules, adapters: inputs.len(), params, seed: job.seed, rank },
        names.into_iter().map(|n| n.0).collect(),
    )
}

#[test]
fn every_method_has_a_twin() {
    let methods: Vec<&str> = registry().iter().map(|method| method.spec().id).collect();
    let twins: Vec<&str> = TWINS.iter().map(|twin| twin.id).collect();
    for id in &methods {
        assert_eq!(twins.iter().filter(|twin| twin == &id).count(), 1, "twins of {id}");
    }
    assert_eq!(methods.len(), twins.len(), "a twin of no method");
}

/// Compares merges 0..`seeds` of every method and setting with the twin's: as pairs that hold everything, or as whole
/// differences.
fn compare(seeds: u64, dense: bool) {
    for method in registry() {
        let spec = method.spec();
        let twin = TWINS.iter().find(|twin| twin.id == spec.id).unwrap();
        let (mut compared, mut worst) = (0, 0.0f64);
        for (variant, params) in twin.params.iter().enumerate() {
            for seed in 0..seeds {
                let params: Value = serde_json::from_str(params).unwrap();
                let mut job = Job::new(spec.id, files(spec, 10 * variant as u64 + seed));
                job.method = json!({"id": spec.id, "params": params});
                job.seed = seed;
                if dense {
                    job.rank = json!({"mode": "dense"});
                } else if method.full_rank() {
                    // More than any of the modules has.
                    job.rank = json!({"mode": "fixed", "value": 64});
                }
                let merged = match job.run() {
                    Ok(merged) => merged,
                    // A method may refuse unlike ranks, but not always.
                    Err(errors) => {
                        println!("{} {params}: {}", spec.id, errors[0]);
                        continue;
                    }
                };
                let (problem, names) = problem(&job, &merged);
                let (answers, found) = ((twin.merge)(&problem), kinds::deltas(&tensors::read(&merged.bytes), None));
                let whole = tensors::read(&merged.bytes).tensors.keys().all(|name| name.ends_with(".diff"));
                assert_eq!(whole, dense, "{}", spec.id);
                assert_eq!(found.len(), answers.len(), "{}", spec.id);
                for ((name, answer), module) in names.iter().zip(&answers).zip(&problem.modules) {
                    let size = module.taus().iter().map(|tau| tau.norm()).fold(answer.norm(), f64::max);
                    let error = found[name].plus(-1.0, answer).norm() / size;
                    worst = worst.max(error);
                    assert!(
                        error <= TOLERANCE,
                        "{} {params}, merge {seed}, {name}: {error:.1e} from the twin ({} adapters)",
                        spec.id,
                        module.parts.len()
                    );
                    compared += 1;
                }
            }
        }
        println!("{}: {compared} modules, worst {worst:.1e}", spec.id);
        assert!(
            compared as u64 >= 20 * twin.params.len() as u64 * seeds / 8,
            "{}: only {compared} modules were compared",
            spec.id
        );
    }
}

#[test]
fn every_method_agrees_with_its_twin() {
    compare(8, false);
}

#[test]
fn every_method_agrees_with_its_twin_as_whole_differences() {
    compare(4, true);
}
