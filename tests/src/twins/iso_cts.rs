//! Iso-CTS: common directions and each adapter's own, with a flat spectrum.

use super::{Problem, Twin, assembled, beside, leading, polar, svd};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin {
    id: "iso-cts",
    params: &[
        "{}",
        r#"{"common": 0.5, "beta": 0.3}"#,
        r#"{"common": 0.3, "own": 2}"#,
        r#"{"common": 1, "beta": 0}"#,
        r#"{"common": 0, "own": 3}"#,
    ],
    merge,
};

fn merge(problem: &Problem) -> Vec<Matrix> {
    let (share, own) = (problem.number("common", 0.8), problem.number("own", 0.0) as usize);
    let beta = problem.number("beta", 1.0);
    problem.each(|module| {
        let taus = module.taus();
        let (u, sigma, v) = svd(&module.sum(), 1e-6);
        let rank = if sigma.first().is_some_and(|s| *s > 1e-11 * taus[0].norm()) { sigma.len() } else { 0 };
        let k = (share * rank as f64).round() as usize;
        let own = if own == 0 { (rank - k) / taus.len() } else { own };
        let common = leading(&u, k);
        let (mut us, mut vs, mut sigmas) = (vec![common.clone()], vec![leading(&v, k)], sigma[..k].to_vec());
        for tau in &taus {
            let rest = tau.plus(-1.0, &common.times(&common.transposed().times(tau)));
            let (u, sigma, v) = svd(&rest, 1e-6);
            let there = sigma.iter().filter(|s| **s > 1e-6 * tau.norm()).count().min(own);
            us.push(leading(&u, there));
            vs.push(leading(&v, there));
            sigmas.extend_from_slice(&sigma[..there]);
        }
        let mean = sigmas.iter().sum::<f64>() / sigmas.len().max(1) as f64;
        sigmas.iter_mut().for_each(|s| *s = (1.0 - beta) * *s + beta * mean);
        assembled(&polar(&beside(&us)), &sigmas, &polar(&beside(&vs)))
    })
}
