//! RAM: the mean of what is active, and what one alone has a little larger.

use super::{Part, Problem, Twin};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin {
    id: "ram",
    params: &[
        "{}",
        r#"{"share": 0}"#,
        r#"{"share": 0.5, "r": 0}"#,
        r#"{"share": 1.5, "r": 0.7, "alpha": 5}"#,
        r#"{"active": "absolute", "threshold": 0.3, "r": 1}"#,
        r#"{"active": "absolute"}"#,
    ],
    merge,
};

fn merge(problem: &Problem) -> Vec<Matrix> {
    // τ where it is active, else 0.
    let active = |part: &Part| {
        let mut tau = part.tau();
        let rms = tau.norm() / (tau.values.len() as f64).sqrt();
        let threshold = match problem.choice("active", "relative") {
            "absolute" => problem.number("threshold", 1e-5),
            _ => problem.number("share", 1.0) * rms,
        };
        tau.values.iter_mut().filter(|x| x.abs() <= threshold).for_each(|x| *x = 0.0);
        tau
    };
    let all: Vec<Vec<Matrix>> = problem.modules.iter().map(|m| m.parts.iter().map(active).collect()).collect();
    let (mut shared, mut alone) = (vec![0.0; problem.adapters], vec![0.0; problem.adapters]);
    for (module, taus) in problem.modules.iter().zip(&all) {
        for at in 0..taus[0].values.len() {
            let who: Vec<usize> = (0..taus.len()).filter(|i| taus[*i].values[at] != 0.0).collect();
            let counts = if who.len() > 1 { &mut shared } else { &mut alone };
            who.iter().for_each(|i| counts[module.parts[*i].adapter] += 1.0);
        }
    }
    let (r, alpha) = (problem.number("r", 0.1), problem.number("alpha", 0.2));
    let factor = |i: usize| match (shared[i], alone[i]) {
        (0.0, _) => 1.0,
        (_, 0.0) => 1.0 + r * alpha,
        (shared, alone) => 1.0 + r * f64::min(shared / alone, alpha),
    };
    let mut merged = Vec::new();
    for (module, taus) in problem.modules.iter().zip(&all) {
        let mut out = Matrix::zero(taus[0].rows, taus[0].columns);
        for (at, m) in out.values.iter_mut().enumerate() {
            let who: Vec<usize> = (0..taus.len()).filter(|i| taus[*i].values[at] != 0.0).collect();
            *m = match who[..] {
                [] => 0.0,
                [i] => factor(module.parts[i].adapter) * taus[i].values[at],
                _ => who.iter().map(|i| taus[*i].values[at]).sum::<f64>() / who.len() as f64,
            };
        }
        merged.push(out);
    }
    merged
}
