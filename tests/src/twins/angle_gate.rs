//! The gate, on dense frames: principal vectors as eigenvectors of P·P_t·P.

use super::np_lora::projector;
use super::{Problem, Twin, svd};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin {
    id: "angle-gate",
    params: &[
        "{}",
        r#"{"theta": 70, "beta": 0.6}"#,
        r#"{"theta": 90, "side": "rows"}"#,
        r#"{"theta": 50, "side": "both"}"#,
        r#"{"theta": 0}"#,
    ],
    merge,
};

/// x − β·Σ y·yᵀ·x over the earlier side's principal vectors within θ* of the columns of `frame`.
fn gated(x: &Matrix, earlier: &[Matrix], frame: &Matrix, cosine: f64, beta: f64) -> Matrix {
    let before = projector(earlier, x.rows);
    // P·(U_t·U_tᵀ)·P has eigenvalues cos²θ and the earlier side's vectors.
    let (vectors, squares, _) = svd(&before.times(frame), 1e-9);
    let mut out = x.clone();
    for (l, found) in squares.iter().enumerate() {
        if *found > cosine + 1e-12 {
            let y = Matrix::new(x.rows, 1, vectors.values.iter().skip(l).step_by(squares.len()).copied().collect());
            out = out.plus(-beta, &y.times(&y.transposed().times(x)));
        }
    }
    out
}

fn merge(problem: &Problem) -> Vec<Matrix> {
    let cosine = (problem.number("theta", 30.0) / 180.0 * std::f64::consts::PI).cos();
    let (beta, side) = (problem.number("beta", 1.0), problem.choice("side", "columns"));
    problem.each(|module| {
        let (mut us, mut vs, mut sum): (Vec<Matrix>, Vec<Matrix>, Option<Matrix>) = (Vec::new(), Vec::new(), None);
        for tau in module.taus() {
            let (u, _, v) = svd(&tau, 1e-6);
            let mut own = tau;
            if side != "columns" {
                own = gated(&own.transposed(), &vs, &v, cosine, beta).transposed();
            }
            if side != "rows" {
                own = gated(&own, &us, &u, cosine, beta);
            }
            us.push(u);
            vs.push(v);
            sum = Some(sum.map_or(own.clone(), |sum| sum.plus(1.0, &own)));
        }
        sum.expect("a module has a part")
    })
}
