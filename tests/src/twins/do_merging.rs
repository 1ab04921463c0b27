//! DO-Merging, on the columns of dense deltas; orthogonalisation by gradient descent on the factors themselves.

use super::{Problem, Twin, beside};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin {
    id: "do-merging",
    params: &[
        "{}",
        r#"{"convention": "mean-sum"}"#,
        r#"{"orthogonalise": true}"#,
        r#"{"orthogonalise": true, "gamma": 0.1}"#,
    ],
    merge,
};

/// Factors (vectors in columns) after 30 steps down Σ‖X̂ᵢᵀX̂_k‖² + γ·Σ‖X̂ᵢ − Xᵢ‖², in units of the stack's norm.
fn apart(factors: &[Matrix], gamma: f64) -> Vec<Matrix> {
    let size = beside(factors).svd().first().map_or(0.0, |t| t.0);
    if size == 0.0 {
        return factors.to_vec();
    }
    let start: Vec<Matrix> = factors.iter().map(|x| x.scaled(1.0 / size)).collect();
    let mut now = start.clone();
    for _ in 0..30 {
        let slope = |i: usize| {
            let mut slope = now[i].plus(-1.0, &start[i]).scaled(2.0 * gamma);
            for (_, other) in now.iter().enumerate().filter(|(k, _)| *k != i) {
                slope = slope.plus(4.0, &other.times(&other.transposed().times(&now[i])));
            }
            slope
        };
        now = (0..now.len()).map(|i| now[i].plus(-1.0 / (12.0 + 2.0 * gamma), &slope(i))).collect();
    }
    now.iter().map(|x| x.scaled(size)).collect()
}

fn merge(problem: &Problem) -> Vec<Matrix> {
    problem.each(|module| {
        let mut taus = module.taus();
        if problem.flag("orthogonalise", false) {
            let gamma = problem.number("gamma", 1.0);
            let ups: Vec<Matrix> = module.parts.iter().map(|part| part.pair.up.clone()).collect();
            let downs: Vec<Matrix> = module.parts.iter().map(|part| part.pair.down.transposed()).collect();
            let factor = |i: usize| module.parts[i].weight * module.parts[i].pair.scale;
            let moved = apart(&ups, gamma).into_iter().zip(apart(&downs, gamma)).enumerate();
            taus = moved.map(|(i, (up, down))| up.times(&down.transposed()).scaled(factor(i))).collect();
        }
        let count = taus.len() as f64;
        let (rows, columns) = (taus[0].rows, taus[0].columns);
        let length =
            |tau: &Matrix, j: usize| (0..rows).map(|i| tau.values[i * columns + j].powi(2)).sum::<f64>().sqrt();
        let mut merged = Matrix::zero(rows, columns);
        for j in 0..columns {
            let total: f64 = taus.iter().map(|tau| length(tau, j)).sum();
            for tau in &taus {
                let largest = (0..columns).map(|j| length(tau, j)).fold(0.0, f64::max);
                if length(tau, j) > 1e-6 * largest {
                    for i in 0..rows {
                        merged.values[i * columns + j] += total * tau.values[i * columns + j] / length(tau, j);
                    }
                }
            }
        }
        let power = if problem.choice("convention", "mean-mean") == "mean-mean" { 2 } else { 1 };
        merged.scaled(1.0 / count.powi(power))
    })
}
