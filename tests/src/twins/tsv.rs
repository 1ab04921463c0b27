//! TSV-M: singular vectors of all adapters, made orthogonal together.

use super::{Module, Problem, Twin, assembled, beside, leading, polar, svd};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin { id: "tsv", params: &["{}", r#"{"keep": 0.5}"#], merge };

fn merge(problem: &Problem) -> Vec<Matrix> {
    let keep = problem.number("keep", 1.0);
    problem.each(|module: &Module| {
        let (mut us, mut vs, mut sigmas) = (Vec::new(), Vec::new(), Vec::new());
        for tau in module.taus() {
            let (u, sigma, v) = svd(&tau, 1e-6);
            let k = ((keep * sigma.len() as f64).round() as usize).clamp(1.min(sigma.len()), sigma.len());
            us.push(leading(&u, k));
            vs.push(leading(&v, k));
            sigmas.extend_from_slice(&sigma[..k]);
        }
        assembled(&polar(&beside(&us)), &sigmas, &polar(&beside(&vs)))
    })
}
