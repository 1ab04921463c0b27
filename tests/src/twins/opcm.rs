//! OPCM step by step as published, λ after every adapter, on dense deltas; the official recursion over the whole file.

use super::{Problem, Twin, svd};
use crate::dense::Matrix;

pub const TWIN: Twin =
    Twin { id: "opcm", params: &["{}", r#"{"alpha": 0}"#, r#"{"alpha": 0.85}"#, r#"{"alpha": 1}"#], merge };

fn merge(problem: &Problem) -> Vec<Matrix> {
    let alpha = problem.number("alpha", 0.5);
    let zero = |module: &super::Module| module.sum().scaled(0.0);
    let global = |all: &[Matrix]| all.iter().map(|m| m.inner(m)).sum::<f64>().sqrt();
    let mut merged: Vec<Matrix> = problem.each(zero);
    let (mut previous, mut norms) = (1.0, Vec::new());
    for adapter in 0..problem.adapters {
        let taus = problem.each(|module| {
            let own = module.parts.iter().find(|part| part.adapter == adapter);
            own.map_or_else(|| zero(module), super::Part::tau)
        });
        norms.push(global(&taus));
        for (so_far, tau) in merged.iter_mut().zip(&taus) {
            let own = without(tau, so_far, alpha);
            *so_far = so_far.scaled(previous).plus(1.0, &own);
        }
        let size = global(&merged);
        previous = size * norms.len() as f64 / norms.iter().sum::<f64>();
        if size > 0.0 {
            merged.iter_mut().for_each(|m| *m = m.scaled(1.0 / previous));
        }
    }
    merged
}

/// τ minus Σ P_ij·u_i·v_jᵀ over the entries that are blanked.
fn without(tau: &Matrix, so_far: &Matrix, alpha: f64) -> Matrix {
    let (u, sigma, v) = svd(so_far, 1e-6);
    let total: f64 = sigma.iter().sum();
    let beyond = |k: &usize| sigma[..=*k].iter().sum::<f64>() > alpha * total;
    let k = if alpha < 1.0 { (0..sigma.len()).find(beyond).unwrap_or(sigma.len()) } else { sigma.len() };
    let mut p = u.transposed().times(tau).times(&v);
    for i in 0..sigma.len() {
        for j in 0..sigma.len() {
            if i != j && (i >= k || j >= k) {
                p.values[i * sigma.len() + j] = 0.0;
            }
        }
    }
    tau.plus(-1.0, &u.times(&p).times(&v.transposed()))
}
