//! What the papers promise of spectral methods at their ends, beyond the laws that any method may obey.

#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

use rankweave_tests::dense::Matrix;
use rankweave_tests::engine::{File, Job, Merged};
use rankweave_tests::fixture::{self, Adapter, SHAPES};
use rankweave_tests::naive::Modules;
use serde_json::{Value, json};

fn run(method: &str, params: Value, adapters: &[&Adapter]) -> Result<Merged, String> {
    let file = |(i, adapter): (usize, &&Adapter)| File::new(&format!("{i}"), fixture::bytes(adapter, "F32"), 1.0);
    let mut job = Job::new(method, adapters.iter().enumerate().map(file).collect());
    job.method = json!({"id": method, "params": params});
    job.run().map_err(|errors| errors[0].lines().join("\n"))
}

fn merge(method: &str, params: Value, adapters: &[&Adapter]) -> Merged {
    run(method, params, adapters).unwrap()
}

fn deltas(merged: &Merged) -> Vec<Matrix> {
    of(&merged.modules())
}

fn of(modules: &Modules) -> Vec<Matrix> {
    modules.values().map(|pair| pair.delta()).collect()
}

fn taus(adapter: &Adapter) -> Vec<Matrix> {
    of(&rankweave_tests::naive::modules(&rankweave_tests::tensors::read(&fixture::bytes(adapter, "F32")), None))
}

fn furthest(a: &[Matrix], b: &[Matrix]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a.distance(b)).fold(0.0, f64::max)
}

fn detail(merged: &Merged, module: usize, name: &str) -> f64 {
    merged.report.modules[module].details.iter().find(|d| d.name == name).unwrap().value
}

/// Adapters of rank 4 with modules that are larger than all their ranks together.
fn two() -> [Adapter; 2] {
    [1, 2].map(|seed| fixture::adapter(seed, 4, &SHAPES[..1]))
}

/// The rank slots in another order, and every other one with both factors negated: the same delta.
fn reordered(adapter: &Adapter) -> Adapter {
    let mut adapter = adapter.clone();
    for module in &mut adapter {
        let (rank, old) = (module.pair.down.rows, module.pair.clone());
        let columns = old.down.columns;
        for slot in 0..rank {
            let (from, sign) = ((3 * slot + 1) % rank, if slot % 2 == 0 { 1.0 } else { -1.0 });
            for row in 0..old.up.rows {
                module.pair.up.values[row * rank + slot] = sign * old.up.values[row * rank + from];
            }
            for j in 0..columns {
                module.pair.down.values[slot * columns + j] = sign * old.down.values[from * columns + j];
            }
        }
    }
    adapter
}

#[test]
fn neutral_settings_are_sums_means_and_each_other() {
    let [a, b] = [1, 2].map(|seed| fixture::adapter(seed, 4, &SHAPES));
    for (method, params, other, its) in [
        ("iso-cts", json!({"common": 1, "beta": 0}), "sum", json!({})),
        ("iso-cts", json!({"common": 1, "beta": 1}), "iso-c", json!({"beta": 1})),
        ("star", json!({"eta": 1}), "mean", json!({})),
        ("cart", json!({"delta": 0}), "mean", json!({})),
        ("cart", json!({"directions": 256}), "mean", json!({})),
        ("awd", json!({"steps": 0}), "sum", json!({})),
        ("twin", json!({}), "mean", json!({})),
    ] {
        let (one, two) = (merge(method, params.clone(), &[&a, &b]), merge(other, its, &[&a, &b]));
        let distance = furthest(&deltas(&one), &deltas(&two));
        assert!(distance < 2e-6, "{method} {params} is {distance:.1e} from {other}");
    }
}

#[test]
fn without_a_ridge_wudi_does_to_each_adapters_inputs_what_the_adapter_does() {
    let [a, b] = two();
    let merged = deltas(&merge("wudi", json!({"ridge": 0}), &[&a, &b]));
    for adapter in [&a, &b] {
        let inputs = adapter[0].pair.down.transposed();
        let wanted = taus(adapter)[0].times(&inputs);
        assert!(merged[0].times(&inputs).distance(&wanted) < 1e-5);
    }
}

#[test]
fn a_large_ridge_leads_wudi_to_the_sum_and_ace_to_the_mean() {
    let [a, b] = two();
    for (method, other, large) in [("wudi", "sum", 10.0), ("ace", "mean", 100.0)] {
        let goal = deltas(&merge(other, json!({}), &[&a, &b]));
        let way = |ridge: f64| furthest(&deltas(&merge(method, json!({"ridge": ridge}), &[&a, &b])), &goal);
        let (far, near) = (way(0.01), way(large));
        assert!(near < 0.1 && near < 0.3 * far, "{method}: {far:.2} → {near:.2}");
    }
}

#[test]
fn pico_is_as_large_as_an_adapter_is_on_average() {
    let adapters = [(1, 4), (2, 8), (3, 2)].map(|(seed, rank)| fixture::adapter(seed, rank, &SHAPES));
    let parts: Vec<Vec<Matrix>> = adapters.iter().map(taus).collect();
    for inner in ["sum", "tsv"] {
        let merged = deltas(&merge("pico", json!({"inner": inner}), &adapters.iter().collect::<Vec<_>>()));
        for (m, delta) in merged.iter().enumerate() {
            let mean = parts.iter().map(|part| part[m].norm()).sum::<f64>() / 3.0;
            assert!((delta.norm() / mean - 1.0).abs() < 1e-6, "{inner}");
        }
    }
}

#[test]
fn a_shared_adapter_and_a_part_give_the_adapter_back() {
    let [a, b] = [1, 2].map(|seed| fixture::adapter(seed, 4, &SHAPES));
    for shared in ["mean", "paper"] {
        let theta = deltas(&merge("twin", json!({"shared": shared}), &[&a, &b]));
        for (part, adapter) in [(1, &a), (2, &b)] {
            let own = deltas(&merge("twin", json!({"shared": shared, "part": part, "rank": 0}), &[&a, &b]));
            let both: Vec<Matrix> = theta.iter().zip(&own).map(|(t, v)| t.plus(1.0, v)).collect();
            assert!(furthest(&both, &taus(adapter)) < 2e-6, "{shared}, part {part}");
        }
    }
    let small = merge("twin", json!({"part": 1, "rank": 3}), &[&a, &b]);
    assert!(small.report.modules.iter().all(|m| m.rank <= 3), "a part is small");
    let refused = run("twin", json!({"part": 3}), &[&a, &b]).unwrap_err();
    assert!(refused.contains("no such part") && refused.contains("1 to 2"), "{refused}");
}

#[test]
fn adapters_at_right_angles_do_not_interfere() {
    let [a, mut b] = two();
    let some = merge("tsv", json!({}), &[&a, &b]);
    assert!(detail(&some, 0, "interference") > 0.1);
    // Move b to rows and columns that a does not touch.
    let mut a = a;
    for (adapter, from) in [(&mut a, 0), (&mut b, 1)] {
        let pair = &mut adapter[0].pair;
        let (rank, columns) = (pair.down.rows, pair.down.columns);
        pair.up.values.iter_mut().enumerate().filter(|(at, _)| (at / rank) % 2 == from).for_each(|(_, x)| *x = 0.0);
        pair.down
            .values
            .iter_mut()
            .enumerate()
            .filter(|(at, _)| (at % columns) % 2 == from)
            .for_each(|(_, x)| *x = 0.0);
    }
    let apart = merge("tsv", json!({}), &[&a, &b]);
    assert!(detail(&apart, 0, "interference") < 1e-6);
    let sum = deltas(&merge("sum", json!({}), &[&a, &b]));
    assert!(furthest(&deltas(&apart), &sum) < 2e-6);
    for method in ["wudi", "awd"] {
        let merged = deltas(&merge(method, json!({}), &[&a, &b]));
        assert!(furthest(&merged, &sum) < 2e-6, "{method}: {:.1e}", furthest(&merged, &sum));
    }
}

#[test]
fn robust_merge_wants_equal_ranks_and_says_which_it_found() {
    let (a, b) = (fixture::adapter(1, 4, &SHAPES), fixture::adapter(2, 8, &SHAPES));
    let refused = run("robust-merge", json!({}), &[&a, &b]).unwrap_err();
    for word in ["rank 4 in 0", "rank 8 in 1", "tsv", "module"] {
        assert!(refused.contains(word), "{word}: {refused}");
    }
}

#[test]
fn aligned_units_find_their_likes_in_any_order() {
    let a = fixture::adapter(1, 8, &SHAPES);
    let b = reordered(&a);
    assert!(furthest(&taus(&a), &taus(&b)) < 1e-6, "the test's own reordering changes the delta");
    let params = |align: bool| json!({"keep": 1, "align": align});
    let aligned = deltas(&merge("robust-merge", params(true), &[&a, &b]));
    let twice: Vec<Matrix> = taus(&a).iter().map(|tau| tau.scaled(2.0)).collect();
    assert!(furthest(&aligned, &twice) < 2e-6, "copies add up");
    let stored = deltas(&merge("robust-merge", params(false), &[&a, &b]));
    assert!(furthest(&stored, &twice) > 0.1, "the order of the units does not matter: the test proves nothing");
}

#[test]
fn awd_brings_adapters_that_are_alike_nearer_to_right_angles() {
    let [a, b] = two();
    let mut alike = a.clone();
    let small = b[0].pair.up.scaled(0.5);
    alike[0].pair.up = alike[0].pair.up.plus(1.0, &small);
    for scope in ["file", "module"] {
        let merged = merge("awd", json!({"from": scope}), &[&a, &alike]);
        let (before, after) = (detail(&merged, 0, "cosine-before"), detail(&merged, 0, "cosine-after"));
        assert!(before > 0.8 && after < 0.9 * before, "{scope}: {before} → {after}");
        let long = merge("awd", json!({"from": scope, "alpha": 0, "steps": 5000}), &[&a, &alike]);
        let after = detail(&long, 0, "cosine-after");
        assert!(after < 0.2, "{scope}: {after} in the end");
    }
}

#[test]
fn svc_brings_down_only_what_is_shared() {
    let [a, _] = two();
    let merged = merge("svc", json!({}), &[&a, &a, &a]);
    assert!((detail(&merged, 0, "norm-change") - 1.0 / 3.0).abs() < 1e-6, "three copies");
}
