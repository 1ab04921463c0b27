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

/// Each row times a number.
fn rows_times(x: &Matrix, by: &[f64]) -> Matrix {
    let rows = x.values.chunks_exact(x.columns.max(1)).zip(by);
    Matrix::new(x.rows, x.columns, rows.flat_map(|(row, by)| row.iter().map(move |x| by * x)).collect())
}

/// ½ of the gradient of the loss by Z at Δ = D·Z, outside of `v`.
fn gradient(taus: &[Matrix], lambdas: &[f64], z: &Matrix, (d, v): (&[f64], &Matrix)) -> Matrix {
    let columns = z.columns;
    let strength: f64 = lambdas.iter().sum();
    let delta = rows_times(z, d);
    let merged = taus.iter().zip(lambdas).fold(delta.scaled(strength), |sum, (tau, l)| sum.plus(*l, tau));
    let mut gradient = Matrix::zero(z.rows, columns);
    for tau in taus {
        for row in 0..z.rows {
            let range = row * columns..(row + 1) * columns;
            let own = &tau.values[range.clone()];
            let off: f64 = own.iter().zip(&merged.values[range.clone()]).map(|(t, m)| t * (t - m)).sum();
            gradient.values[range].iter_mut().zip(own).for_each(|(g, t)| *g -= strength * off * t);
        }
    }
    let gradient = rows_times(&gradient, d);
    gradient.plus(-1.0, &v.times(&v.transposed().times(&gradient)))
}

fn shifted(taus: &[Matrix], lambdas: &[f64], u: &Matrix, steps: usize) -> Matrix {
    let size = |row: usize| -> f64 {
        let own =
            |tau: &Matrix| tau.values[row * tau.columns..(row + 1) * tau.columns].iter().map(|x| x * x).sum::<f64>();
        taus.iter().map(own).sum()
    };
    let rows = taus[0].rows;
    let mean = (0..rows).map(size).sum::<f64>() / rows as f64;
    let d: Vec<f64> = (0..rows).map(|row| 1.0 / (size(row) + 1e-6 * mean).sqrt()).collect();
    let v = if u.columns == 0 { u.clone() } else { svd(&rows_times(u, &d), 1e-9).0 };
    let slope_at = |z: &Matrix| gradient(taus, lambdas, z, (&d, &v));
    let mut z = taus[0].scaled(0.0);
    let mut slope = slope_at(&z);
    // What the loss is at Δ = 0, and how steep it would be if all of it could go.
    let strength: f64 = lambdas.iter().sum();
    let merged = taus.iter().zip(lambdas).fold(z.clone(), |sum, (tau, l)| sum.plus(*l, tau));
    let off = |tau: &Matrix, row: usize| -> f64 {
        let range = row * tau.columns..(row + 1) * tau.columns;
        tau.values[range.clone()].iter().zip(&merged.values[range]).map(|(t, m)| t * (t - m)).sum()
    };
    let loss: f64 = taus.iter().flat_map(|tau| (0..rows).map(|row| off(tau, row).powi(2))).sum();
    let flat = (1e-6 * strength).powi(2) * loss;
    let mut direction = slope.scaled(-1.0);
    for _ in 0..steps {
        if slope.inner(&slope) <= flat {
            break;
        }
        // The gradient is linear: its change along the direction is the curvature there.
        let bent = slope_at(&z.plus(1.0, &direction)).plus(-1.0, &slope);
        let step = slope.inner(&slope) / direction.inner(&bent);
        z = z.plus(step, &direction);
        let next = slope_at(&z);
        let turn = next.inner(&next) / slope.inner(&slope);
        direction = next.scaled(-1.0).plus(turn, &direction);
        slope = next;
    }
    rows_times(&z, &d)
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
