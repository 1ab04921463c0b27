//! ACE for adapters alone: centred dense covariances, n×n.

use super::{Problem, Twin, regressed, svd};
use crate::dense::Matrix;

pub const TWIN: Twin =
    Twin { id: "ace", params: &["{}", r#"{"balance": "always"}"#, r#"{"balance": "never", "ridge": 1}"#], merge };

fn merge(problem: &Problem) -> Vec<Matrix> {
    let (ridge, balance) = (problem.number("ridge", 0.01), problem.choice("balance", "auto"));
    problem.each(|module| {
        let taus: Vec<Matrix> = module.taus().into_iter().filter(|tau| tau.norm() > 0.0).collect();
        if taus.is_empty() {
            return module.sum();
        }
        let count = taus.len() as f64;
        let n = taus[0].columns;
        let centred = |tau: &Matrix| {
            let mean: Vec<f64> =
                (0..n).map(|j| (0..tau.rows).map(|i| tau.values[i * n + j]).sum::<f64>() / tau.rows as f64).collect();
            let mut centred = tau.clone();
            centred.values.iter_mut().enumerate().for_each(|(at, x)| *x -= mean[at % n]);
            centred
        };
        let logs: Vec<f64> = taus.iter().map(|tau| (tau.norm() * tau.norm()).ln()).collect();
        let mean = logs.iter().sum::<f64>() / count;
        let variance = logs.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count;
        let balanced = balance == "always" || balance == "auto" && variance / (mean * mean) > 0.3;
        let mut covariances: Vec<Matrix> =
            taus.iter().map(|tau| centred(tau).transposed().times(&centred(tau))).collect();
        let trace = |x: &Matrix| (0..n).map(|i| x.values[i * n + i]).sum::<f64>();
        if balanced {
            covariances = covariances.iter().map(|c| c.scaled(1.0 / trace(c))).collect();
        }
        let normed: Vec<f64> = taus.iter().flat_map(|tau| tau.scaled(1.0 / tau.norm()).values).collect();
        let directions = svd(&Matrix::new(normed.len() / n, n, normed), 1e-6).1.len() as f64;
        let epsilon = ridge * covariances.iter().map(trace).sum::<f64>() / count / directions;
        let wanted = taus.iter().zip(&covariances).map(|(tau, c)| tau.times(c).plus(epsilon, tau));
        let wanted = wanted.reduce(|a, b| a.plus(1.0, &b)).expect("some");
        regressed(&wanted, &covariances, count * epsilon)
    })
}
