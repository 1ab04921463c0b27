//! PICO: shared output directions of dense deltas turned down; the sum or TSV-M; the mean norm.

use super::{Problem, Twin, assembled, beside, polar, svd};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin { id: "pico", params: &["{}", r#"{"inner": "tsv"}"#, r#"{"factors": "stored"}"#], merge };

fn merge(problem: &Problem) -> Vec<Matrix> {
    let (inner, factors) = (problem.choice("inner", "sum"), problem.choice("factors", "delta"));
    problem.each(|module| {
        let taus = module.taus();
        let ups: Vec<Matrix> = match factors {
            "stored" => module.parts.iter().map(|p| p.pair.up.scaled(p.weight * p.pair.scale)).collect(),
            _ => taus.clone(),
        };
        let (u, sigma, _) = svd(&beside(&ups), 0.0);
        let all: f64 = sigma.iter().map(|s| s * s).sum();
        let count = taus.len() as f64;
        let change: Vec<f64> = sigma.iter().map(|s| 1.0 / (1.0 + (count - 1.0) * s * s / all) - 1.0).collect();
        let turn = assembled(&u, &change, &u);
        let calibrated: Vec<Matrix> = taus.iter().map(|tau| tau.plus(1.0, &turn.times(tau))).collect();
        let merged = if inner == "tsv" {
            let parts: Vec<_> = calibrated.iter().map(|tau| svd(tau, 1e-6)).collect();
            let side = |pick: fn(&(Matrix, Vec<f64>, Matrix)) -> &Matrix| {
                polar(&beside(&parts.iter().map(|p| pick(p).clone()).collect::<Vec<_>>()))
            };
            let sigma: Vec<f64> = parts.iter().flat_map(|p| p.1.clone()).collect();
            assembled(&side(|p| &p.0), &sigma, &side(|p| &p.2))
        } else {
            calibrated.into_iter().reduce(|a, b| a.plus(1.0, &b)).expect("some")
        };
        let mean = taus.iter().map(Matrix::norm).sum::<f64>() / count;
        if merged.norm() > 1e-11 * mean { merged.scaled(mean / merged.norm()) } else { merged }
    })
}
