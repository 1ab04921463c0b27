//! NP-LoRA, with projectors as dense matrices.

use super::{Problem, Twin, beside, svd};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin {
    id: "np-lora",
    params: &[
        "{}",
        r#"{"mu": 0}"#,
        r#"{"hard": true}"#,
        r#"{"mu": 2, "side": "columns"}"#,
        r#"{"mu": 1, "side": "both"}"#,
    ],
    merge,
};

/// Q·Qᵀ onto the columns of `parts`, each with orthonormal columns.
pub fn projector(parts: &[Matrix], rows: usize) -> Matrix {
    if parts.is_empty() {
        return Matrix::zero(rows, rows);
    }
    let (u, ..) = svd(&beside(parts), 1e-6);
    u.times(&u.transposed())
}

fn merge(problem: &Problem) -> Vec<Matrix> {
    let mu = problem.number("mu", 0.5);
    let c = if problem.flag("hard", false) { 1.0 } else { mu / (1.0 + mu) };
    let side = problem.choice("side", "rows");
    problem.each(|module| {
        let (mut us, mut vs, mut sum): (Vec<Matrix>, Vec<Matrix>, Option<Matrix>) = (Vec::new(), Vec::new(), None);
        for tau in module.taus() {
            let mut own = tau.clone();
            if side == "rows" || side == "both" {
                own = own.plus(-c, &own.times(&projector(&vs, own.columns)));
            }
            if side == "columns" || side == "both" {
                own = own.plus(-c, &projector(&us, own.rows).times(&own));
            }
            let (u, _, v) = svd(&tau, 1e-6);
            us.push(u);
            vs.push(v);
            sum = Some(sum.map_or(own.clone(), |sum| sum.plus(1.0, &own)));
        }
        sum.expect("a module has a part")
    })
}
