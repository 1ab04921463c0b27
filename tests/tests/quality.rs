//! What the automatic choice is worth on a small trained model, and what it does with adapters of other sorts.

#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

use rankweave_tests::dense::Matrix;
use rankweave_tests::engine::{File, Job};
use rankweave_tests::fixture::{self, SHAPES};
use rankweave_tests::quality::Set;
use rankweave_tests::shared;
use serde_json::json;

#[test]
fn the_automatic_choice_is_as_good_as_the_best_scale_of_task_arithmetic() {
    let Some(folder) = shared::path("quality/setA") else { return };
    let set = Set::open(&folder).unwrap();
    let score = |method, rank| set.merge(&method, &rank).unwrap();
    let (auto, merged) = score(json!({"id": "auto"}), json!({"mode": "exact"}));
    assert!(auto.mean() >= 0.930, "{auto:?}");
    assert!(auto.worst() >= 0.874, "{auto:?}");
    assert!(merged.report.remarks[0].message.starts_with("TSV-M"), "{:?}", merged.report.remarks);
    let (small, _) = score(json!({"id": "auto"}), json!({"mode": "fixed", "value": 8}));
    assert!(small.mean() >= 0.92, "{small:?}");
    // What the set's own notes say of it.
    let (sum, _) = score(json!({"id": "sum", "params": {"lambda": 0.3}}), json!({"mode": "exact"}));
    assert!((sum.mean() - 0.930).abs() < 1e-3, "{sum:?}");
    let base = set.score_of(|_| None);
    assert!((base.mean() - 0.87).abs() < 1e-2, "{base:?}");
}

fn remark(files: Vec<File>) -> String {
    Job::new("auto", files).run().unwrap().report.remarks.swap_remove(0).message
}

#[test]
fn it_says_what_it_chose_and_why() {
    let made = |seed: u64| fixture::adapter(seed, 4, &SHAPES);
    let file = |adapter: &fixture::Adapter, weight: f64| File::new("x", fixture::bytes(adapter, "F32"), weight);
    assert!(remark(vec![file(&made(1), 1.0)]).starts_with("Sum: there is one"));
    assert!(remark(vec![file(&made(1), 1.0), file(&made(2), -0.5)]).starts_with("Sum: a weight is negative"));
    assert!(remark(vec![file(&made(1), 1.0), file(&made(1), 0.8)]).starts_with("Mean: "));
    assert!(remark(vec![file(&made(1), 1.0), file(&made(2), 1.0)]).starts_with("TSV-M"));
    // Rows of one orthonormal basis, no two adapters the same ones.
    let orthogonal = |first: usize| {
        let mut adapter = fixture::adapter(first as u64, 2, &SHAPES[..2]);
        for module in &mut adapter {
            let columns = module.pair.down.columns;
            module.pair.down = Matrix::zero(2, columns);
            (0..2).for_each(|r| module.pair.down.values[r * columns + first + r] = 1.0);
        }
        adapter
    };
    assert!(
        remark(vec![file(&orthogonal(0), 1.0), file(&orthogonal(2), 1.0)]).starts_with("Sum: these are orthogonal")
    );
    assert!(remark(vec![file(&orthogonal(0), 1.0), file(&orthogonal(1), 1.0)]).starts_with("TSV-M"));
}
