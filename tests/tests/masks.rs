//! What masks promise at their ends, beyond the laws that any method may obey.

#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

use rankweave_tests::dense::Matrix;
use rankweave_tests::engine::{File, Job, Merged};
use rankweave_tests::fixture::{self, Adapter, SHAPES};
use rankweave_tests::naive::Modules;
use serde_json::{Value, json};

fn job(method: &str, params: Value, adapters: &[&Adapter]) -> Job {
    let file = |(i, adapter): (usize, &&Adapter)| File::new(&format!("{i}"), fixture::bytes(adapter, "F32"), 1.0);
    let mut job = Job::new(method, adapters.iter().enumerate().map(file).collect());
    job.method = json!({"id": method, "params": params});
    job.rank = json!({"mode": "fixed", "value": 64});
    job
}

fn merge(method: &str, params: Value, adapters: &[&Adapter]) -> Merged {
    job(method, params, adapters).run().unwrap_or_else(|errors| panic!("{method}: {}", errors[0]))
}

fn deltas(modules: &Modules) -> Vec<Matrix> {
    modules.values().map(|pair| pair.delta()).collect()
}

fn taus(adapter: &Adapter) -> Vec<Matrix> {
    deltas(&rankweave_tests::naive::modules(&rankweave_tests::tensors::read(&fixture::bytes(adapter, "F32")), None))
}

fn furthest(a: &Merged, b: &[Matrix]) -> f64 {
    let a = deltas(&a.modules());
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a.distance(b)).fold(0.0, f64::max)
}

fn same(a: &Merged, b: &Merged) -> f64 {
    furthest(a, &deltas(&b.modules()))
}

fn detail(merged: &Merged, module: usize, name: &str) -> f64 {
    merged.report.modules[module].details.iter().find(|d| d.name == name).unwrap().value
}

fn three() -> [Adapter; 3] {
    [1, 2, 3].map(|seed| fixture::adapter(seed, 4, &SHAPES))
}

#[test]
fn a_consensus_of_none_is_the_sum_and_its_shares_are_all_entries() {
    let [a, b, c] = three();
    let all = merge("consensus", json!({"k": 0, "factor": 1}), &[&a, &b, &c]);
    assert!(same(&all, &merge("sum", json!({}), &[&a, &b, &c])) < 1e-6);
    let some = merge("consensus", json!({"k": 1, "factor": 1}), &[&a, &b, &c]);
    for m in 0..SHAPES.len() {
        let shares = ["catastrophic", "selfish", "shared"].map(|name| detail(&some, m, name));
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12 && shares.iter().all(|s| *s > 0.0), "{shares:?}");
        assert_eq!(shares, ["catastrophic", "selfish", "shared"].map(|name| detail(&all, m, name)));
    }
}

/// The largest of T entries is at least 1/(T − 1) of the others together.
#[test]
fn of_three_adapters_nothing_is_catastrophic_below_a_factor_of_a_half() {
    let [a, b, c] = three();
    let merged = merge("consensus", json!({"factor": 0.49}), &[&a, &b, &c]);
    assert!((0..SHAPES.len()).all(|m| detail(&merged, m, "catastrophic") == 0.0));
}

#[test]
fn what_no_mask_of_any_adapter_holds_is_the_catastrophic_part() {
    let [a, b, c] = three();
    let kept = deltas(&merge("consensus", json!({"k": 1, "factor": 1}), &[&a, &b, &c]).modules());
    let one = |t: usize| deltas(&merge("tall", json!({"adapter": t, "factor": 1}), &[&a, &b, &c]).modules());
    let each = [one(1), one(2), one(3)];
    for (m, kept) in kept.iter().enumerate() {
        for (at, x) in kept.values.iter().enumerate() {
            let any = each.iter().map(|own| own[m].values[at]).find(|x| x.abs() > 1e-6).unwrap_or(0.0);
            assert!((x - any).abs() < 1e-5, "{x} for {any}");
        }
    }
}

#[test]
fn a_mask_of_an_adapter_that_is_not_there_is_refused() {
    let [a, b, _] = three();
    let errors = job("tall", json!({"adapter": 3}), &[&a, &b]).run().unwrap_err();
    assert!(errors[0].to_string().contains("There is no such adapter"), "{}", errors[0]);
}

#[test]
fn with_all_entries_active_ram_is_the_mean() {
    let [a, b, c] = three();
    let mean = merge("mean", json!({}), &[&a, &b, &c]);
    assert!(same(&merge("ram", json!({"share": 0}), &[&a, &b, &c]), &mean) < 1e-6);
    assert!(same(&merge("ram", json!({"share": 1}), &[&a, &b, &c]), &mean) > 0.1);
}

/// Where nothing overlaps, each adapter's λ is the share of itself that is left: all of it.
#[test]
fn adapters_on_other_rows_keep_their_size_in_emr() {
    let [mut a, mut b, _] = three();
    for (adapter, parity) in [(&mut a, 0), (&mut b, 1)] {
        for module in adapter.iter_mut() {
            let rank = module.pair.up.columns;
            let rows = module.pair.up.values.chunks_exact_mut(rank).enumerate();
            rows.filter(|(row, _)| row % 2 == parity).for_each(|(_, row)| row.fill(0.0));
        }
    }
    let merged = merge("emr", json!({}), &[&a, &b]);
    assert!(same(&merged, &merge("sum", json!({}), &[&a, &b])) < 1e-6);
    assert!((detail(&merged, 0, "rescaled") - 1.0).abs() < 1e-6);
}

#[test]
fn a_mosaic_of_units_has_the_rank_asked_for_and_loses_nothing() {
    let [a, b, c] = three();
    for pick in ["energy", "random"] {
        let mut job = job("mosaic", json!({"pick": pick}), &[&a, &b, &c]);
        job.rank = json!({"mode": "fixed", "value": 3});
        let merged = job.run().unwrap();
        for line in &merged.report.modules {
            assert!(line.rank == 3 && (line.energy - 1.0).abs() < 1e-12, "{line:?}");
        }
        job.rank = json!({"mode": "exact"});
        assert!(job.run().unwrap().report.modules.iter().all(|line| line.rank <= 4));
    }
}

#[test]
fn a_mosaic_of_rows_and_columns_takes_each_from_one_adapter() {
    let [a, b, _] = three();
    let taus = [taus(&a), taus(&b)];
    for (of, across) in [("rows", false), ("columns", true)] {
        let turned = |x: &Matrix| if across { x.transposed() } else { x.clone() };
        let mut counts = [0; 2];
        for (m, merged) in deltas(&merge("mosaic", json!({"of": of}), &[&a, &b]).modules()).iter().enumerate() {
            let merged = turned(merged);
            let parts = [turned(&taus[0][m]), turned(&taus[1][m])];
            for row in 0..merged.rows {
                let range = row * merged.columns..(row + 1) * merged.columns;
                let near = |part: &Matrix| {
                    let both = part.values[range.clone()].iter().zip(&merged.values[range.clone()]);
                    both.map(|(x, y)| (x - y).abs()).fold(0.0, f64::max) < 1e-5
                };
                let whose = parts.iter().position(near);
                counts[whose.unwrap_or_else(|| panic!("{of} {row} of module {m} is nobody's"))] += 1;
            }
        }
        assert!(counts.iter().all(|count| *count > 25), "{of}: {counts:?}");
    }
}

#[test]
fn a_rescaled_mosaic_is_the_sum_on_average_over_seeds() {
    let [a, b, _] = three();
    for of in ["elements", "rows", "units"] {
        let mut job = job("mosaic", json!({"of": of, "rescale": true, "pick": "random", "units": 4}), &[&a, &b]);
        let mut sum: Vec<Matrix> = taus(&a).iter().map(|tau| tau.scaled(0.0)).collect();
        let seeds = 60;
        for seed in 0..seeds {
            job.seed = seed;
            let found = deltas(&job.run().unwrap().modules());
            sum = sum.iter().zip(&found).map(|(sum, x)| sum.plus(1.0 / seeds as f64, x)).collect();
        }
        let wanted = merge("sum", json!({}), &[&a, &b]);
        let distance = furthest(&wanted, &sum);
        // 1/√60 of what a single one is off.
        assert!(distance < 0.3, "{of}: {distance:.2}");
    }
}

#[test]
fn filtering_twice_is_filtering_once_and_takes_the_mean() {
    let [a, ..] = three();
    for cutoff in [0.1, 0.3, 0.5] {
        let once = merge("frequency", json!({"cutoff": cutoff}), &[&a]);
        for ((name, pair), tau) in once.modules().iter().zip(taus(&a)) {
            let (delta, smaller) = (pair.delta(), tau.rows.min(tau.columns));
            let mean: f64 = delta.values.iter().sum();
            let radius = (cutoff * smaller as f64).floor();
            assert!(radius == 0.0 || mean.abs() < 1e-5 * delta.norm(), "{name}: {mean:.1e}");
        }
        let file = File::new("again", once.bytes.clone(), 1.0);
        let mut job = Job::new("frequency", vec![file]);
        job.method = json!({"id": "frequency", "params": {"cutoff": cutoff}});
        job.rank = json!({"mode": "fixed", "value": 64});
        assert!(same(&job.run().unwrap(), &once) < 1e-6);
    }
}

#[test]
fn a_shift_takes_loss_away_and_more_steps_take_more() {
    let [a, b, c] = three();
    let left = |steps: usize| {
        let merged = merge("doge", json!({"steps": steps}), &[&a, &b, &c]);
        let m = merged.report.modules.iter().position(|line| line.out == 24).unwrap();
        println!("{steps} steps: {:.3}", detail(&merged, m, "loss-left"));
        detail(&merged, m, "loss-left")
    };
    let [none, few, more] = [0, 2, 20].map(left);
    assert!((none - 1.0).abs() < 1e-12 && few < 0.5 && more < 0.5 * few, "{none} {few} {more}");
}

#[test]
fn of_copies_a_shift_leaves_what_one_of_them_is() {
    let [a, ..] = three();
    // What is shared by the copies is all they have, so that without this the shift could not be.
    let merged = merge("doge", json!({"subspace": 0}), &[&a, &a]);
    assert!(furthest(&merged, &taus(&a)) < 1e-5);
}
