//! How large a result is made: the parameters that every method has, against norms of dense deltas.

#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

use rankweave_tests::dense::Matrix;
use rankweave_tests::engine::{File, Job};
use rankweave_tests::fixture::{self, SHAPES};
use rankweave_tests::naive::{self, Modules};
use serde_json::{Value, json};

const WEIGHTS: [f64; 3] = [0.7, -0.4, 1.6];

fn files() -> Vec<File> {
    let shapes = [&SHAPES[..], &SHAPES[1..], &SHAPES[..4]];
    let made = |i: usize| fixture::bytes(&fixture::adapter(i as u64, [4, 8, 3][i], shapes[i]), "F32");
    (0..3).map(|i| File::new(&format!("{i}"), made(i), WEIGHTS[i])).collect()
}

fn run(method: &str, params: Value) -> Modules {
    let mut job = Job::new(method, files());
    job.method = json!({"id": method, "params": params});
    job.run().unwrap_or_else(|errors| panic!("{method}: {}", errors[0])).modules()
}

fn squares(modules: &Modules) -> f64 {
    modules.values().map(|pair| pair.delta().norm().powi(2)).sum()
}

#[test]
fn a_norm_is_matched_over_the_file_or_module_by_module() {
    let inputs: Vec<Modules> =
        files().iter().map(|f| naive::modules(&rankweave_tests::tensors::read(&f.bytes), None)).collect();
    // wᵢ·ΔWᵢ of the adapters that have the module.
    let taus = |name: &str| -> Vec<Matrix> {
        let tau = |(i, weight): (usize, f64)| Some(inputs[i].get(name)?.delta().scaled(weight));
        WEIGHTS.into_iter().enumerate().filter_map(tau).collect()
    };
    for method in ["sum", "tsv", "concat"] {
        let plain = run(method, json!({}));
        for (scale, lambda) in [("mean", 1.0), ("rss", 0.5), ("sum", -2.0), ("cap", 1.0)] {
            let target = |sizes: &[f64], sum: f64, own: f64, count: usize| match scale {
                "mean" => sizes.iter().sum::<f64>() / count as f64,
                "rss" => sizes.iter().map(|s| s * s).sum::<f64>().sqrt(),
                "sum" => sum,
                _ => sizes.iter().copied().fold(0.0, f64::max).min(own),
            };
            let of_file = {
                let weighed = inputs.iter().zip(WEIGHTS);
                let sizes: Vec<f64> = weighed.map(|(m, w)| squares(m).sqrt() * w.abs()).collect();
                let sum: f64 = plain
                    .keys()
                    .map(|name| taus(name).into_iter().reduce(|a, b| a.plus(1.0, &b)).unwrap().norm().powi(2))
                    .sum();
                let own = squares(&plain).sqrt();
                lambda * target(&sizes, sum.sqrt(), own, 3) / own
            };
            let file = run(method, json!({"scale": scale, "lambda": lambda}));
            let module = run(method, json!({"scale": scale, "over": "module", "lambda": lambda.to_string()}));
            for (name, pair) in &plain {
                let wanted = pair.delta().scaled(of_file);
                let error = file[name].delta().distance(&wanted);
                assert!(error < 2e-6, "{method} {scale} over the file, {name}: {error:.1e}");
                let taus = taus(name);
                let sizes: Vec<f64> = taus.iter().map(Matrix::norm).collect();
                let sum = taus.into_iter().reduce(|a, b| a.plus(1.0, &b)).unwrap().norm();
                let own = pair.delta().norm();
                let wanted = pair.delta().scaled(lambda * target(&sizes, sum, own, sizes.len()) / own);
                let error = module[name].delta().distance(&wanted);
                assert!(error < 2e-6, "{method} {scale} by module, {name}: {error:.1e}");
            }
        }
    }
}

#[test]
fn nothing_is_not_made_larger() {
    let mut files = files();
    files.truncate(1);
    files.push(File { weight: -0.7, ..files[0].clone() });
    let mut job = Job::new("sum", files);
    job.method = json!({"id": "sum", "params": {"scale": "mean"}});
    let merged = job.run().unwrap();
    assert!(merged.modules().values().all(|pair| pair.delta().norm() < 1e-6));
}
