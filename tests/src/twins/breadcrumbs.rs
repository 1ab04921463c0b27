//! Model Breadcrumbs: neither the largest nor the small ones.

use super::entries::{Entry, each, sum};
use super::ties::combined;
use super::{Problem, Twin};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin {
    id: "breadcrumbs",
    params: &[
        "{}",
        r#"{"density": 1}"#,
        r#"{"gamma": 0}"#,
        r#"{"density": 0.5, "gamma": 0.1}"#,
        r#"{"density": 0.9, "gamma": 0.4, "elect": "mass", "combine": "sum"}"#,
        r#"{"density": 0.6, "gamma": 0.05, "elect": "count"}"#,
    ],
    merge,
};

fn merge(problem: &Problem) -> Vec<Matrix> {
    each(problem, |_, parts| {
        let left: Vec<Entry> = parts.iter().map(|part| Entry { x: cut(problem, &part.x), ..part.clone() }).collect();
        match problem.choice("elect", "none") {
            "none" => sum(&left),
            elect => combined("paper", elect, problem.choice("combine", "mean"), &left),
        }
    })
}

fn cut(problem: &Problem, x: &Matrix) -> Matrix {
    let n = x.values.len();
    let kept = ((problem.number("density", 0.2) * n as f64).round() as usize).max(1);
    let top = ((problem.number("gamma", 0.01) * n as f64) as usize).min(n - kept);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| x.values[*b].abs().total_cmp(&x.values[*a].abs()));
    let mut left = Matrix::zero(x.rows, x.columns);
    order[top..top + kept].iter().for_each(|at| left.values[*at] = x.values[*at]);
    left
}
