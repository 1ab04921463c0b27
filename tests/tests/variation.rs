//! Chance that is the seed's, and coefficients that are brought along, unit by unit.

#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

use rankweave_tests::dense::Matrix;
use rankweave_tests::engine::{File, Job};
use rankweave_tests::fixture::{self, Adapter, SHAPES};
use serde_json::{Value, json};

fn two() -> [Adapter; 2] {
    [fixture::adapter(1, 3, &SHAPES[..2]), fixture::adapter(2, 4, &SHAPES[..2])]
}

fn job(method: &str, params: &Value) -> Job {
    let [a, b] = two().map(|adapter| fixture::bytes(&adapter, "F32"));
    let mut job = Job::new(method, vec![File::new("face", a, 1.0), File::new("style", b, 0.5)]);
    job.method = json!({"id": method, "params": params});
    job
}

/// Every module's delta, in one row.
fn flat(job: &Job) -> Matrix {
    let modules = job.run().unwrap_or_else(|errors| panic!("{}", errors[0])).modules();
    let values: Vec<f64> = modules.values().flat_map(|pair| pair.delta().values).collect();
    Matrix::new(1, values.len(), values)
}

#[test]
fn another_seed_is_another_child() {
    for method in ["crossover", "mutate"] {
        let mut job = job(method, &json!({}));
        let [first, second, again] = [1, 2, 1].map(|seed| {
            job.seed = seed;
            flat(&job)
        });
        assert_eq!(first, again, "{method}");
        let distance = second.distance(&first);
        assert!((1e-3..0.5).contains(&distance), "{method}: {distance}");
    }
}

#[test]
fn a_crossover_has_the_same_weights_in_all_modules_and_they_spread_as_asked() {
    let mut omegas = Vec::new();
    for seed in 0..200 {
        let mut job = job("crossover", &json!({"spread": 0.1}));
        job.seed = seed;
        let report = job.run().unwrap().report;
        let of = |m: usize| report.modules[m].details[0].value;
        assert_eq!(of(0), of(1));
        // ω₁/(ω₁ + ω₂) of small spreads is 1/2 + (ε₁ − ε₂)/4.
        omegas.push(of(0) - 0.5);
    }
    let deviation = (omegas.iter().map(|x| x * x).sum::<f64>() / 200.0).sqrt();
    assert!((deviation - 0.1 * 2f64.sqrt() / 4.0).abs() < 0.006, "{deviation}");
}

#[test]
fn lists_weigh_units_in_both_orders() {
    let adapters = two();
    for singular in [false, true] {
        let lists: [&[f64]; 2] = [&[1.0, -2.0, 0.5], &[0.0, 1.0, 3.0, 0.25]];
        let units = if singular { "singular" } else { "stored" };
        let given = json!({"units": units, "coefficients": {"face": lists[0], "2": {"*attn1*": lists[1], "*": 0.5}}});
        let found = job("coefficients", &given).run().unwrap().modules();
        for (at, (name, pair)) in found.iter().enumerate() {
            let attn = name.contains("attn1");
            let mut wanted = pair.delta().scaled(0.0);
            for (i, weight) in [(0, 1.0), (1, 0.5)] {
                let own = &adapters[i].iter().find(|module| module.name.contains("attn1") == attn).unwrap().pair;
                let part = if i == 1 && !attn {
                    own.delta().scaled(0.5)
                } else if singular {
                    let mut sum = own.delta().scaled(0.0);
                    for ((_, us, v), lambda) in own.delta().svd().iter().zip(lists[i]) {
                        let row = Matrix::new(1, v.len(), v.clone());
                        sum = sum.plus(*lambda, &Matrix::new(us.len(), 1, us.clone()).times(&row));
                    }
                    sum
                } else {
                    let mut up = own.up.clone();
                    up.values.iter_mut().enumerate().for_each(|(at, x)| *x *= lists[i][at % lists[i].len()]);
                    up.times(&own.down).scaled(own.scale)
                };
                wanted = wanted.plus(weight, &part);
            }
            let distance = pair.delta().distance(&wanted);
            assert!(distance < 1e-6, "{units}, module {at}: {distance:.1e}");
        }
    }
}

#[test]
fn coefficients_that_do_not_fit_are_named() {
    for (given, place) in [
        (json!({"face": [1, 2]}), "3 numbers"),
        (json!({"face": {"*attn7*": 1}}), "*attn7*"),
        (json!({"nobody": 1}), "nobody"),
        (json!({"face": {"*": "loud"}}), "face → *"),
        (json!("{"), "coefficients"),
    ] {
        let errors = job("coefficients", &json!({"coefficients": given})).run().unwrap_err();
        let lines = errors[0].lines().join("\n");
        assert!(lines.contains(place), "{given}: {lines}");
    }
}
