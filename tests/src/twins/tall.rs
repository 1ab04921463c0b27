//! TALL: the merged vector under one adapter's mask.

use super::{Problem, Twin, consensus};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin {
    id: "tall",
    params: &[
        "{}",
        r#"{"factor": 0.73, "adapter": 1}"#,
        r#"{"of": "ties", "density": 0.5, "factor": 0.33}"#,
        r#"{"of": "ties", "scope": "file", "factor": 0.33}"#,
    ],
    merge,
};

fn merge(problem: &Problem) -> Vec<Matrix> {
    let wanted = problem.number("adapter", 1.0) as usize - 1;
    consensus::masked(problem, |module, masks| {
        module.parts.iter().zip(masks).any(|(part, mask)| part.adapter == wanted && *mask)
    })
}
