//! Compress-then-Merge: a Tucker-2 space of the adapters by higher-order orthogonal iteration.

use super::{Module, Problem, Twin, beside, inner, svd};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin {
    id: "ctm",
    params: &[
        "{}",
        r#"{"rank": 4}"#,
        r#"{"rank": 3, "beta": 1, "turns": 30, "density": 0.5}"#,
        r#"{"rank": 5, "beta": 0, "inner": "mean"}"#,
        r#"{"rank": 6, "inner": "dare-ties", "drop": 0.2}"#,
        r#"{"rank": 2, "inner": "tsv"}"#,
        r#"{"inner": "iso"}"#,
    ],
    merge,
};

fn merge(problem: &Problem) -> Vec<Matrix> {
    let bases: Vec<(Matrix, Matrix)> = problem.modules.iter().map(|module| space(problem, module)).collect();
    let seen = |(module, (u, v)): (&Module, &(Matrix, Matrix))| {
        module.taus().iter().map(|tau| u.transposed().times(tau).times(v)).collect::<Vec<_>>()
    };
    let spaces: Vec<Vec<Matrix>> = problem.modules.iter().zip(&bases).map(seen).collect();
    let merged = inner::merged(problem, &spaces);
    merged.iter().zip(&bases).map(|(merged, (u, v))| u.times(merged).times(&v.transposed())).collect()
}

fn space(problem: &Problem, module: &Module) -> (Matrix, Matrix) {
    let beta = problem.number("beta", 0.25);
    let taus: Vec<Matrix> = module.taus().into_iter().filter(|tau| tau.norm() > 0.0).collect();
    let mean = taus.iter().map(Matrix::norm).sum::<f64>() / taus.len() as f64;
    let evened = |tau: &Matrix| tau.scaled((beta * tau.norm() + (1.0 - beta) * mean) / tau.norm());
    let hats: Vec<Matrix> = taus.iter().map(evened).collect();
    let turned: Vec<Matrix> = hats.iter().map(Matrix::transposed).collect();
    let rank = match problem.number("rank", 0.0) as usize {
        0 => usize::MAX,
        rank => rank,
    };
    let by = |parts: &[Matrix], basis: &Matrix| parts.iter().map(|part| part.times(basis)).collect::<Vec<_>>();
    let (mut u, mut v) = (leading(&hats, rank), leading(&turned, rank));
    let whole: f64 = hats.iter().map(|hat| hat.norm().powi(2)).sum();
    let mut before = f64::INFINITY;
    for _ in 0..problem.number("turns", 4.0) as usize {
        u = leading(&by(&hats, &v), rank);
        v = leading(&by(&turned, &u), rank);
        let held: f64 = hats.iter().map(|hat| u.transposed().times(hat).times(&v).norm().powi(2)).sum();
        let left = 1.0 - held / whole;
        if (before - left).abs() < 1e-6 {
            break;
        }
        before = left;
    }
    (u, v)
}

/// The first left singular vectors of the matrices side by side.
fn leading(parts: &[Matrix], rank: usize) -> Matrix {
    let (u, sigma, _) = svd(&beside(parts), 1e-6);
    let rank = rank.min(sigma.len());
    Matrix::new(u.rows, rank, u.values.chunks_exact(u.columns).flat_map(|row| row[..rank].to_vec()).collect())
}
