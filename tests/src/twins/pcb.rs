//! PCB: entries averaged by scores.

use super::{Module, Problem, Twin};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin {
    id: "pcb",
    params: &[
        "{}",
        r#"{"ratio": 0.6}"#,
        r#"{"ratio": 1}"#,
        r#"{"scope": "file"}"#,
        r#"{"scope": "file", "ratio": 0.7}"#,
    ],
    merge,
};

/// The `wanted`-th largest.
fn largest(values: &[f64], wanted: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    sorted.get((wanted.round() as usize).max(1) - 1).copied().unwrap_or(0.0)
}

/// One adapter's entries in one module.
struct Entries {
    adapter: usize,
    weight: f64,
    x: Vec<f64>,
    clamped: Vec<f64>,
    scores: Vec<f64>,
}

fn merge(problem: &Problem) -> Vec<Matrix> {
    if problem.choice("scope", "module") == "file" {
        return merged(problem, &problem.modules.iter().collect::<Vec<_>>());
    }
    problem.modules.iter().flat_map(|module| merged(problem, &[module])).collect()
}

/// What quantiles over all these modules make of them.
fn merged(problem: &Problem, modules: &[&Module]) -> Vec<Matrix> {
    let entries = |module: &&Module| -> Vec<Entries> {
        let of = |part: &super::Part| Entries {
            adapter: part.adapter,
            weight: part.weight,
            x: part.pair.delta().values,
            clamped: Vec::new(),
            scores: Vec::new(),
        };
        module.parts.iter().map(of).collect()
    };
    let mut all: Vec<Vec<Entries>> = modules.iter().map(entries).collect();
    let own = |all: &[Vec<Entries>], adapter: usize, values: &dyn Fn(&Entries) -> Vec<f64>| -> Vec<f64> {
        all.iter().flatten().filter(|entries| entries.adapter == adapter).flat_map(values).collect()
    };
    for adapter in 0..problem.adapters {
        let sizes = own(&all, adapter, &|e| e.x.iter().map(|x| x.abs()).collect());
        let n = sizes.len() as f64;
        let (low, high) = (largest(&sizes, 0.9999 * n), largest(&sizes, 0.0001 * n));
        for module in &mut all {
            let sums: Vec<f64> =
                (0..module[0].x.len()).map(|at| module.iter().map(|e| e.weight * e.x[at]).sum()).collect();
            let count = module.len() as f64;
            for e in module.iter_mut().filter(|e| e.adapter == adapter) {
                for (x, sum) in e.x.iter().zip(&sums) {
                    let clamped = x.abs().clamp(low, high);
                    let place = if high > low { (clamped - low) / (high - low) } else { 0.0 };
                    e.clamped.push(e.weight * if *x == 0.0 { 0.0 } else { x.signum() } * clamped);
                    e.scores.push((count * place * place).exp() * (e.weight * x * sum).tanh());
                }
            }
        }
        let scores = own(&all, adapter, &|e| e.scores.clone());
        let (floor, top) = (largest(&scores, problem.number("ratio", 0.1) * n), largest(&scores, 1.0));
        for e in all.iter_mut().flatten().filter(|e| e.adapter == adapter) {
            let place = |x: f64| if top > floor { ((x - floor) / (top - floor)).clamp(0.0, 1.0) } else { 0.0 };
            e.scores.iter_mut().for_each(|x| *x = place(*x));
        }
    }
    let answer = |(module, all): (&&Module, &Vec<Entries>)| {
        let size = module.parts[0].pair.delta();
        let value = |at: usize| {
            let weight: f64 = all.iter().map(|e| e.scores[at]).sum();
            all.iter().map(|e| e.clamped[at] * e.scores[at]).sum::<f64>() / weight.max(1e-12)
        };
        Matrix::new(size.rows, size.columns, (0..size.values.len()).map(value).collect())
    };
    modules.iter().zip(&all).map(answer).collect()
}
