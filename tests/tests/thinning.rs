//! Methods that drop entries, by chance or by size: what their masks are, and what their results are on average.

#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

use rankweave_adapter::Kind as ErrorKind;
use rankweave_tests::dense::Matrix;
use rankweave_tests::engine::{File, Job, Merged};
use rankweave_tests::fixture::{self, Adapter, SHAPES};
use serde_json::{Value, json};

fn job(method: &str, params: &Value, adapters: &[&Adapter]) -> Job {
    let file = |(i, adapter): (usize, &&Adapter)| File::new(&format!("{i}"), fixture::bytes(adapter, "F32"), 1.0);
    let mut job = Job::new(method, adapters.iter().enumerate().map(file).collect());
    job.method = json!({"id": method, "params": params});
    // More than any of the modules has.
    job.rank = json!({"mode": "fixed", "value": 64});
    job.seed = 1;
    job
}

fn run(job: &Job) -> Merged {
    job.run().unwrap_or_else(|errors| panic!("{}", errors[0]))
}

/// The delta of the only module.
fn one(job: &Job) -> Matrix {
    let modules = run(job).modules();
    assert_eq!(modules.len(), 1);
    modules.into_values().next().unwrap().delta()
}

/// Of rank 4 in the first module alone.
fn small(seed: u64) -> Adapter {
    fixture::adapter(seed, 4, &SHAPES[..1])
}

fn share_kept(merged: &Matrix, whole: &Matrix) -> f64 {
    // What is dropped comes back as rounding of the SVD.
    let kept = merged.values.iter().zip(&whole.values).filter(|(m, x)| m.abs() > 0.01 * x.abs()).count();
    kept as f64 / whole.values.len() as f64
}

#[test]
fn a_mask_is_the_modules_own() {
    for (method, params) in [("dare", json!({"drop": 0.5})), ("della", json!({"density": 0.5}))] {
        let all = fixture::adapter(3, 4, &SHAPES);
        let of = |adapter: &Adapter| run(&job(method, &params, &[adapter])).modules();
        let (whole, turned) = (of(&all), of(&all.iter().rev().cloned().collect()));
        for module in &all {
            let alone = of(&vec![module.clone()]);
            let (name, pair) = alone.iter().next().unwrap();
            assert_eq!(pair.delta(), whole[name].delta(), "{method}: {name} with other modules");
            assert_eq!(pair.delta(), turned[name].delta(), "{method}: {name} in another order");
        }
    }
}

#[test]
fn chance_leaves_the_share_that_it_should() {
    let adapter = small(1);
    let whole = adapter[0].pair.delta();
    let n = whole.values.len() as f64;
    for stays in [0.9, 0.6, 0.2] {
        let dare = json!({"drop": 1.0 - stays, "rescale": "none"});
        let della = json!({"density": stays, "epsilon": 0.1, "rescale": "none", "elect": "none"});
        for (method, params) in [("dare", dare), ("della", della)] {
            let merged = one(&job(method, &params, &[&adapter]));
            let away = (share_kept(&merged, &whole) - stays) / (stays * (1.0 - stays) / n).sqrt();
            assert!(away.abs() < 4.0, "{method} at {stays}: {away:.1} deviations away");
        }
    }
}

#[test]
fn masks_of_copies_and_of_seeds_are_independent_and_their_mean_is_the_sum() {
    // Of many seeds the mean is Σ wᵢ·ΔWᵢ but for noise of energy Σ wᵢ²x²·(1 − p)/p over how many they are, p being how
    // likely an entry stays. Two copies under one mask would have twice that, seeds that share words more.
    let adapter = small(2);
    let whole = adapter[0].pair.delta();
    let seeds = 60;
    let dare = json!({"drop": 0.5});
    let della = json!({"density": 0.6, "epsilon": 0.3, "elect": "none"});
    for (method, params) in [("dare", dare), ("della", della)] {
        let mut job = job(method, &params, &[&adapter, &adapter]);
        let mut mean = Matrix::zero(whole.rows, whole.columns);
        for seed in 0..seeds {
            job.seed = seed;
            mean = mean.plus(1.0 / seeds as f64, &one(&job));
        }
        let mut noise = 0.0;
        for row in whole.values.chunks_exact(whole.columns) {
            let mut sizes: Vec<f64> = row.iter().map(|x| x.abs()).collect();
            sizes.sort_by(f64::total_cmp);
            for (rank, x) in sizes.iter().enumerate() {
                let stays = if method == "dare" { 0.5 } else { 0.3 + 0.6 * rank as f64 / (sizes.len() - 1) as f64 };
                noise += 2.0 * x * x * (1.0 - stays) / stays / seeds as f64;
            }
        }
        let ratio = mean.plus(-2.0, &whole).norm().powi(2) / noise;
        assert!((0.75..1.25).contains(&ratio), "{method}: {ratio:.2} of the noise that there should be");
    }
}

#[test]
fn large_entries_stay_more_often_in_della() {
    let adapter = small(4);
    let whole = adapter[0].pair.delta();
    let mut kept = [0.0; 2];
    let seeds = 20;
    for seed in 0..seeds {
        let mut job = job("della", &json!({"density": 0.5, "epsilon": 0.4, "rescale": "none"}), &[&adapter]);
        job.seed = seed;
        let merged = one(&job);
        for (row, merged) in whole.values.chunks_exact(whole.columns).zip(merged.values.chunks_exact(whole.columns)) {
            let mut order: Vec<usize> = (0..row.len()).collect();
            order.sort_by(|a, b| row[*a].abs().total_cmp(&row[*b].abs()));
            for (rank, at) in order.into_iter().enumerate() {
                kept[2 * rank / row.len()] += f64::from(u8::from(merged[at].abs() > 0.01 * row[at].abs()));
            }
        }
    }
    // The lower half stays with 0.1 to 0.5, the upper with 0.5 to 0.9.
    let half = (seeds * whole.values.len() as u64) as f64 / 2.0;
    let found = kept.map(|kept| kept / half);
    let steps = whole.columns as f64 - 1.0;
    let middle = |from: f64| 0.1 + 0.8 * (from + (whole.columns as f64 / 2.0 - 1.0) / 2.0) / steps;
    for (found, wanted) in found.iter().zip([middle(0.0), middle(whole.columns as f64 / 2.0)]) {
        assert!((found - wanted).abs() < 4.0 * 0.5 / half.sqrt(), "{found} for {wanted}");
    }
}

#[test]
fn sizes_that_are_matched_add_up_to_the_same() {
    let adapter = small(5);
    let size = |x: &Matrix| x.values.iter().map(|x| x.abs()).sum::<f64>();
    let dare = json!({"drop": 0.7, "rescale": "l1"});
    let della = json!({"density": 0.3, "rescale": "l1", "elect": "none"});
    for (method, params) in [("dare", dare), ("della", della)] {
        let ratio = size(&one(&job(method, &params, &[&adapter]))) / size(&adapter[0].pair.delta());
        assert!((ratio - 1.0).abs() < 1e-5, "{method}: {ratio}");
    }
}

#[test]
fn breadcrumbs_of_nothing_at_the_top_is_pruning() {
    let (a, b) = (small(6), small(7));
    let pruned = one(&job("magnitude-prune", &json!({"density": 0.3}), &[&a, &b]));
    // 480 entries: the second cuts less than one.
    for gamma in [0.0, 0.002] {
        let crumbs = one(&job("breadcrumbs", &json!({"density": 0.3, "gamma": gamma}), &[&a, &b]));
        assert!(crumbs.distance(&pruned) < 1e-6, "γ = {gamma}");
    }
    let cut = one(&job("breadcrumbs", &json!({"density": 0.3, "gamma": 0.003}), &[&a, &b]));
    assert!(cut.distance(&pruned) > 0.01, "one entry of each is cut");
}

#[test]
fn entries_of_one_size_are_not_all_cut() {
    let mut a = small(8);
    a[0].pair.up.values.iter_mut().enumerate().for_each(|(i, x)| *x = if i % 4 == 0 { 1.0 } else { 0.0 });
    a[0].pair.down.values.iter_mut().enumerate().for_each(|(i, x)| *x = if i % 3 == 0 { 0.5 } else { -0.5 });
    let whole = a[0].pair.delta();
    for params in [json!({"gamma": 0.1}), json!({"gamma": 0.1, "density": 0.5})] {
        assert!(one(&job("breadcrumbs", &params, &[&a])).distance(&whole) < 1e-6);
    }
    assert!(one(&job("magnitude-prune", &json!({}), &[&a])).distance(&whole) < 1e-6);
    // Of a row exactly as many stay as were asked for, the earlier ones.
    let rows = one(&job("magnitude-prune", &json!({"scope": "row", "density": 0.25}), &[&a]));
    for (row, whole) in rows.values.chunks_exact(whole.columns).zip(whole.values.chunks_exact(whole.columns)) {
        assert!(row[..5].iter().zip(whole).all(|(m, x)| (m - x).abs() < 1e-5), "{row:?}");
        assert!(row[5..].iter().all(|m| m.abs() < 1e-5), "{row:?}");
    }
}

#[test]
fn one_adapter_or_two_that_are_the_same_have_no_variance_to_select_by() {
    let a = small(9);
    for adapters in [vec![&a], vec![&a, &a]] {
        let merged = one(&job("sce", &json!({"select": 0.1}), &adapters));
        assert!(merged.distance(&a[0].pair.delta()) < 1e-6);
    }
}

#[test]
fn positions_without_a_variance_are_not_counted() {
    // The lower half of the rows is the same in both.
    let (mut a, b) = (small(14), small(15));
    a[0].pair.down = b[0].pair.down.clone();
    let half = a[0].pair.up.values.len() / 2;
    a[0].pair.up.values[half..].copy_from_slice(&b[0].pair.up.values[half..]);
    let merged = one(&job("sce", &json!({"select": 0.5}), &[&a, &b]));
    let kept = merged.values.iter().filter(|x| x.abs() > 1e-5).count();
    assert!(kept.abs_diff(merged.values.len() / 4) <= 2, "{kept} of {}", merged.values.len());
}

#[test]
fn merging_on_factors_is_said_and_wants_equal_ranks() {
    let (a, b, other) = (small(10), small(11), fixture::adapter(12, 5, &SHAPES[..1]));
    for method in ["ties", "magnitude-prune", "dare", "dare-ties"] {
        let params = json!({"space": "factors"});
        let merged = run(&job(method, &params, &[&a, &b]));
        assert_eq!(merged.report.remarks.iter().filter(|w| w.code == "on-factors").count(), 1, "{method}");
        assert!(merged.modules().values().all(|pair| pair.down.rows <= 4), "{method}: the rank is the adapters'");
        let there = run(&job(method, &json!({}), &[&a, &b])).report.remarks;
        assert!(there.iter().all(|w| w.code != "on-factors"), "{method}");
        let errors = job(method, &params, &[&a, &other]).run().unwrap_err();
        assert_eq!(errors[0].kind, ErrorKind::Mismatch, "{method}");
        assert!(errors[0].found.as_ref().unwrap().contains("5 of 1"), "{method}: {}", errors[0]);
        // All entries of one adapter are its factors.
        let neutral = if method.starts_with("dare") { json!({"drop": 0}) } else { json!({"density": 1}) };
        let mut params = neutral;
        params["space"] = json!("factors");
        let mut negative = job(method, &params, &[&a]);
        negative.files[0].weight = -0.7;
        assert!(one(&negative).distance(&a[0].pair.delta().scaled(-0.7)) < 1e-6, "{method}");
    }
}

#[test]
fn up_and_down_have_masks_of_their_own() {
    // With up = I and down = I the product is diagonal: an entry stays where both masks keep it, a quarter at p = 1/2, and
    // half if they were one mask.
    let name = "lora_unet_mid_block_attentions_0_proj_in";
    let mut a = fixture::adapter(13, 64, &[(name, 64, 64, &[])]);
    let eye = Matrix::new(64, 64, (0..64 * 64).map(|i| f64::from(u8::from(i / 64 == i % 64))).collect());
    (a[0].pair.up, a[0].pair.down) = (eye.clone(), eye);
    let mut kept = 0;
    for seed in 0..10 {
        let mut job = job("dare", &json!({"space": "factors", "drop": 0.5, "rescale": "none"}), &[&a]);
        job.seed = seed;
        kept += one(&job).values.iter().filter(|x| **x > 0.5).count();
    }
    let away = (kept as f64 / 640.0 - 0.25) / (0.25f64 * 0.75 / 640.0).sqrt();
    assert!(away.abs() < 4.0, "{kept} of 640");
}
