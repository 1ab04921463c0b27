//! Sums and averages.

use super::{Problem, Twin};

pub const SUM: Twin = Twin { id: "sum", params: &["{}"], merge: |problem| problem.each(super::Module::sum) };

pub const CONCAT: Twin = Twin { id: "concat", params: &["{}"], merge: |problem| problem.each(super::Module::sum) };

pub const MEAN: Twin = Twin { id: "mean", params: &["{}", r#"{"divide_by": "all"}"#], merge: mean };

fn mean(problem: &Problem) -> Vec<crate::dense::Matrix> {
    let all = problem.choice("divide_by", "present") == "all";
    problem.each(|m| m.sum().scaled(1.0 / if all { problem.adapters } else { m.parts.len() } as f64))
}

pub const ANALOGY: Twin = Twin { id: "analogy", params: &["{}", r#"{"minus": 2}"#], merge: analogy };

fn analogy(problem: &Problem) -> Vec<crate::dense::Matrix> {
    let minus = problem.number("minus", 1.0) as usize;
    problem.each(|m| {
        let taus = m.parts.iter().map(|part| {
            let last = problem.adapters - part.adapter <= minus;
            part.tau().scaled(if last { -1.0 } else { 1.0 })
        });
        taus.reduce(|a, b| a.plus(1.0, &b)).expect("a module has a part")
    })
}
