//! Σ cᵢ·ΔWᵢ as one factor pair of the wanted rank.
//!
//! Three ways lead there. `by_gram` works from the R×R Gram matrices
//! and takes one thin product per side. Where the factors are too dependent for
//! that to be accurate (duplicates, near cancellation), the
//! f64 QR of `by_qr` is taken; where there are more units than rows or columns,
//! `by_dense` forms the sum itself. Where no direction is cut off, the
//! stack itself is the answer.

use crate::{Error, FactorPair, Grams, RankPolicy};

/// What happens to directions that carry nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nulls {
    /// Stack every unit as it is, if the rank policy lets all of them stay.
    Keep,
    /// Leave out units and directions that are numerically null.
    Drop,
}

/// The result of [`combine`].
#[derive(Clone, Debug)]
pub struct Combination {
    /// M, with scale 1. Rank 0 where the sum is zero.
    pub pair: FactorPair,
    /// ‖Σ cᵢΔWᵢ‖²_F.
    pub total: f64,
    /// ‖M‖²_F before any rounding to an output type; total − lost is the
    /// squared error of the truncation.
    pub kept: f64,
    /// ‖Σ cᵢΔWᵢ − M‖²_F: 0 where every direction was kept.
    pub lost: f64,
    /// ⟨M, ΔWᵢ⟩ for every input.
    pub inner: Vec<f64>,
}

/// One rank-one unit of the stack: coefficient (with the pair's scale), pair, slot,
/// and its index in the Gram matrices.
pub(crate) struct Unit {
    pub coefficient: f64,
    pub pair: usize,
    pub slot: usize,
    pub index: usize,
}

/// Σ coefficients[i]·ΔWᵢ at the rank that `policy` asks for.
///
/// `pairs` share out×columns; `grams` are theirs. Coefficients are finite.
/// Costs O(R³ + (out + columns)·R·k), or O((out + columns)·R²) in f64 where the
/// factors are nearly dependent, or O(out·columns·R) where R > min(out, columns).
pub fn combine(
    pairs: &[FactorPair],
    grams: &Grams,
    coefficients: &[f64],
    policy: RankPolicy,
    nulls: Nulls,
) -> Result<Combination, Error> {
    let units = units(pairs, grams, coefficients, nulls);
    let sum = Sum { pairs, grams, weights: coefficients, units };
    if sum.units.is_empty() {
        return Ok(sum.zero());
    }
    if nulls == Nulls::Keep && policy.keeps_all(sum.units.len()) {
        return Ok(sum.verbatim());
    }
    if grams.is_dense() {
        return sum.by_dense(policy);
    }
    if let Some(combination) = sum.by_gram(policy)? {
        return Ok(combination);
    }
    sum.by_qr(policy)
}

fn units(pairs: &[FactorPair], grams: &Grams, coefficients: &[f64], nulls: Nulls) -> Vec<Unit> {
    let mut units = Vec::new();
    for (i, (pair, weight)) in pairs.iter().zip(coefficients).enumerate() {
        let coefficient = weight * pair.scale;
        for slot in 0..pair.rank {
            let index = grams.offsets[i] + slot;
            let empty = grams.up_norms[index] == 0.0 || grams.down_norms[index] == 0.0;
            if coefficient != 0.0 && !(empty && nulls == Nulls::Drop) {
                units.push(Unit { coefficient, pair: i, slot, index });
            }
        }
    }
    units
}

/// The rank-one units whose sum is wanted, and where they come from.
pub(crate) struct Sum<'a> {
    pub pairs: &'a [FactorPair],
    pub grams: &'a Grams,
    pub weights: &'a [f64],
    pub units: Vec<Unit>,
}

impl Sum<'_> {
    fn zero(&self) -> Combination {
        let (out, columns) = self.pairs.first().map_or((0, 0), |p| (p.out, p.columns));
        Combination {
            pair: FactorPair::zero(out, columns, 0),
            total: 0.0,
            kept: 0.0,
            lost: 0.0,
            inner: vec![0.0; self.pairs.len()],
        }
    }

    /// ⟨Σ c·unit, ΔWᵢ⟩ for every input, straight from the Gram matrices.
    pub(crate) fn inner_of_all(&self) -> Vec<f64> {
        if self.grams.is_dense() {
            let inner = |i| self.weights.iter().enumerate().map(|(j, weight)| weight * self.grams.inner(j, i)).sum();
            return (0..self.pairs.len()).map(inner).collect();
        }
        let inner = |i: usize| -> f64 {
            let range = self.grams.offsets[i]..self.grams.offsets[i + 1];
            let sum: f64 = self
                .units
                .iter()
                .map(|unit| {
                    let column = unit.index;
                    let overlap = range.clone().map(|p| self.grams.up[(p, column)] * self.grams.down[(p, column)]);
                    unit.coefficient * overlap.sum::<f64>()
                })
                .sum();
            self.pairs[i].scale * sum
        };
        (0..self.pairs.len()).map(inner).collect()
    }

    /// The stack itself, coefficients folded into up; powers of two move
    /// between the factors of a unit where one side would leave f16's range.
    pub(crate) fn verbatim(&self) -> Combination {
        let first = &self.pairs[0];
        let (out, columns, rank) = (first.out, first.columns, self.units.len());
        let mut pair = FactorPair::zero(out, columns, rank);
        let rms = |norms: &[f64], index: usize, n: usize| (norms[index] / n as f64).sqrt();
        let shift = |unit: &Unit| {
            let up = rms(&self.grams.up_norms, unit.index, out) * unit.coefficient.abs();
            balance(up, rms(&self.grams.down_norms, unit.index, columns))
        };
        let shifts: Vec<f64> = self.units.iter().map(shift).collect();
        let by: Vec<f32> =
            self.units.iter().zip(&shifts).map(|(unit, shift)| (unit.coefficient * shift) as f32).collect();
        let mut to = 0;
        // A pair's units lie side by side in the rows of up.
        for run in self.units.chunk_by(|a, b| a.pair == b.pair && a.slot + 1 == b.slot) {
            let (source, slot, n) = (&self.pairs[run[0].pair], run[0].slot, run.len());
            let by = &by[to..to + n];
            for (target, row) in pair.up.chunks_exact_mut(rank).zip(source.up.chunks_exact(source.rank)) {
                for ((target, value), by) in target[to..to + n].iter_mut().zip(&row[slot..slot + n]).zip(by) {
                    *target = by * value;
                }
            }
            to += n;
        }
        for ((target, unit), shift) in pair.down.chunks_exact_mut(columns).zip(&self.units).zip(&shifts) {
            let row = &self.pairs[unit.pair].down[unit.slot * columns..(unit.slot + 1) * columns];
            let by = (1.0 / shift) as f32;
            for (target, value) in target.iter_mut().zip(row) {
                *target = by * value;
            }
        }
        let inner = self.inner_of_all();
        let total = self.total();
        Combination { pair, total, kept: total, lost: 0.0, inner }
    }

    /// ‖Σ c·unit‖²_F from the Gram matrices.
    fn total(&self) -> f64 {
        if self.grams.is_dense() {
            let inner = self.inner_of_all();
            return self.weights.iter().zip(inner).map(|(weight, inner)| weight * inner).sum::<f64>().max(0.0);
        }
        let mut sum = 0.0;
        for a in &self.units {
            for b in &self.units {
                let at = (a.index, b.index);
                sum += a.coefficient * b.coefficient * self.grams.up[at] * self.grams.down[at];
            }
        }
        sum.max(0.0)
    }
}

/// Σ σ².
pub(crate) fn energy(sigma: &[f64]) -> f64 {
    sigma.iter().map(|s| s * s).sum()
}

/// The power of two to multiply up by (and divide down by) so that neither side's
/// entries leave the comfortable range of f16; 1 where both are inside.
pub(crate) fn balance(rms_up: f64, rms_down: f64) -> f64 {
    const COMFORT: std::ops::RangeInclusive<f64> = 0.001_953_125..=64.0; // 2⁻⁹ … 2⁶
    let inside = COMFORT.contains(&rms_up) && COMFORT.contains(&rms_down);
    if inside || rms_up == 0.0 || rms_down == 0.0 {
        return 1.0;
    }
    ((rms_down / rms_up).log2() / 2.0).round().exp2()
}
