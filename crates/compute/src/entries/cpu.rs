//! The CPU as a backend: panels of some rows, by matrix products in f32.

use super::row::Row;
use super::sums::Sums;
use super::{Backend, Combine, Entries, Key, Powered, Target, Work, radix};
use crate::{Error, FactorPair};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par};
use std::future::ready;

/// Bytes that the panels of all adapters may take together.
const PANELS: usize = 1 << 20;

/// Rows of a panel, at least and at most.
const ROWS: (usize, usize) = (8, 64);

/// The reproducible backend: one thread, a fixed order of summation.
pub struct Cpu;

impl Cpu {
    /// Calls `each` with every row of M (columns entries), from the first.
    pub fn rows(&self, entries: Entries, mut each: impl FnMut(&[f32])) {
        let mut merged = vec![0.0; entries.columns()];
        let mut row = Row::new(entries.rule, entries.columns());
        Panels::new(entries).each(entries.out(), |panel, first, rows| {
            for r in 0..rows {
                row.merge(&panel.row(r), panel.shift(r), first + r, &mut merged);
                each(&merged);
            }
        });
    }

    /// The same; answers the sums over all entries.
    pub fn rows_and_sums(&self, entries: Entries, mut each: impl FnMut(&[f32])) -> Sums {
        let mut sums = Sums::new(entries.pairs.len());
        let mut merged = vec![0.0; entries.columns()];
        let mut row = Row::new(entries.rule, entries.columns());
        Panels::new(entries).each(entries.out(), |panel, first, rows| {
            for r in 0..rows {
                let x = panel.row(r);
                row.merge(&x, panel.shift(r), first + r, &mut merged);
                row.add(&x, first + r, &merged, &mut sums);
                each(&merged);
            }
        });
        sums
    }

    fn counted(entries: Entries, key: Key, level: usize, targets: &[Target]) -> Vec<f64> {
        let bins = radix::bins(level);
        let mut counts = vec![0u32; targets.len() * bins];
        let mut sums = vec![0.0; counts.len()];
        let mut row = Row::new(entries.rule, entries.columns());
        let mut since = 0;
        Panels::new(entries).each(entries.out(), |panel, _, rows| {
            for r in 0..rows {
                let x = panel.row(r);
                // Places of one adapter stand side by side and share its scores.
                let mut scored = None;
                for (target, counts) in targets.iter().zip(counts.chunks_exact_mut(bins)) {
                    let above = target.above;
                    match (key, &entries.rule.combine) {
                        (Key::Magnitude, _) => tally(counts, x[target.part], level, above, radix::magnitude),
                        (Key::Variance, _) => tally(counts, row.varied(&x), level, above, f32::to_bits),
                        (Key::Score, Combine::Scored(scores)) => {
                            if scored != Some(target.part) {
                                row.score(scores, &x, target.part);
                                scored = Some(target.part);
                            }
                            tally(counts, row.scores(), level, above, radix::ordered);
                        }
                        (Key::Score, _) => {}
                    }
                }
            }
            // Before a u32 can overflow.
            since += rows * entries.columns();
            if since > 1 << 30 {
                sums.iter_mut().zip(&mut counts).for_each(|(sum, count)| *sum += f64::from(std::mem::take(count)));
                since = 0;
            }
        });
        sums.iter_mut().zip(&counts).for_each(|(sum, count)| *sum += f64::from(*count));
        sums
    }

    /// Calls `each` with the panels of M: their first row, and the entries row by row.
    fn merged(entries: Entries, mut each: impl FnMut(usize, &[f32])) {
        let columns = entries.columns();
        let mut row = Row::new(entries.rule, columns);
        let mut merged = Vec::new();
        Panels::new(entries).each(entries.out(), |panel, first, rows| {
            merged.resize(rows * columns, 0.0);
            for (r, merged) in merged.chunks_exact_mut(columns).enumerate() {
                row.merge(&panel.row(r), panel.shift(r), first + r, merged);
            }
            each(first, &merged);
        });
    }

    fn powered(entries: Entries, z: &Mat<f32>) -> Powered {
        let (columns, q) = (entries.columns(), z.ncols());
        let mut sum = Mat::<f32>::zeros(columns, q);
        let mut seen = Mat::<f32>::zeros(ROWS.1, q);
        let mut total = 0.0;
        Cpu::merged(entries, |_, merged| {
            let panel = MatRef::from_row_major_slice(merged, merged.len() / columns, columns);
            let mut seen = seen.as_mut().subrows_mut(0, panel.nrows());
            matmul(seen.as_mut(), Accum::Replace, panel, z.as_ref(), 1.0, Par::Seq);
            matmul(sum.as_mut(), Accum::Add, panel.transpose(), seen.as_ref(), 1.0, Par::Seq);
            total += squared(merged);
        });
        Powered { z: sum, total }
    }

    fn multiplied(entries: Entries, z: &Mat<f32>) -> Mat<f32> {
        let columns = entries.columns();
        let mut product = Mat::<f32>::zeros(entries.out(), z.ncols());
        Cpu::merged(entries, |first, merged| {
            let panel = MatRef::from_row_major_slice(merged, merged.len() / columns, columns);
            let into = product.as_mut().subrows_mut(first, panel.nrows());
            matmul(into, Accum::Replace, panel, z.as_ref(), 1.0, Par::Seq);
        });
        product
    }
}

impl Backend for Cpu {
    fn count<'a>(&'a self, entries: Entries<'a>, key: Key, level: usize, targets: &'a [Target]) -> Work<'a, Vec<f64>> {
        done(Cpu::counted(entries, key, level, targets))
    }

    fn power<'a>(&'a self, entries: Entries<'a>, z: &'a Mat<f32>) -> Work<'a, Powered> {
        done(Cpu::powered(entries, z))
    }

    fn times<'a>(&'a self, entries: Entries<'a>, z: &'a Mat<f32>) -> Work<'a, Mat<f32>> {
        done(Cpu::multiplied(entries, z))
    }

    fn sums<'a>(&'a self, entries: Entries<'a>) -> Work<'a, Sums> {
        done(self.rows_and_sums(entries, |_| {}))
    }

    fn takes(&self, _: Entries) -> bool {
        true
    }

    fn name(&self) -> Option<&str> {
        None
    }
}

fn done<'a, T: 'a>(result: T) -> Work<'a, T> {
    Box::pin(ready(Ok::<T, Error>(result)))
}

/// Counts the keys of `values` that have `above` over the level's bits.
#[inline]
fn tally(counts: &mut [u32], values: &[f32], level: usize, above: u32, key: impl Fn(f32) -> u32) {
    for x in values {
        if let Some(bin) = radix::bin(key(*x), level, above) {
            counts[bin] += 1;
        }
    }
}

/// Σ x², in f64 by runs whose f32 sums are short.
fn squared(x: &[f32]) -> f64 {
    let run = |run: &[f32]| {
        let mut lanes = [0.0f32; 8];
        run.chunks(8).for_each(|eight| lanes.iter_mut().zip(eight).for_each(|(lane, x)| *lane += x * x));
        lanes.iter().map(|lane| f64::from(*lane)).sum::<f64>()
    };
    x.chunks(256).map(run).sum()
}

/// Some rows of every delta.
struct Panels<'a> {
    pairs: Vec<&'a FactorPair>,
    columns: usize,
    /// How many of the pairs are adapters; the shift comes after them.
    parts: usize,
    /// Rows a panel has room for.
    room: usize,
    /// sᵢ·Bᵢ of these rows, one pair at a time.
    scaled: Vec<f32>,
    /// Row by row, pair by pair.
    values: Vec<f32>,
}

impl<'a> Panels<'a> {
    fn new(entries: Entries<'a>) -> Panels<'a> {
        let pairs: Vec<&FactorPair> = entries.pairs.iter().chain(&entries.rule.shift).collect();
        let columns = entries.columns();
        let room = (PANELS / (4 * pairs.len().max(1) * columns.max(1))).clamp(ROWS.0, ROWS.1);
        let values = vec![0.0; pairs.len() * room * columns];
        Panels { parts: entries.pairs.len(), pairs, columns, room, scaled: Vec::new(), values }
    }

    /// Calls `each` with every panel, its first row and how many rows it has.
    fn each(mut self, out: usize, mut each: impl FnMut(&Panels<'a>, usize, usize)) {
        if self.columns == 0 {
            return;
        }
        for first in (0..out).step_by(self.room) {
            let rows = self.room.min(out - first);
            self.fill(first, rows);
            each(&self, first, rows);
        }
    }

    fn fill(&mut self, first: usize, rows: usize) {
        let size = self.room * self.columns;
        for (pair, values) in self.pairs.iter().zip(self.values.chunks_exact_mut(size)) {
            let scale = pair.scale as f32;
            self.scaled.clear();
            self.scaled.extend(pair.up[first * pair.rank..(first + rows) * pair.rank].iter().map(|x| x * scale));
            let up = MatRef::from_row_major_slice(&self.scaled, rows, pair.rank);
            let down = MatRef::from_row_major_slice(&pair.down, pair.rank, self.columns);
            let into = MatMut::from_row_major_slice_mut(&mut values[..rows * self.columns], rows, self.columns);
            matmul(into, Accum::Replace, up, down, 1.0, Par::Seq);
        }
    }

    /// Row `r` of the panel, of every adapter.
    fn row(&self, r: usize) -> Vec<&[f32]> {
        (0..self.parts).map(|i| self.values_of(i, r)).collect()
    }

    fn shift(&self, r: usize) -> Option<&[f32]> {
        (self.parts < self.pairs.len()).then(|| self.values_of(self.parts, r))
    }

    fn values_of(&self, i: usize, r: usize) -> &[f32] {
        &self.values[(i * self.room + r) * self.columns..][..self.columns]
    }
}
