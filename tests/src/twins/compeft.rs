//! ComPEFT: signs of the largest entries of each factor.

use super::{Problem, Twin};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin {
    id: "compeft",
    params: &[
        "{}",
        r#"{"density": 0.2}"#,
        r#"{"density": 0.3, "magnitude": "std", "alpha": 1.5}"#,
        r#"{"density": 1}"#,
        r#"{"density": 0}"#,
    ],
    merge,
};

fn merge(problem: &Problem) -> Vec<Matrix> {
    let density = problem.number("density", 0.5);
    let of = |x: &Matrix| {
        let mut order: Vec<usize> = (0..x.values.len()).collect();
        order.sort_by(|a, b| x.values[*b].abs().total_cmp(&x.values[*a].abs()).then(a.cmp(b)));
        order.truncate(((density * order.len() as f64).round() as usize).max(1));
        let n = x.values.len() as f64;
        let size = if problem.choice("magnitude", "least-squares") == "std" {
            let mean = x.values.iter().sum::<f64>() / n;
            let variance = x.values.iter().map(|x| x * x).sum::<f64>() / n - mean * mean;
            problem.number("alpha", 1.0) * variance.sqrt()
        } else {
            order.iter().map(|at| x.values[*at].abs()).sum::<f64>() / order.len() as f64
        };
        let mut signs = Matrix::zero(x.rows, x.columns);
        order
            .iter()
            .filter(|at| x.values[**at] != 0.0)
            .for_each(|at| signs.values[*at] = x.values[*at].signum() * size);
        signs
    };
    problem.each(|module| {
        let part = &module.parts[0];
        of(&part.pair.up).times(&of(&part.pair.down)).scaled(part.weight * part.pair.scale)
    })
}
