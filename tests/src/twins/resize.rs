//! Resize: the first singular triples, as many as a rule says.

use super::{Problem, Twin, assembled, svd};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin {
    id: "resize",
    params: &[
        "{}",
        r#"{"rule": "energy", "value": 0.8}"#,
        r#"{"rule": "fro", "value": 0.8}"#,
        r#"{"rule": "cumulative", "value": 0.5}"#,
        r#"{"rule": "ratio", "value": 2.5}"#,
        r#"{"rule": "rank", "value": 3}"#,
        r#"{"rule": "ratio", "value": 1}"#,
        r#"{"rule": "energy", "value": 0}"#,
    ],
    merge,
};

fn merge(problem: &Problem) -> Vec<Matrix> {
    let (rule, value) = (problem.choice("rule", "energy"), problem.number("value", 1.0));
    problem.each(|module| {
        let (u, sigma, v) = svd(&module.sum(), 1e-6);
        // The first k whose head of the sum reaches the target.
        let first = |power: i32, target: f64| {
            let whole: f64 = sigma.iter().map(|s| s.powi(power)).sum();
            let head = |k: usize| sigma[..k].iter().map(|s| s.powi(power)).sum::<f64>() / whole;
            (1..=sigma.len()).find(|k| head(*k) >= target - 1e-12).unwrap_or(sigma.len())
        };
        let k = match rule {
            "energy" if value == 1.0 => sigma.len(),
            "energy" => first(2, value),
            "fro" => first(2, value.powi(2)),
            "cumulative" => first(1, value),
            "ratio" => sigma.iter().filter(|s| **s > sigma[0] / value).count(),
            _ => value as usize,
        };
        let kept: Vec<f64> = sigma.iter().enumerate().map(|(l, s)| if l < k.max(1) { *s } else { 0.0 }).collect();
        assembled(&u, &kept, &v)
    })
}
