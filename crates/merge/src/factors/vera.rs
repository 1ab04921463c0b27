//! VeRA: the shared projections' first rows and columns, B's rows times b and A's rows times d.

use super::{factors, lacking, need};
use rankweave_adapter::{Module, Part, Result, Stored, Tensor};
use rankweave_compute::FactorPair;

pub(super) fn pair(module: &Module, mut stored: Stored) -> Result<FactorPair> {
    let b = need(module, &mut stored, Part::VeraB)?.values;
    let d = need(module, &mut stored, Part::VeraD)?.values;
    let up = scaled(module, &need(module, &mut stored, Part::VeraUp)?, &b, module.rank)?;
    let down = scaled(module, &need(module, &mut stored, Part::VeraDown)?, &d, module.shape.inp)?;
    Ok(factors(module, stored.scale, up, down))
}

/// The first `columns` of the first rows, each row times its number.
fn scaled(module: &Module, matrix: &Tensor, by: &[f32], columns: usize) -> Result<Vec<f32>> {
    let width = matrix.shape.get(1).copied().filter(|w| *w >= columns).ok_or_else(|| lacking(module))?;
    let rows = by.iter().zip(matrix.values.chunks_exact(width));
    Ok(rows.flat_map(|(by, row)| row[..columns].iter().map(move |x| by * x)).collect())
}
