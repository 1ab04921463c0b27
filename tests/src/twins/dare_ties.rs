//! DARE-TIES: drop, elect, and combine what agrees.

use super::dare::dropped;
use super::entries::each;
use super::ties::combined;
use super::{Problem, Twin};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin {
    id: "dare-ties",
    params: &[
        "{}",
        r#"{"drop": 0}"#,
        r#"{"variant": "mergekit", "drop": 0.5}"#,
        r#"{"variant": "peft", "drop": 0.7, "elect": "count"}"#,
        r#"{"variant": "mergekit", "rescale": "none", "combine": "weighted"}"#,
        r#"{"rescale": "l1", "combine": "max"}"#,
        r#"{"variant": "peft", "space": "factors", "drop": 0.4}"#,
    ],
    merge,
};

fn merge(problem: &Problem) -> Vec<Matrix> {
    let variant = problem.choice("variant", "paper");
    let either = |name: &str, mergekit: &'static str, others: &'static str| -> String {
        let own = if variant == "mergekit" { mergekit } else { others };
        Some(problem.choice(name, "variant")).filter(|choice| *choice != "variant").unwrap_or(own).to_owned()
    };
    let (rescale, combine) = (either("rescale", "l1", "density"), either("combine", "sum", "mean"));
    each(problem, |module, parts| {
        let left = dropped(problem, module, parts, &rescale);
        combined(variant, problem.choice("elect", "mass"), &combine, &left)
    })
}
