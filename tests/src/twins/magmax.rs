//! MagMax: the entry of the largest magnitude.

use super::{Problem, Twin};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin { id: "magmax", params: &["{}"], merge };

fn merge(problem: &Problem) -> Vec<Matrix> {
    let louder = |a: f64, b: f64| if b.abs() > a.abs() { b } else { a };
    problem.each(|module| {
        let both = |a: Matrix, b: Matrix| {
            let values = a.values.iter().zip(&b.values).map(|(a, b)| louder(*a, *b)).collect();
            Matrix::new(a.rows, a.columns, values)
        };
        module.taus().into_iter().reduce(both).expect("a module has a part")
    })
}
