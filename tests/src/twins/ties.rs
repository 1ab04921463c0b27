//! TIES: trim, elect, and combine what agrees, entry by entry.

use super::entries::{Entry, each};
use super::{Problem, Twin};
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
        r#"{"scope": "row", "density": 0.3, "combine": "weighted"}"#,
        r#"{"variant": "peft", "space": "factors", "density": 0.4}"#,
        r#"{"variant": "mergekit", "space": "factors", "elect": "count"}"#,
    ],
    merge,
};

fn merge(problem: &Problem) -> Vec<Matrix> {
    let variant = problem.choice("variant", "paper");
    let scope = match problem.choice("scope", "variant") {
        "variant" if variant == "paper" => "file",
        "variant" => "module",
        scope => scope,
    };
    let combine = match problem.choice("combine", "variant") {
        "variant" if variant == "mergekit" => "weighted",
        "variant" => "mean",
        combine => combine,
    };
    let trimmed = trim(problem, scope);
    each(problem, |_, parts| combined(variant, problem.choice("elect", "mass"), combine, &trimmed(parts)))
}

/// Sets all but the largest to zero: of the whole adapter, of each matrix, or of each row.
pub fn trim<'a>(problem: &'a Problem, scope: &'a str) -> impl Fn(&[Entry]) -> Vec<Entry> + 'a {
    let density = problem.number("density", 0.2);
    let whole: Vec<f64> = (0..problem.adapters)
        .map(|adapter| {
            let parts = problem.modules.iter().flat_map(|module| &module.parts);
            let own = parts.filter(|part| part.adapter == adapter);
            least(own.flat_map(|part| part.pair.delta().values).collect(), density)
        })
        .collect();
    move |parts| {
        let one = |part: &Entry| {
            let mut x = part.x.clone();
            let least = match (part.side, scope) {
                _ if density >= 1.0 => 0.0,
                (0, "file") => whole[part.adapter],
                (0, "row") => {
                    x.values.chunks_exact_mut(part.x.columns).for_each(|row| largest_of_row(row, density));
                    0.0
                }
                (0, _) => least(x.values.clone(), density),
                // PEFT counts down.
                _ => nth(x.values.clone(), (density * x.values.len() as f64).floor() as usize),
            };
            x.values.iter_mut().filter(|x| x.abs() < least).for_each(|x| *x = 0.0);
            Entry { x, ..part.clone() }
        };
        parts.iter().map(one).collect()
    }
}

fn largest_of_row(row: &mut [f64], density: f64) {
    let kept = ((density * row.len() as f64).round() as usize).max(1);
    let mut order: Vec<usize> = (0..row.len()).collect();
    order.sort_by(|a, b| row[*b].abs().total_cmp(&row[*a].abs()));
    order[kept..].iter().for_each(|at| row[*at] = 0.0);
}

/// The smallest magnitude that is among the largest `density` of all.
pub fn least(x: Vec<f64>, density: f64) -> f64 {
    let kept = (density * x.len() as f64).round() as usize;
    nth(x, kept)
}

/// The `n`-th largest magnitude, the first at least.
pub fn nth(mut x: Vec<f64>, n: usize) -> f64 {
    x.iter_mut().for_each(|x| *x = x.abs());
    x.sort_by(|a, b| b.total_cmp(a));
    // A hair below, for what only rounding sets apart.
    x.get(n.max(1) - 1).map_or(0.0, |x| x * (1.0 - 1e-9))
}

/// One number per position of those that have the elected sign.
pub fn combined(variant: &str, elect: &str, combine: &str, parts: &[Entry]) -> Matrix {
    let first = &parts[0].x;
    let mut out = Matrix::zero(first.rows, first.columns);
    for at in 0..out.values.len() {
        let vote = |part: &Entry| {
            let vote = if variant == "peft" { part.x.values[at] } else { part.weight * part.x.values[at] };
            if elect == "count" && vote != 0.0 { vote.signum() } else { vote }
        };
        let (sum, size) = parts.iter().fold((0.0, 0.0), |(s, a), part| (s + vote(part), a + vote(part).abs()));
        let sign = match f64::abs(sum) <= 1e-6 * size {
            true if variant == "paper" => continue,
            true => 1.0,
            false => sum.signum(),
        };
        let agreeing: Vec<(f64, f64)> = parts
            .iter()
            .filter(|part| vote(part) * sign > 0.0)
            .map(|part| (part.weight, part.weight * part.x.values[at]))
            .collect();
        let total: f64 = agreeing.iter().map(|(_, v)| v).sum();
        out.values[at] = match combine {
            "sum" => total,
            "max" => {
                agreeing.iter().map(|(_, v)| *v).fold(0.0, |most, v| if v.abs() > f64::abs(most) { v } else { most })
            }
            "weighted" => {
                let weight: f64 = agreeing.iter().map(|(w, _)| w).sum();
                if weight.abs() > 1e-12 { total / weight } else { total }
            }
            _ => total / agreeing.len().max(1) as f64,
        };
    }
    out
}
