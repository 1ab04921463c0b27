//! DOGE: conjugate gradients on the loss over whole matrices.

use super::{Module, Problem, Twin, beside, leading, svd, ties};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin {
    id: "doge",
    params: &[
        "{}",
        r#"{"eta": 0.6, "steps": 3}"#,
        r#"{"steps": 0}"#,
        r#"{"subspace": 0, "steps": 6}"#,
        r#"{"density": 0.4, "subspace": 3, "steps": 5}"#,
        r#"{"density": 0.5, "scope": "file", "steps": 4}"#,
    ],
    merge,
};

/// ½ of the gradient of the loss at Δ, outside of the shared directions `u`.
fn gradient(taus: &[Matrix], lambdas: &[f64], delta: &Matrix, u: &Matrix) -> Matrix {
    let columns = delta.columns;
    let strength: f64 = lambdas.iter().sum();
    let merged = taus.iter().zip(lambdas).fold(delta.scaled(strength), |sum, (tau, l)| sum.plus(*l, tau));
    let mut gradient = Matrix::zero(delta.rows, columns);
    for tau in taus {
        for row in 0..delta.rows {
            let range = row * columns..(row + 1) * columns;
            let own = &tau.values[range.clone()];
            let off: f64 = own.iter().zip(&merged.values[range.clone()]).map(|(t, m)| t * (t - m)).sum();
            gradient.values[range].iter_mut().zip(own).for_each(|(g, t)| *g -= strength * off * t);
        }
    }
    gradient.plus(-1.0, &u.times(&u.transposed().times(&gradient)))
}

fn shifted(taus: &[Matrix], lambdas: &[f64], u: &Matrix, steps: usize) -> Matrix {
    let mut delta = taus[0].scaled(0.0);
    let mut slope = gradient(taus, lambdas, &delta, u);
    let flat = slope.inner(&slope) * 1e-20;
    let mut direction = slope.scaled(-1.0);
    for _ in 0..steps {
        if slope.inner(&slope) <= flat {
            break;
        }
        // The gradient is linear: its change along the direction is the curvature there.
        let bent = gradient(taus, lambdas, &delta.plus(1.0, &direction), u).plus(-1.0, &slope);
        let step = slope.inner(&slope) / direction.inner(&bent);
        delta = delta.plus(step, &direction);
        let next = gradient(taus, lambdas, &delta, u);
        let turn = next.inner(&next) / slope.inner(&slope);
        direction = next.scaled(-1.0).plus(turn, &direction);
        slope = next;
    }
    delta
}

fn merge(problem: &Problem) -> Vec<Matrix> {
    let density = problem.number("density", 1.0);
    problem.each(|module| {
        let taus = module.taus();
        let norms: Vec<f64> = taus.iter().map(|tau| tau.norm()).collect();
        let mean = norms.iter().sum::<f64>() / norms.len() as f64;
        let lambdas: Vec<f64> = norms.iter().map(|norm| problem.number("eta", 1.0) * mean / norm).collect();
        let own: Vec<Matrix> = taus.iter().map(|tau| svd(tau, 1e-6).0).collect();
        let (u, sigma, _) = svd(&beside(&own), 1e-6);
        let ranks: usize = own.iter().map(|u| u.columns).sum();
        let count = match problem.number("subspace", 6.0) as usize {
            0 => 0,
            n => {
                let last = sigma.get(ranks.div_ceil(n) - 1).copied().unwrap_or(0.0);
                sigma.iter().filter(|s| **s >= last * (1.0 - 1e-6)).count()
            }
        };
        let delta = shifted(&taus, &lambdas, &leading(&u, count), problem.number("steps", 10.0) as usize);
        let mut merged = delta.scaled(0.0);
        for ((part, tau), lambda) in module.parts.iter().zip(&taus).zip(&lambdas) {
            let whole = problem.choice("scope", "module") == "file";
            let scope: Vec<&Module> = if whole { problem.modules.iter().collect() } else { vec![module] };
            let parts = scope.iter().flat_map(|m| &m.parts).filter(|other| other.adapter == part.adapter);
            let least = ties::least(parts.flat_map(|part| part.pair.delta().values).collect(), density);
            let kept = |(x, (tau, delta)): (f64, (&f64, &f64))| {
                if density < 1.0 && x.abs() < least { 0.0 } else { tau + delta }
            };
            let both = tau.values.iter().zip(&delta.values);
            let values = part.pair.delta().values.into_iter().zip(both).map(kept).collect();
            merged = merged.plus(*lambda, &Matrix::new(tau.rows, tau.columns, values));
        }
        merged
    })
}
