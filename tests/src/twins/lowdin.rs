//! Löwdin's orthogonalisation of frames, and of the factors' own rows.

use super::{Part, Problem, Twin, assembled, beside, polar, svd};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin {
    id: "lowdin",
    params: &["{}", r#"{"side": "columns"}"#, r#"{"apart": "units"}"#, r#"{"apart": "units", "side": "columns"}"#],
    merge,
};

/// The columns `from..from + count`.
fn columns(x: &Matrix, from: usize, count: usize) -> Matrix {
    let rows = x.values.chunks_exact(x.columns.max(1)).flat_map(|row| row[from..from + count].to_vec());
    Matrix::new(x.rows, count, rows.collect())
}

fn merge(problem: &Problem) -> Vec<Matrix> {
    let (side, units) = (problem.choice("side", "rows"), problem.choice("apart", "adapters") == "units");
    problem.each(|module| {
        // (what stays, its factor per column, what is turned) for τ, or for its transpose.
        let split = |part: &Part| {
            let (up, weights, down) = if units {
                let by = part.pair.scale * part.weight;
                (part.pair.up.clone(), vec![by; part.pair.down.rows], part.pair.down.transposed())
            } else {
                svd(&part.tau(), 1e-6)
            };
            let (fixed, turned) = if side == "rows" { (up, down) } else { (down, up) };
            let length = |l: usize| columns(&turned, l, 1).norm();
            let lengths = (0..weights.len()).map(|l| weights[l] * if units { length(l) } else { 1.0 }).collect();
            (fixed, lengths, turned)
        };
        let parts: Vec<(Matrix, Vec<f64>, Matrix)> = module.parts.iter().map(split).collect();
        let frame = polar(&beside(&parts.iter().map(|part| part.2.clone()).collect::<Vec<_>>()));
        let (mut merged, mut at): (Option<Matrix>, usize) = (None, 0);
        for (fixed, lengths, turned) in &parts {
            let own = assembled(fixed, lengths, &columns(&frame, at, turned.columns));
            at += turned.columns;
            merged = Some(merged.map_or(own.clone(), |sum| sum.plus(1.0, &own)));
        }
        let merged = merged.expect("a module has a part");
        if side == "rows" { merged } else { merged.transposed() }
    })
}
