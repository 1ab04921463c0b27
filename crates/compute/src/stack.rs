//! The stacked factors of a module, [B₁|…|B_T] and [A₁;…;A_T], in f64 panels.
//!
//! Stacking all of them at once would double a module's memory; a panel of some
//! hundred rows stays in a cache and is all that a product needs.

use crate::{FactorPair, linalg};
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

/// \[B₁|…|B_T]·`mix` (out×k, row-major), `mix` being R×k: in f64, rounded once.
pub(crate) fn mixed_up(pairs: &[FactorPair], offsets: &[usize], mix: &Mat<f64>) -> Vec<f32> {
    let (out, rank) = (pairs.first().map_or(0, |p| p.out), mix.ncols());
    let mut up = vec![0.0; out * rank];
    up_panels(pairs, offsets, |rows, panel| {
        let mixed = linalg::product(mix.transpose(), panel);
        for (column, row) in rows.enumerate() {
            narrow(mixed.col_as_slice(column), &mut up[row * rank..]);
        }
    });
    up
}

/// `mix`ᵀ·\[A₁;…;A_T] (k×columns, row-major), `mix` being R×k: in f64, rounded once.
pub(crate) fn mixed_down(pairs: &[FactorPair], offsets: &[usize], mix: &Mat<f64>) -> Vec<f32> {
    let (columns, rank) = (pairs.first().map_or(0, |p| p.columns), mix.ncols());
    let mut down = vec![0.0; rank * columns];
    down_panels(pairs, offsets, |range, panel| {
        let mixed = linalg::product(panel, mix.as_ref());
        for l in 0..rank {
            narrow(mixed.col_as_slice(l), &mut down[l * columns + range.start..]);
        }
    });
    down
}

fn narrow(from: &[f64], to: &mut [f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from as f32;
    }
}

fn widen(from: &[f32], to: &mut [f64]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = f64::from(*from);
    }
}
