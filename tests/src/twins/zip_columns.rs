//! Column-wise coefficients from the columns of dense deltas.

use super::{Problem, Twin};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin {
    id: "zip-columns",
    params: &["{}", r#"{"rule": "stronger"}"#, r#"{"rule": "stronger", "limit": 0.1}"#],
    merge,
};

fn merge(problem: &Problem) -> Vec<Matrix> {
    let limit = problem.number("limit", 0.5);
    problem.each(|module| {
        let taus = module.taus();
        let (rows, columns) = (taus[0].rows, taus[0].columns);
        let column = |tau: &Matrix, j: usize| -> Vec<f64> { (0..rows).map(|i| tau.values[i * columns + j]).collect() };
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
        let mut merged = Matrix::zero(rows, columns);
        for j in 0..columns {
            let all: Vec<Vec<f64>> = taus.iter().map(|tau| column(tau, j)).collect();
            for (i, own) in all.iter().enumerate() {
                let cosine = |other: &[f64]| dot(own, other) / (dot(own, own) * dot(other, other)).sqrt().max(1e-300);
                let others = all.iter().enumerate().filter(|(k, _)| *k != i);
                let by = if problem.choice("rule", "share") == "share" {
                    1.0 / (1.0 + others.map(|(_, other)| cosine(other).max(0.0)).sum::<f64>())
                } else {
                    let longer = |k: usize, other: &[f64]| {
                        let ratio = dot(other, other) / dot(own, own);
                        ratio > 1.0 + 1e-9 || ((ratio - 1.0).abs() <= 1e-9 && k < i)
                    };
                    let mut beaten = others.filter(|(k, other)| cosine(other) >= limit - 1e-9 && longer(*k, other));
                    if beaten.next().is_some() { 0.0 } else { 1.0 }
                };
                (0..rows).for_each(|row| merged.values[row * columns + j] += by * own[row]);
            }
        }
        merged
    })
}
