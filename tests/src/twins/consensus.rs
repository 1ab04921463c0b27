//! Consensus: entries of the merged vector by how many adapters would know them as their own.

use super::{Module, Problem, Twin, ties};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin {
    id: "consensus",
    params: &[
        "{}",
        r#"{"k": 1, "factor": 0.73}"#,
        r#"{"k": 0}"#,
        r#"{"of": "ties", "density": 0.5, "factor": 0.33}"#,
        r#"{"of": "ties", "density": 0.3, "scope": "file", "k": 1, "factor": 0.83}"#,
    ],
    merge,
};

fn merge(problem: &Problem) -> Vec<Matrix> {
    let k = problem.number("k", 2.0) as usize;
    masked(problem, |module, masks| masks.iter().filter(|mask| **mask).count() >= k.min(module.parts.len()))
}

/// The merged vector where `stays` says so of the adapters' masks.
pub fn masked(problem: &Problem, stays: impl Fn(&Module, &[bool]) -> bool) -> Vec<Matrix> {
    let factor = problem.number("factor", 0.4);
    let trimmed = problem.choice("of", "sum") == "ties";
    let density = if trimmed { problem.number("density", 0.2) } else { 1.0 };
    problem.each(|module| {
        let taus = module.taus();
        let deltas: Vec<Matrix> = module.parts.iter().map(|part| part.pair.delta()).collect();
        let mut merged = Matrix::zero(taus[0].rows, taus[0].columns);
        let least: Vec<f64> = module
            .parts
            .iter()
            .map(|part| {
                let whole = problem.choice("scope", "module") == "file";
                let scope: Vec<&Module> = if whole { problem.modules.iter().collect() } else { vec![module] };
                let own = scope.iter().flat_map(|m| &m.parts).filter(|other| other.adapter == part.adapter);
                ties::least(own.flat_map(|part| part.pair.delta().values).collect(), density)
            })
            .collect();
        for at in 0..merged.values.len() {
            let stays_in = |i: usize| density >= 1.0 || deltas[i].values[at].abs() >= least[i];
            let left: Vec<f64> =
                taus.iter().enumerate().map(|(i, tau)| if stays_in(i) { tau.values[at] } else { 0.0 }).collect();
            let sum: f64 = left.iter().sum();
            let size: f64 = left.iter().map(|x| x.abs()).sum();
            let multi = match trimmed {
                true if sum.abs() <= 1e-6 * size => 0.0,
                true => left.iter().filter(|x| **x * sum > 0.0).sum(),
                false => sum,
            };
            let masks: Vec<bool> =
                taus.iter().map(|tau| tau.values[at].abs() > factor * (multi - tau.values[at]).abs()).collect();
            merged.values[at] = if stays(module, &masks) { multi } else { 0.0 };
        }
        merged
    })
}
