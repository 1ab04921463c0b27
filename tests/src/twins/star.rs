//! STAR: each adapter's strongest directions, as large as all of them, averaged.

use super::{Problem, Twin, assembled, leading, svd};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin { id: "star", params: &["{}", r#"{"eta": 0.4}"#, r#"{"eta": 1}"#, r#"{"eta": 0}"#], merge };

fn merge(problem: &Problem) -> Vec<Matrix> {
    let eta = problem.number("eta", 0.8);
    problem.each(|module| {
        let taus = module.taus();
        let mut mean = taus[0].scaled(0.0);
        for tau in &taus {
            let (u, sigma, v) = svd(tau, 1e-6);
            let all: f64 = sigma.iter().sum();
            let reached = |k: &usize| sigma[..*k].iter().sum::<f64>() >= eta * all * (1.0 - 1e-9);
            let Some(k) = (1..=sigma.len()).find(reached) else { continue };
            let factor = all / sigma[..k].iter().sum::<f64>() / taus.len() as f64;
            mean = mean.plus(factor, &assembled(&leading(&u, k), &sigma[..k], &leading(&v, k)));
        }
        mean
    })
}
