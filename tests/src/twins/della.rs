//! DELLA: an entry's place in its row says how likely it stays.

use super::entries::{Entry, each, sum, with_size_of};
use super::ties::combined;
use super::{Module, Problem, Twin};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin {
    id: "della",
    params: &[
        "{}",
        r#"{"density": 1}"#,
        r#"{"density": 0.5, "epsilon": 0.4, "elect": "none"}"#,
        r#"{"density": 0.1, "epsilon": 0.3, "rescale": "none", "elect": "count", "combine": "max"}"#,
        r#"{"density": 0.6, "rescale": "l1", "combine": "weighted"}"#,
        r#"{"density": 0.9, "rescale": "l1", "elect": "none"}"#,
    ],
    merge,
};

fn merge(problem: &Problem) -> Vec<Matrix> {
    each(problem, |module, parts| {
        let left: Vec<Entry> = parts.iter().map(|part| pruned(problem, module, part)).collect();
        match problem.choice("elect", "mass") {
            "none" => sum(&left),
            elect => combined("paper", elect, problem.choice("combine", "mean"), &left),
        }
    })
}

fn pruned(problem: &Problem, module: &Module, part: &Entry) -> Entry {
    let density = problem.number("density", 0.8);
    let epsilon = problem.number("epsilon", 0.15).min(density - 0.01).min(1.0 - density);
    let rescale = problem.choice("rescale", "probability");
    let words = part.words(problem.seed, &module.name);
    let n = part.x.columns;
    let mut x = part.x.clone();
    for (row, words) in x.values.chunks_exact_mut(n).zip(words.chunks_exact(n)) {
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|a, b| row[*a].abs().total_cmp(&row[*b].abs()));
        for (rank, at) in order.into_iter().enumerate() {
            let place = if n == 1 { 0.5 } else { rank as f64 / (n - 1) as f64 };
            let stays = density - epsilon + 2.0 * epsilon * place;
            row[at] = match f64::from(words[at]) / 2f64.powi(32) < stays {
                true if rescale == "probability" => row[at] / stays,
                true => row[at],
                false => 0.0,
            };
        }
    }
    let x = if rescale == "l1" { with_size_of(x, &part.x) } else { x };
    Entry { x, ..part.clone() }
}
