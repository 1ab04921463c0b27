//! What the orthogonal family promises beyond the common laws.

#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

use rankweave_tests::dense::Matrix;
use rankweave_tests::engine::{File, Job, Merged};
use rankweave_tests::fixture::{self, Adapter, SHAPES};
use rankweave_tests::naive::Modules;
use serde_json::{Value, json};

fn file(name: &str, adapter: &Adapter, weight: f64) -> File {
    File::new(name, fixture::bytes(adapter, "F32"), weight)
}

fn merge(method: &str, params: Value, adapters: &[&Adapter]) -> Merged {
    let files = adapters.iter().enumerate().map(|(i, a)| file(&format!("{i}"), a, 1.0)).collect();
    let mut job = Job::new(method, files);
    job.method = json!({"id": method, "params": params});
    job.run().unwrap_or_else(|errors| panic!("{method}: {}", errors[0]))
}

fn modules(adapter: &Adapter) -> Modules {
    rankweave_tests::naive::modules(&rankweave_tests::tensors::read(&fixture::bytes(adapter, "F32")), None)
}

fn codes(merged: &Merged) -> Vec<&str> {
    merged.report.remarks.iter().map(|remark| remark.code.as_str()).collect()
}

/// Adapters of `count` rank slots each whose downs are other rows of one identity.
fn apart(seed: u64, first: usize, count: usize) -> Adapter {
    let mut adapter = fixture::adapter(seed, count, &SHAPES[..2]);
    for module in &mut adapter {
        let columns = module.pair.down.columns;
        let one = |at: usize| f64::from(u8::from(at % columns == first + at / columns));
        module.pair.down.values = (0..count * columns).map(one).collect();
    }
    adapter
}

#[test]
fn lego_says_when_groups_are_arbitrary_and_when_not() {
    let [a, b] = [1, 2].map(|seed| fixture::adapter(seed, 4, &SHAPES[..3]));
    assert_eq!(codes(&merge("lego", json!({}), &[&a, &b])), ["arbitrary-groups"]);
    let copies = merge("lego", json!({}), &[&a, &a]);
    assert!(codes(&copies).is_empty());
    let module = &copies.report.modules[0];
    let detail = |name: &str| module.details.iter().find(|d| d.name == name).unwrap().value;
    assert!(detail("silhouette") > 0.999 && detail("scatter") < 1e-9);
    assert_eq!((detail("units"), detail("groups"), detail("mixed-groups")), (8.0, 4.0, 4.0));
    let picture = module.picture.as_ref().unwrap();
    assert_eq!(picture.source, [0, 0, 0, 0, 1, 1, 1, 1]);
    assert_eq!(picture.cluster[..4], picture.cluster[4..]);
}

#[test]
fn lego_in_the_balanced_gauge_does_not_see_the_factors() {
    let [a, b] = [1, 2].map(|seed| fixture::adapter(seed, 4, &SHAPES[..3]));
    let mut turned = b.clone();
    for module in &mut turned {
        module.pair.up = module.pair.up.scaled(-8.0);
        module.pair.down = module.pair.down.scaled(-0.125);
    }
    let distance = |gauge: &str| {
        let of = |b: &Adapter| merge("lego", json!({"gauge": gauge}), &[&a, b]).modules();
        let (one, other) = (of(&b), of(&turned));
        one.iter().map(|(name, pair)| other[name].delta().distance(&pair.delta())).fold(0.0, f64::max)
    };
    assert!(distance("balanced") < 1e-5, "{}", distance("balanced"));
    assert!(distance("raw") > 1e-2, "raw factors should be seen");
}

#[test]
fn lego_leaves_units_out_that_carry_nothing() {
    let [a, b] = [1, 2].map(|seed| fixture::adapter(seed, 4, &SHAPES[..3]));
    let mut untrained = a.clone();
    for module in &mut untrained {
        // Four more rows of down, which no up uses.
        let pair = &mut module.pair;
        let rows = pair.up.values.chunks_exact(4).flat_map(|row| [row, &[0.0; 4]].concat());
        pair.up = Matrix::new(pair.up.rows, 8, rows.collect());
        pair.down = Matrix::new(8, pair.down.columns, [&pair.down.values[..], &pair.down.values[..]].concat());
    }
    let of = |a: &Adapter| merge("lego", json!({"k": 3, "output": "units"}), &[a, &b]).modules();
    let (plain, padded) = (of(&a), of(&untrained));
    for (name, pair) in &plain {
        assert!(padded[name].delta().distance(&pair.delta()) < 1e-6, "{name}");
    }
}

#[test]
fn orthogonal_adapters_are_told() {
    let (a, b) = (apart(1, 0, 4), apart(2, 4, 4));
    assert_eq!(codes(&merge("orthogonal", json!({}), &[&a, &b])), ["orthogonal-adapters"]);
    let random = fixture::adapter(3, 4, &SHAPES[..2]);
    let merged = merge("orthogonal", json!({}), &[&a, &random]);
    assert_eq!(codes(&merged), ["crosstalk"]);
    let overlapping = merge("orthogonal", json!({}), &[&a, &apart(2, 2, 4)]);
    assert_eq!(codes(&overlapping), ["crosstalk"]);
    // Two of four rows are shared: ‖A₁·A₂ᵀ‖ = √2 of 2·2.
    let detail = |name: &str| overlapping.report.modules[0].details.iter().find(|d| d.name == name).unwrap().value;
    assert!((detail("crosstalk-input") - 0.5f64.sqrt() / 2.0).abs() < 1e-9, "{}", detail("crosstalk-input"));
    assert!(detail("uneven") < 1e-9);
}

#[test]
fn crosstalk_is_that_of_the_dense_deltas() {
    let mut adapters = [(1, 4), (2, 3)].map(|(seed, rank)| fixture::adapter(seed, rank, &SHAPES[..3]));
    adapters[1].iter_mut().for_each(|module| module.pair.scale = 2.0);
    let merged = merge("orthogonal", json!({}), &[&adapters[0], &adapters[1]]);
    let [a, b] = adapters.each_ref().map(modules);
    for line in &merged.report.modules {
        let name = rankweave_tests::naive::canonical_of_id(&line.module);
        let (x, y) = (a[&name].delta(), b[&name].delta());
        let wanted = x.times(&y.transposed()).norm() / (x.norm() * y.norm());
        for detail in ["crosstalk", "crosstalk-mean"] {
            let found = line.details.iter().find(|d| d.name == detail).unwrap().value;
            assert!((found - wanted).abs() < 1e-9, "{name}: {found} for {wanted}");
        }
    }
    assert_eq!(merged.report.modules.len(), 3);
}

#[test]
fn np_lora_leaves_the_first_alone_and_hard_leaves_no_overlap() {
    let [a, b] = [1, 2].map(|seed| fixture::adapter(seed, 4, &SHAPES[..3]));
    let merged = merge("np-lora", json!({"hard": true}), &[&a, &b]).modules();
    for (name, first) in modules(&a) {
        // What is left beside the first does not answer to its inputs, and on these M acts as the first alone and the rest.
        let rest = merged[&name].delta().plus(-1.0, &first.delta());
        let seen = rest.times(&first.down.transposed()).norm();
        assert!(rest.norm() > 0.1 && seen < 1e-6 * rest.norm() * first.down.norm(), "{name}: {seen:.1e}");
    }
}

#[test]
fn lowdin_keeps_norms_and_sets_adapters_at_right_angles() {
    let [a, b] = [1, 2].map(|seed| fixture::adapter(seed, 3, &SHAPES[..3]));
    for side in ["rows", "columns"] {
        let merged = merge("lowdin", json!({"side": side}), &[&a, &b]).modules();
        for (name, first) in modules(&a) {
            // Squared norms add up at right angles alone.
            let wanted = first.delta().norm().hypot(modules(&b)[&name].delta().norm());
            assert!((merged[&name].delta().norm() / wanted - 1.0).abs() < 1e-6, "{name}");
        }
    }
}

#[test]
fn opcm_is_as_large_as_an_adapter_is_on_average() {
    let [a, b, c] = [1, 2, 3].map(|seed| fixture::adapter(seed, 4, &SHAPES[..2 + seed as usize]));
    let size = |all: &Modules| all.values().map(|pair| pair.delta().norm().powi(2)).sum::<f64>().sqrt();
    let merged = merge("opcm", json!({}), &[&a, &b, &c]).modules();
    let mean = [&a, &b, &c].map(|adapter| size(&modules(adapter))).iter().sum::<f64>() / 3.0;
    assert!((size(&merged) / mean - 1.0).abs() < 1e-6);
}
