//! Magnitude pruning: trim, and add up.

use super::entries::{each, sum};
use super::ties::trim;
use super::{Problem, Twin};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin {
    id: "magnitude-prune",
    params: &[
        "{}",
        r#"{"density": 1}"#,
        r#"{"density": 0.3, "scope": "file"}"#,
        r#"{"density": 0.5, "scope": "row"}"#,
        r#"{"density": 0.5, "space": "factors"}"#,
    ],
    merge,
};

fn merge(problem: &Problem) -> Vec<Matrix> {
    let trimmed = trim(problem, problem.choice("scope", "module"));
    each(problem, |_, parts| sum(&trimmed(parts)))
}
