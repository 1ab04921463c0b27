//! Σ cᵢ·ΔWᵢ itself, row by row: for outputs that are no factor pair.
//!
//! Rows are made in panels, in f64, and rounded once:
//!
//! ```text
//! rows a..b of Σ cᵢ·sᵢ·Bᵢ·Aᵢ      nothing is multiplied where Bᵢ or Aᵢ is the identity
//! ```
//!
//! Memory: one panel, and the factors in f64 (Bᵢ of its rows only).

use crate::FactorPair;
use crate::by_dense::is_identity;
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par};

/// Rows of a panel.
const ROWS: usize = 64;

/// What a pair adds to a panel.
enum Part<'a> {
    /// ΔW is up: down is the identity.
    Up(&'a FactorPair),
    /// ΔW is down: up is the identity.
    Down(&'a FactorPair),
    /// Up, and down as rank×columns, row-major.
    Both(&'a FactorPair, Vec<f64>),
}

impl<'a> Part<'a> {
    fn of(pair: &'a FactorPair) -> Part<'a> {
        if pair.rank == pair.columns && is_identity(&pair.down, pair.columns) {
            Part::Up(pair)
        } else if pair.rank == pair.out && is_identity(&pair.up, pair.out) {
            Part::Down(pair)
        } else {
            Part::Both(pair, pair.down.iter().map(|x| f64::from(*x)).collect())
        }
    }

    /// Adds `by` times rows `first`.. of it to `panel`, rows of `columns`.
    fn add(&self, by: f64, first: usize, columns: usize, panel: &mut [f64]) {
        match self {
            Part::Up(pair) => add(by, &pair.up[first * columns..], panel),
            Part::Down(pair) => add(by, &pair.down[first * columns..], panel),
            Part::Both(pair, down) => {
                let rows = panel.len() / columns;
                let up = Mat::from_fn(rows, pair.rank, |i, p| f64::from(pair.up[(first + i) * pair.rank + p]));
                let down = MatRef::from_row_major_slice(down, pair.rank, columns);
                let into = MatMut::from_row_major_slice_mut(panel, rows, columns);
                matmul(into, Accum::Add, up.as_ref(), down, by, Par::Seq);
            }
        }
    }
}

fn add(by: f64, values: &[f32], panel: &mut [f64]) {
    panel.iter_mut().zip(values).for_each(|(to, x)| *to += by * f64::from(*x));
}

/// Calls `each` with every row of Σ coefficients\[i\]·ΔWᵢ (columns entries), from the first. Answers ‖Σ‖²_F.
///
/// `pairs` share out×columns. Costs out·columns·R multiply-adds in f64.
pub fn rows(pairs: &[FactorPair], coefficients: &[f64], mut each: impl FnMut(&[f32])) -> f64 {
    let (out, columns) = pairs.first().map_or((0, 0), |pair| (pair.out, pair.columns));
    if columns == 0 {
        return 0.0;
    }
    let used = pairs.iter().zip(coefficients).filter(|(_, by)| **by != 0.0);
    let parts: Vec<(Part, f64)> = used.map(|(pair, by)| (Part::of(pair), by * pair.scale)).collect();
    let (mut panel, mut rounded, mut total) = (vec![0.0; ROWS.min(out) * columns], vec![0.0; columns], 0.0);
    for first in (0..out).step_by(ROWS) {
        let panel = &mut panel[..ROWS.min(out - first) * columns];
        panel.fill(0.0);
        parts.iter().for_each(|(part, by)| part.add(*by, first, columns, panel));
        for row in panel.chunks_exact(columns) {
            total += row.iter().map(|x| x * x).sum::<f64>();
            rounded.iter_mut().zip(row).for_each(|(to, x)| *to = *x as f32);
            each(&rounded);
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    fn pair(seed: u64, out: usize, columns: usize, rank: usize) -> FactorPair {
        let stream = Stream::new(seed, "rows", 0);
        let draw = |from: usize, n: usize| (from..from + n).map(|i| stream.normal(i as u64) as f32).collect::<Vec<_>>();
        FactorPair { out, columns, rank, up: draw(0, out * rank), down: draw(9999, rank * columns), scale: 0.75 }
    }

    fn whole(out: usize, columns: usize) -> FactorPair {
        let values = pair(7, out, columns, 1);
        let delta: Vec<f32> = (0..out * columns).map(|i| values.up[i / columns] * values.down[i % columns]).collect();
        let rank = out.min(columns);
        let mut identity = vec![0.0; rank * rank];
        identity.iter_mut().step_by(rank + 1).for_each(|x| *x = 1.0);
        let (up, down) = if out <= columns { (identity, delta) } else { (delta, identity) };
        FactorPair { out, columns, rank, up, down, scale: -2.0 }
    }

    #[test]
    fn rows_are_those_of_the_sum() {
        for (out, columns) in [(1, 1), (5, 9), (150, 7), (64, 33), (65, 70)] {
            let pairs = [pair(1, out, columns, 3), whole(out, columns), pair(2, out, columns, 2)];
            let by = [0.5, 1.25, 0.0];
            let (mut found, mut square) = (Vec::new(), 0.0);
            let total = rows(&pairs, &by, |row| found.extend_from_slice(row));
            for i in 0..out {
                for j in 0..columns {
                    let entry = |pair: &FactorPair| {
                        let product = |p| {
                            f64::from(pair.up[i * pair.rank + p]) * f64::from(pair.down[p * columns + j]) * pair.scale
                        };
                        (0..pair.rank).map(product).sum::<f64>()
                    };
                    let exact: f64 = pairs.iter().zip(by).map(|(pair, by)| by * entry(pair)).sum();
                    square += exact * exact;
                    let own = f64::from(found[i * columns + j]);
                    assert!((own - exact).abs() <= 1e-7 * exact.abs() + 1e-14, "{out}×{columns} ({i}, {j})");
                }
            }
            assert!((total - square).abs() <= 1e-12 * square, "{total} {square}");
        }
    }
}
