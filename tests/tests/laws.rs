//! What algebra says of every method in the registry, whichever there are.
//!
//! A method is held to the laws that its Spec declares, and to those that hold for all: finite numbers stay finite, the same input gives the same bytes, a rank bound is kept.

#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

use rankweave_adapter::Kind as ErrorKind;
use rankweave_merge::{Law, find, registry};
use rankweave_tests::dense::Matrix;
use rankweave_tests::engine::{File, Job, Merged};
use rankweave_tests::fixture::{self, Adapter, SHAPES};
use rankweave_tests::naive::Modules;
use serde_json::json;
use std::collections::BTreeMap;

/// Adapters of ranks 4, 8 and 16; the second lacks a module, the third has only some.
fn three() -> [Adapter; 3] {
    [
        fixture::adapter(1, 4, &SHAPES),
        fixture::adapter(2, 8, &SHAPES[1..]),
        fixture::adapter(3, 16, &[SHAPES[0], SHAPES[2], SHAPES[5]]),
    ]
}

/// The same for a method that wants equal ranks: all of rank 8.
fn three_for(method: &str) -> [Adapter; 3] {
    let three = three();
    let files = [0, 1, 2].map(|i| file("", &three[i], 1.0));
    match Job::new(method, files.to_vec()).run() {
        Err(errors) if errors[0].kind == ErrorKind::Mismatch => [
            fixture::adapter(1, 8, &SHAPES),
            fixture::adapter(2, 8, &SHAPES[1..]),
            fixture::adapter(3, 8, &[SHAPES[0], SHAPES[2], SHAPES[5]]),
        ],
        _ => three,
    }
}

fn file(name: &str, adapter: &Adapter, weight: f64) -> File {
    File::new(name, fixture::bytes(adapter, "F32"), weight)
}

fn merge(method: &str, files: &[File]) -> Merged {
    let mut job = Job::new(method, fitting(method, files.to_vec()));
    if find(method).unwrap().full_rank() {
        job.rank = json!({"mode": "fixed", "value": 64});
    }
    job.run().unwrap_or_else(|errors| panic!("{method}: {}", errors[0]))
}

/// ‖a − b‖/‖b‖ over all modules, which must be the same ones.
fn distance(a: &Modules, b: &Modules) -> f64 {
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    let flat = |m: &Modules| m.values().flat_map(|pair| pair.delta().values).collect::<Vec<f64>>();
    let (a, b) = (flat(a), flat(b));
    Matrix::new(1, a.len(), a).distance(&Matrix::new(1, b.len(), b))
}

fn modules(adapter: &Adapter) -> Modules {
    rankweave_tests::naive::modules(&rankweave_tests::tensors::read(&fixture::bytes(adapter, "F32")), None)
}

fn scaled(modules: &Modules, factor: f64) -> Modules {
    let mut modules = modules.clone();
    modules.values_mut().for_each(|pair| pair.scale *= factor);
    modules
}

/// As many of these files as the method takes.
fn fitting(method: &str, mut files: Vec<File>) -> Vec<File> {
    let most = registry().iter().map(|m| m.spec()).find(|spec| spec.id == method).map_or(usize::MAX, |s| s.adapters.1);
    files.truncate(most);
    files
}

/// Runs `check` for every method, or for those that declare `law`; asserts that there are some.
fn every_method(law: Option<Law>, check: impl Fn(&str)) {
    let mut checked = 0;
    for spec in registry().iter().map(|method| method.spec()) {
        if law.is_none_or(|law| spec.laws.contains(&law)) {
            check(spec.id);
            checked += 1;
        }
    }
    assert!(checked > 0, "no method was held to {law:?}");
}

#[test]
fn every_law_is_written_here() {
    for spec in registry().iter().map(|method| method.spec()) {
        for law in spec.laws {
            // A new law does not compile until it has its test in this file.
            match law {
                Law::Single | Law::OrderFree | Law::GaugeFree | Law::Idempotent | Law::Additive | Law::Cancels => {}
                Law::SingleAt(settings) => assert!(!settings.is_empty(), "{}", spec.id),
            }
        }
    }
}

#[test]
fn one_adapter_at_weight_1_is_itself() {
    every_method(Some(Law::Single), |method| {
        for adapter in &three() {
            let merged = merge(method, &[file("a", adapter, 1.0)]);
            let distance = distance(&merged.modules(), &modules(adapter));
            assert!(distance < 1e-6, "{method}: {distance:.1e}");
        }
    });
}

#[test]
fn one_adapter_at_weight_1_is_itself_at_neutral_settings() {
    let mut checked = 0;
    for spec in registry().iter().map(|method| method.spec()) {
        for law in spec.laws {
            let Law::SingleAt(settings) = law else { continue };
            let params: BTreeMap<_, _> = settings.iter().copied().collect();
            for adapter in &three() {
                let mut job = Job::new(spec.id, vec![file("a", adapter, 1.0)]);
                job.method = json!({"id": spec.id, "params": params});
                let merged = job.run().unwrap_or_else(|errors| panic!("{}: {}", spec.id, errors[0]));
                let distance = distance(&merged.modules(), &modules(adapter));
                assert!(distance < 1e-6, "{}: {distance:.1e}", spec.id);
            }
            checked += 1;
        }
    }
    assert!(checked > 0);
}

#[test]
fn the_order_of_adapters_does_not_matter() {
    every_method(Some(Law::OrderFree), |method| {
        let [a, b, c] = three_for(method);
        let files = [file("a", &a, 0.7), file("b", &b, -0.3), file("c", &c, 1.2)];
        let one = merge(method, &files).modules();
        for order in [[1, 0, 2], [2, 1, 0], [1, 2, 0]] {
            assert_eq!(fitting(method, files.to_vec()).len(), 3, "{method} takes too few to have an order");
            let other = merge(method, &order.map(|i| files[i].clone())).modules();
            let distance = distance(&other, &one);
            assert!(distance < 2e-6, "{method}, {order:?}: {distance:.1e}");
        }
    });
}

/// (up·G, G⁻¹·down) with a G that shears and scales: the same delta, other factors.
fn in_another_gauge(adapter: &Adapter) -> Adapter {
    let mut adapter = adapter.clone();
    for module in &mut adapter {
        let pair = &mut module.pair;
        let rank = pair.down.rows;
        for slot in 0..rank {
            let (next, factor) = ((slot + 1) % rank, if slot % 2 == 0 { 4.0 } else { 0.5 });
            for row in pair.up.values.chunks_mut(rank) {
                row[slot] *= factor;
                if next != slot {
                    row[next] += 0.5 * row[slot];
                }
            }
            let columns = pair.down.columns;
            for column in 0..columns {
                pair.down.values[slot * columns + column] /= factor;
                if next != slot {
                    pair.down.values[slot * columns + column] -= 0.5 * pair.down.values[next * columns + column];
                }
            }
        }
    }
    adapter
}

#[test]
fn the_factors_of_a_delta_do_not_matter() {
    every_method(Some(Law::GaugeFree), |method| {
        let [a, b, c] = three_for(method);
        let turned = in_another_gauge(&b);
        let same = distance(&modules(&turned), &modules(&b));
        assert!(same < 1e-6, "the test's own gauge changes the delta: {same:.1e}");
        // The turned one comes first: some methods take no more.
        let of = |b: &Adapter| merge(method, &[file("b", b, -0.3), file("a", &a, 0.7), file("c", &c, 1.2)]).modules();
        let distance = distance(&of(&turned), &of(&b));
        assert!(distance < 4e-6, "{method}: {distance:.1e}");
    });
}

#[test]
fn copies_average_to_the_adapter() {
    every_method(Some(Law::Idempotent), |method| {
        let [a, ..] = three_for(method);
        for copies in [2, 3] {
            if fitting(method, vec![file("x", &a, 1.0); copies]).len() < copies {
                continue;
            }
            let files: Vec<File> = (0..copies).map(|i| file(&format!("{i}"), &a, 1.0)).collect();
            let merged = merge(method, &files);
            let distance = distance(&merged.modules(), &modules(&a));
            assert!(distance < 2e-6, "{method}, {copies} copies: {distance:.1e}");
        }
    });
}

#[test]
fn weights_of_copies_add_up() {
    every_method(Some(Law::Additive), |method| {
        let [a, ..] = three_for(method);
        let merged = merge(method, &[file("a", &a, 0.7), file("b", &a, -0.3), file("c", &a, 1.5)]);
        let distance = distance(&merged.modules(), &scaled(&modules(&a), 1.9));
        assert!(distance < 2e-6, "{method}: {distance:.1e}");
    });
}

#[test]
fn an_adapter_and_its_negation_cancel() {
    every_method(Some(Law::Cancels), |method| {
        let [a, ..] = three_for(method);
        let mut negated = a.clone();
        negated.iter_mut().for_each(|module| module.pair.up = module.pair.up.scaled(-1.0));
        for (other, weight) in [(&negated, 1.0), (&a, -1.0)] {
            let merged = merge(method, &[file("a", &a, 1.0), file("b", other, weight)]);
            let left: f64 = merged.modules().values().map(|pair| pair.delta().norm()).sum();
            let whole: f64 = modules(&a).values().map(|pair| pair.delta().norm()).sum();
            assert!(left < 1e-6 * whole, "{method}: {left:.1e} of {whole:.1e} is left");
        }
    });
}

#[test]
fn a_fixed_rank_is_never_exceeded_and_the_largest_loses_nothing() {
    every_method(None, |method| {
        let [a, b, c] = three_for(method);
        let files = vec![file("a", &a, 0.7), file("b", &b, 0.4), file("c", &c, 1.2)];
        let mut job = Job::new(method, fitting(method, files));
        if find(method).unwrap().full_rank() {
            job.rank = json!({"mode": "fixed", "value": 64});
        }
        let exact = job.run().unwrap();
        for rank in [1, 5, 28] {
            job.rank = json!({"mode": "fixed", "value": rank});
            let merged = job.run().unwrap();
            for (name, pair) in &merged.modules() {
                assert!(pair.down.rows <= rank, "{method}: {name} has rank {}", pair.down.rows);
            }
            if rank == 28 {
                let distance = distance(&merged.modules(), &exact.modules());
                assert!(distance < 2e-6, "{method}: {distance:.1e}");
            }
        }
    });
}

#[test]
fn finite_numbers_stay_finite_and_small_in_every_type() {
    every_method(None, |method| {
        let [a, b, _] = three_for(method);
        for (dtype, tolerance) in [("f32", 1e-6), ("f16", 2e-3), ("bf16", 1.2e-2)] {
            let files = vec![file("a", &a, 10.0), file("b", &b, -10.0)];
            let mut job = Job::new(method, fitting(method, files));
            let exact = job.run().unwrap().modules();
            job.dtype = dtype.into();
            let merged = job.run().unwrap();
            let all_finite = merged.modules().values().all(|pair| pair.delta().values.iter().all(|v| v.is_finite()));
            assert!(all_finite, "{method}, {dtype}");
            let distance = distance(&merged.modules(), &exact);
            assert!(distance < tolerance, "{method}, {dtype}: {distance:.1e}");
            let said = merged.report.rounding;
            assert!(
                said <= 2.0 * distance + 1e-6 && distance <= 2.0 * said + 1e-6,
                "{method}, {dtype}: {said:.1e} for {distance:.1e}"
            );
        }
    });
}

/// Enough modules for several tasks: 6 MiB of input each.
fn large() -> [Adapter; 2] {
    let names: Vec<String> = (0..6).map(|i| format!("lora_unet_up_blocks_{i}_resnets_0_conv1")).collect();
    [5, 6].map(|seed| {
        let mut adapter = Vec::new();
        for name in &names {
            let mut one = fixture::adapter(seed, 24, &[("lora_unet_conv_in", 160, 800, &[3, 3])]);
            one[0].name.clone_from(name);
            adapter.extend(one);
        }
        adapter
    })
}

#[test]
fn the_same_input_gives_the_same_bytes_in_any_order_of_work() {
    let [a, b] = large();
    every_method(None, |method| {
        let mut job = Job::new(method, fitting(method, vec![file("a", &a, 0.7), file("b", &b, 0.4)]));
        job.rank = json!({"mode": "fixed", "value": 16});
        let once = job.run_in_order(|tasks| (0..tasks).collect()).unwrap();
        let again = job
            .run_in_order(|tasks| {
                assert!(tasks > 1, "one task: the test proves nothing");
                (0..tasks).rev().collect()
            })
            .unwrap();
        assert!(once.bytes == again.bytes, "{method}");
        assert_eq!(once.report, again.report, "{method}");
    });
}

#[test]
fn the_report_finds_the_weights_again() {
    every_method(Some(Law::Additive), |method| {
        let [a, b, c] = three_for(method);
        let mut files = [file("a", &a, 0.7), file("b", &b, -0.3), file("c", &c, 1.2)];
        files[0].te_weight = Some(-0.5);
        let report = merge(method, &files).report;
        let wanted = [(0.7, -0.5), (-0.3, -0.3), (1.2, 1.2)];
        for (source, (weight, te_weight)) in report.sources.iter().zip(wanted) {
            let near = |found: Option<f64>, wanted: f64| (found.unwrap() - wanted).abs() < 1e-6;
            assert!(near(source.recovered_weight, weight), "{method}: {source:?}");
            assert!(near(source.recovered_te_weight, te_weight), "{method}: {source:?}");
        }
        assert!(report.residual < 1e-6, "{method}: {}", report.residual);
    });
}
