//! WUDI: dense normal equations, n×n.

use super::{Problem, Twin, regressed, svd};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin { id: "wudi", params: &["{}", r#"{"ridge": 2}"#, r#"{"ridge": 0.01}"#], merge };

fn merge(problem: &Problem) -> Vec<Matrix> {
    let ridge = problem.number("ridge", 0.05);
    problem.each(|module| {
        let taus: Vec<Matrix> = module.taus().into_iter().filter(|tau| tau.norm() > 0.0).collect();
        if taus.is_empty() {
            return module.sum();
        }
        let normed: Vec<Matrix> = taus.iter().map(|tau| tau.scaled(1.0 / tau.norm())).collect();
        let stacked = Matrix::new(
            normed.iter().map(|x| x.rows).sum(),
            normed[0].columns,
            normed.iter().flat_map(|x| x.values.clone()).collect(),
        );
        let mu = ridge * taus.len() as f64 / svd(&stacked, 1e-6).1.len() as f64;
        let covariances: Vec<Matrix> = normed.iter().map(|x| x.transposed().times(x)).collect();
        let wanted = taus.iter().zip(&covariances).map(|(tau, h)| tau.times(h).plus(mu, tau));
        let wanted = wanted.reduce(|a, b| a.plus(1.0, &b)).expect("some");
        regressed(&wanted, &covariances, mu)
    })
}
