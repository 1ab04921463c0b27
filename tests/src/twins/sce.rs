//! SCE: select by variance, weigh by energy, erase what disagrees.

use super::ties::nth;
use super::{Problem, Twin};
use crate::dense::Matrix;

pub const TWIN: Twin =
    Twin { id: "sce", params: &["{}", r#"{"select": 0.1}"#, r#"{"select": 0.6}"#, r#"{"select": 0}"#], merge };

fn merge(problem: &Problem) -> Vec<Matrix> {
    let share = problem.number("select", 1.0);
    problem.each(|module| {
        let mut taus = module.taus();
        let count = taus.len() as f64;
        let variance = |at: usize| {
            let mean = taus.iter().map(|tau| tau.values[at]).sum::<f64>() / count;
            taus.iter().map(|tau| (tau.values[at] - mean).powi(2)).sum::<f64>() / count
        };
        let variances: Vec<f64> = (0..taus[0].values.len()).map(variance).collect();
        let varied = variances.iter().filter(|v| **v > 0.0).count();
        if share < 1.0 && varied > 0 {
            let least = nth(variances.clone(), (share * varied as f64).round() as usize);
            for tau in &mut taus {
                tau.values.iter_mut().zip(&variances).filter(|(_, v)| **v < least).for_each(|(x, _)| *x = 0.0);
            }
        }
        let energies: Vec<f64> = taus.iter().map(|tau| tau.inner(tau)).collect();
        let mut out = Matrix::zero(taus[0].rows, taus[0].columns);
        for (at, m) in out.values.iter_mut().enumerate() {
            let all = || taus.iter().map(|tau| tau.values[at]);
            let (sum, size) = (all().sum::<f64>(), all().map(f64::abs).sum::<f64>());
            if sum.abs() <= 1e-6 * size {
                continue;
            }
            let agreeing = || all().zip(&energies).filter(|(x, _)| x * sum > 0.0);
            let (top, bottom) = agreeing().fold((0.0, 0.0), |(t, b), (x, energy)| (t + energy * x, b + energy));
            *m = if bottom > 0.0 { top / bottom } else { 0.0 };
        }
        out
    })
}
