//! Drop units: the sum of the strong rank-one units.

use super::{Problem, Twin};
use crate::dense::Matrix;

pub const TWIN: Twin =
    Twin { id: "drop-units", params: &["{}", r#"{"share": 0.5}"#, r#"{"share": 1}"#, r#"{"share": 0}"#], merge };

fn merge(problem: &Problem) -> Vec<Matrix> {
    let share = problem.number("share", 0.01);
    problem.each(|module| {
        let part = &module.parts[0];
        let (up, down) = (&part.pair.up, &part.pair.down);
        let unit = |j: usize| {
            let b = (0..up.rows).map(|i| up.values[i * up.columns + j]).collect();
            let a = down.values[j * down.columns..(j + 1) * down.columns].to_vec();
            Matrix::new(up.rows, 1, b).times(&Matrix::new(1, down.columns, a))
        };
        let units: Vec<Matrix> = (0..up.columns).map(unit).collect();
        let most = units.iter().map(Matrix::norm).fold(0.0, f64::max);
        let mut sum = Matrix::zero(up.rows, down.columns);
        for unit in units.iter().filter(|unit| unit.norm() >= share * most * (1.0 - 1e-12)) {
            sum = sum.plus(part.weight * part.pair.scale, unit);
        }
        sum
    })
}
