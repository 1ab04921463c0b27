//! Sums and averages.

use super::{Problem, Twin};

pub const SUM: Twin = Twin { id: "sum", params: &["{}"], merge: |problem| problem.each(super::Module::sum) };

pub const CONCAT: Twin = Twin { id: "concat", params: &["{}"], merge: |problem| problem.each(super::Module::sum) };

pub const MEAN: Twin = Twin { id: "mean", params: &["{}", r#"{"divide_by": "all"}"#], merge: mean };

fn mean(problem: &Problem) -> Vec<crate::dense::Matrix> {
    let all = problem.choice("divide_by", "present") == "all";
    problem.each(|m| m.sum().scaled(1.0 / if all { problem.adapters } else { m.parts.len() } as f64))
}
