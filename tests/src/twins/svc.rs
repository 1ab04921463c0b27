//! SVC: each direction of the dense sum against what every adapter answers in it.

use super::{Problem, Twin, assembled, leading, svd};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin { id: "svc", params: &["{}", r#"{"alpha_min": 0.5}"#], merge };

fn merge(problem: &Problem) -> Vec<Matrix> {
    let least = problem.number("alpha_min", 0.1);
    problem.each(|module| {
        let (taus, sum) = (module.taus(), module.sum());
        let (u, mut sigma, v) = svd(&sum, 1e-6);
        let added: f64 = taus.iter().map(Matrix::norm).sum();
        let there = sigma.iter().filter(|s| **s > 1e-12 * added).count();
        let (u, v) = (leading(&u, there), leading(&v, there));
        sigma.truncate(there);
        for (l, value) in sigma.iter_mut().enumerate() {
            let direction = Matrix::new(1, u.rows, (0..u.rows).map(|i| u.values[i * there + l]).collect());
            let merged = direction.times(&sum);
            let (mut count, mut total) = (0.0, 0.0);
            for tau in &taus {
                let answer = direction.times(tau);
                if answer.norm() > 1e-6 * tau.norm() {
                    count += 1.0;
                    total += (merged.inner(&answer) / answer.inner(&answer)).max(least);
                }
            }
            *value *= count / total;
        }
        assembled(&u, &sigma, &v)
    })
}
