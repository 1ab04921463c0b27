//! DARE: a word of the stream per entry says whether it stays.

use super::entries::{Entry, each, sum, with_size_of};
use super::{Module, Problem, Twin};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin {
    id: "dare",
    params: &[
        "{}",
        r#"{"drop": 0}"#,
        r#"{"drop": 0.5, "rescale": "l1"}"#,
        r#"{"drop": 0.9, "rescale": "none"}"#,
        r#"{"drop": 0.3, "space": "factors"}"#,
        r#"{"space": "factors", "rescale": "l1"}"#,
    ],
    merge,
};

fn merge(problem: &Problem) -> Vec<Matrix> {
    each(problem, |module, parts| sum(&dropped(problem, module, parts, problem.choice("rescale", "density"))))
}

/// What is left, made up for.
pub fn dropped(problem: &Problem, module: &Module, parts: &[Entry], rescale: &str) -> Vec<Entry> {
    let drop = problem.number("drop", 0.2);
    let one = |part: &Entry| {
        let mut x = part.x.clone();
        for (x, word) in x.values.iter_mut().zip(part.words(problem.seed, &module.name)) {
            // The word as a number in [0, 1).
            if f64::from(word) / 2f64.powi(32) < drop {
                *x = 0.0;
            }
        }
        let x = match rescale {
            "density" => x.scaled(1.0 / (1.0 - drop)),
            "l1" => with_size_of(x, &part.x),
            _ => x,
        };
        Entry { x, ..part.clone() }
    };
    parts.iter().map(one).collect()
}
