//! Iso-C: the sum with a flat spectrum.

use super::{Problem, Twin, assembled, svd};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin { id: "iso-c", params: &["{}", r#"{"beta": 0.3}"#, r#"{"beta": 0}"#], merge };

fn merge(problem: &Problem) -> Vec<Matrix> {
    let beta = problem.number("beta", 1.0);
    problem.each(|module| {
        let (u, sigma, v) = svd(&module.sum(), 1e-6);
        let mean = sigma.iter().sum::<f64>() / sigma.len().max(1) as f64;
        let blended: Vec<f64> = sigma.iter().map(|s| (1.0 - beta) * s + beta * mean).collect();
        assembled(&u, &blended, &v)
    })
}
