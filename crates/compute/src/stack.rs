//! The stacked factors of a module, [B₁|…|B_T] and [A₁;…;A_T], in f64 panels.
//!
//! Stacking all of them at once would double a module's memory; a panel of some
//! hundred rows stays in a cache and is all that a product needs.

use crate::FactorPair;
use faer::{Mat, MatRef};
use std::ops::Range;

/// Rows (of up) or columns (of down) per panel.
const PANEL: usize = 256;

/// Calls `each` with runs of rows of [B₁|…|B_T]: (rows, panel R×rows), one row of the
/// stack per column. `offsets[i]` is the first slot of pair i, the last one R.
pub(crate) fn up_panels(pairs: &[FactorPair], offsets: &[usize], mut each: impl FnMut(Range<usize>, MatRef<'_, f64>)) {
    let out = pairs.first().map_or(0, |p| p.out);
    let mut panel = Mat::<f64>::zeros(offsets[pairs.len()], PANEL.min(out));
    for start in (0..out).step_by(PANEL) {
        let rows = PANEL.min(out - start);
        for row in 0..rows {
            let column = panel.col_as_slice_mut(row);
            for (pair, &offset) in pairs.iter().zip(offsets) {
                let at = (start + row) * pair.rank;
                widen(&pair.up[at..at + pair.rank], &mut column[offset..]);
            }
        }
        each(start..start + rows, panel.as_ref().subcols(0, rows));
    }
}

/// Calls `each` with runs of columns of [A₁;…;A_T]: (columns, panel columns×R), one
/// row of the stack per column.
pub(crate) fn down_panels(
    pairs: &[FactorPair],
    offsets: &[usize],
    mut each: impl FnMut(Range<usize>, MatRef<'_, f64>),
) {
    let columns = pairs.first().map_or(0, |p| p.columns);
    let mut panel = Mat::<f64>::zeros(PANEL.min(columns), offsets[pairs.len()]);
    for start in (0..columns).step_by(PANEL) {
        let width = PANEL.min(columns - start);
        for (pair, &offset) in pairs.iter().zip(offsets) {
            for slot in 0..pair.rank {
                let at = slot * columns + start;
                widen(&pair.down[at..at + width], panel.col_as_slice_mut(offset + slot));
            }
        }
        each(start..start + width, panel.as_ref().subrows(0, width));
    }
}

fn widen(from: &[f32], to: &mut [f64]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = f64::from(*from);
    }
}
