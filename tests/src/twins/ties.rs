//! TIES: trim, elect, and combine what agrees, entry by entry.

use super::{Module, Problem, Twin};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin {
    id: "ties",
    params: &[
        "{}",
        r#"{"density": 1}"#,
        r#"{"density": 0.5, "scope": "module", "combine": "sum"}"#,
        r#"{"density": 0.7, "elect": "count", "combine": "max"}"#,
        r#"{"variant": "peft", "density": 0.5}"#,
        r#"{"variant": "mergekit", "density": 0.6}"#,
        r#"{"variant": "mergekit", "scope": "file", "density": 0.3}"#,
    ],
    merge,
};

fn merge(problem: &Problem) -> Vec<Matrix> {
    let variant = problem.choice("variant", "paper");
    let by_file = match problem.choice("scope", "variant") {
        "variant" => variant == "paper",
        scope => scope == "file",
    };
    let density = problem.number("density", 0.2);
    let whole: Vec<f64> = (0..problem.adapters)
        .map(|adapter| {
            let parts = problem.modules.iter().flat_map(|module| &module.parts);
            let own = parts.filter(|part| part.adapter == adapter);
            least(own.flat_map(|part| part.pair.delta().values).collect(), density)
        })
        .collect();
    problem.each(|module: &Module| {
        let trimmed: Vec<(f64, Matrix)> = module
            .parts
            .iter()
            .map(|part| {
                let mut x = part.pair.delta();
                let least = if by_file { whole[part.adapter] } else { least(x.values.clone(), density) };
                x.values.iter_mut().filter(|x| density < 1.0 && x.abs() < least).for_each(|x| *x = 0.0);
                (part.weight, x)
            })
            .collect();
        combined(problem, variant, &trimmed)
    })
}

/// The smallest magnitude that is among the largest `density` of all.
pub fn least(mut x: Vec<f64>, density: f64) -> f64 {
    x.iter_mut().for_each(|x| *x = x.abs());
    x.sort_by(|a, b| b.total_cmp(a));
    let kept = ((density * x.len() as f64).round() as usize).max(1);
    // A hair below, for what only rounding sets apart.
    x.get(kept - 1).map_or(0.0, |x| x * (1.0 - 1e-9))
}

fn combined(problem: &Problem, variant: &str, parts: &[(f64, Matrix)]) -> Matrix {
    let first = &parts[0].1;
    let mut out = Matrix::zero(first.rows, first.columns);
    for at in 0..out.values.len() {
        let vote = |(w, x): &(f64, Matrix)| {
            let vote = if variant == "peft" { x.values[at] } else { w * x.values[at] };
            if problem.choice("elect", "mass") == "count" && vote != 0.0 { vote.signum() } else { vote }
        };
        let (sum, size) = parts.iter().fold((0.0, 0.0), |(s, a), part| (s + vote(part), a + vote(part).abs()));
        let sign = match f64::abs(sum) <= 1e-6 * size {
            true if variant == "paper" => continue,
            true => 1.0,
            false => sum.signum(),
        };
        let agreeing: Vec<(f64, f64)> =
            parts.iter().filter(|part| vote(part) * sign > 0.0).map(|(w, x)| (*w, w * x.values[at])).collect();
        let total: f64 = agreeing.iter().map(|(_, v)| v).sum();
        out.values[at] = match problem.choice("combine", "mean") {
            "sum" => total,
            "max" => {
                agreeing.iter().map(|(_, v)| *v).fold(0.0, |most, v| if v.abs() > f64::abs(most) { v } else { most })
            }
            _ if variant == "mergekit" => {
                let weight: f64 = agreeing.iter().map(|(w, _)| w).sum();
                if weight.abs() > 1e-12 { total / weight } else { total }
            }
            _ => total / agreeing.len().max(1) as f64,
        };
    }
    out
}
