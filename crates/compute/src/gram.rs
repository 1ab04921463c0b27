//! The two Gram matrices of a module's stacked factors.

use crate::{Error, FactorPair, linalg};
use faer::Mat;

/// Rows (of up) or columns (of down) per panel: 256 × R f64 stay in a cache.
const PANEL: usize = 256;

/// BᵀB and AAᵀ of the stacked factors B = [B₁|…|B_T], A = [A₁;…;A_T] of one
/// module, accumulated in f64 (R×R each, R = Σ ranks).
///
/// They hold every inner product of the deltas:
/// ⟨ΔWᵢ, ΔWⱼ⟩ = sᵢ·sⱼ·Σ (BᵢᵀBⱼ) ∘ (AᵢAⱼᵀ).
pub struct Grams {
    /// BᵀB, full symmetric.
    pub up: Mat<f64>,
    /// AAᵀ, full symmetric.
    pub down: Mat<f64>,
    /// Pair i owns the rank slots offsets[i]..offsets[i + 1].
    pub offsets: Vec<usize>,
    scales: Vec<f64>,
}

impl Grams {
    /// Computes both matrices. Costs (out + columns)·R² multiply-adds.
    /// Errors where the pairs differ in out×columns.
    pub fn new(pairs: &[FactorPair]) -> Result<Grams, Error> {
        let mut offsets = vec![0];
        for pair in pairs {
            let expected = (pairs[0].out, pairs[0].columns);
            let found = (pair.out, pair.columns);
            if expected != found {
                return Err(Error::Shape { expected, found });
            }
            offsets.push(offsets[offsets.len() - 1] + pair.rank);
        }
        let units = offsets[pairs.len()];
        let mut grams = Grams {
            up: Mat::zeros(units, units),
            down: Mat::zeros(units, units),
            offsets,
            scales: pairs.iter().map(|p| p.scale).collect(),
        };
        if let Some(first) = pairs.first() {
            grams.add_ups(pairs, first.out);
            grams.add_downs(pairs, first.columns);
            mirror(&mut grams.up);
            mirror(&mut grams.down);
        }
        Ok(grams)
    }

    /// ⟨ΔWᵢ, ΔWⱼ⟩_F, scales included.
    pub fn inner(&self, i: usize, j: usize) -> f64 {
        let mut sum = 0.0;
        for q in self.offsets[j]..self.offsets[j + 1] {
            for p in self.offsets[i]..self.offsets[i + 1] {
                sum += self.up[(p, q)] * self.down[(p, q)];
            }
        }
        self.scales[i] * self.scales[j] * sum
    }

    /// All inner products, row-major T×T.
    pub fn inner_products(&self) -> Vec<f64> {
        let count = self.scales.len();
        let mut out = vec![0.0; count * count];
        for i in 0..count {
            for j in 0..=i {
                let value = self.inner(i, j);
                out[i * count + j] = value;
                out[j * count + i] = value;
            }
        }
        out
    }

    fn add_ups(&mut self, pairs: &[FactorPair], out: usize) {
        let units = self.up.nrows();
        // Column-major units×rows is the row-major panel of stacked rows.
        let mut panel = Mat::<f64>::zeros(units, PANEL.min(out));
        for start in (0..out).step_by(PANEL) {
            let rows = PANEL.min(out - start);
            for row in 0..rows {
                let column = panel.col_as_slice_mut(row);
                for (pair, &offset) in pairs.iter().zip(&self.offsets) {
                    let at = (start + row) * pair.rank;
                    let values = &pair.up[at..at + pair.rank];
                    for (to, from) in column[offset..].iter_mut().zip(values) {
                        *to = f64::from(*from);
                    }
                }
            }
            linalg::add_gram(self.up.as_mut(), panel.as_ref().subcols(0, rows));
        }
    }

    fn add_downs(&mut self, pairs: &[FactorPair], columns: usize) {
        let units = self.down.nrows();
        // One column per unit here, so that each row of A is copied in one run.
        let mut panel = Mat::<f64>::zeros(PANEL.min(columns), units);
        for start in (0..columns).step_by(PANEL) {
            let width = PANEL.min(columns - start);
            for (pair, &offset) in pairs.iter().zip(&self.offsets) {
                for slot in 0..pair.rank {
                    let at = slot * columns + start;
                    let values = &pair.down[at..at + width];
                    let column = panel.col_as_slice_mut(offset + slot);
                    for (to, from) in column.iter_mut().zip(values) {
                        *to = f64::from(*from);
                    }
                }
            }
            let part = panel.as_ref().subrows(0, width);
            linalg::add_gram(self.down.as_mut(), part.transpose());
        }
    }
}

/// Copies the lower triangle onto the upper one.
fn mirror(x: &mut Mat<f64>) {
    for j in 0..x.ncols() {
        for i in 0..j {
            x[(i, j)] = x[(j, i)];
        }
    }
}
