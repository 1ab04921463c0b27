//! Twin-Merging: the shared adapter, or what one has beyond it.

use super::{Problem, Twin};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin {
    id: "twin",
    params: &[
        "{}",
        r#"{"shared": "paper"}"#,
        r#"{"part": 1, "rank": 2}"#,
        r#"{"part": 1, "rank": 0, "shared": "paper"}"#,
    ],
    merge,
};

fn merge(problem: &Problem) -> Vec<Matrix> {
    let (part, rank) = (problem.number("part", 0.0) as usize, problem.number("rank", 8.0) as usize);
    problem.each(|module| {
        let kappa = if problem.choice("shared", "mean") == "mean" { 1.0 / module.parts.len() as f64 } else { 0.3 };
        let shared = module.sum().scaled(kappa);
        if part == 0 {
            return shared;
        }
        let own = module.parts.iter().find(|p| p.adapter + 1 == part);
        let rest = own.map_or(shared.scaled(-1.0), |p| p.tau().plus(-1.0, &shared));
        rest.truncated(if rank == 0 { usize::MAX } else { rank }).0
    })
}
