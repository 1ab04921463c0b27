//! EMR: the largest entry of the elected sign, and the mean of the factors that give each adapter its size back.

use super::{Module, Problem, Twin};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin { id: "emr", params: &["{}", r#"{"rescale": "means"}"#, r#"{"rescale": "none"}"#], merge };

/// u of a module.
fn united(module: &Module) -> Matrix {
    let taus = module.taus();
    let mut u = Matrix::zero(taus[0].rows, taus[0].columns);
    for at in 0..u.values.len() {
        let sum: f64 = taus.iter().map(|tau| tau.values[at]).sum();
        let size: f64 = taus.iter().map(|tau| tau.values[at].abs()).sum();
        if sum.abs() > 1e-6 * size {
            let gamma = sum.signum();
            u.values[at] = gamma * taus.iter().map(|tau| gamma * tau.values[at]).fold(0.0, f64::max);
        }
    }
    u
}

fn merge(problem: &Problem) -> Vec<Matrix> {
    let united = problem.each(united);
    let rescale = problem.choice("rescale", "sums");
    let mut factors = Vec::new();
    for adapter in 0..problem.adapters {
        let (mut own, mut masked) = (0.0, 0.0);
        for (module, u) in problem.modules.iter().zip(&united) {
            let each = if rescale == "means" { u.values.len() as f64 } else { 1.0 };
            for part in module.parts.iter().filter(|part| part.adapter == adapter) {
                for (tau, u) in part.tau().values.iter().zip(&u.values) {
                    own += tau.abs() / each;
                    masked += if tau * u > 0.0 { u.abs() / each } else { 0.0 };
                }
            }
        }
        if masked > 0.0 {
            factors.push(own / masked);
        }
    }
    let mean = factors.iter().sum::<f64>() / factors.len() as f64;
    let factor = if rescale == "none" { 1.0 } else { mean };
    united.iter().map(|u| u.scaled(factor)).collect()
}
