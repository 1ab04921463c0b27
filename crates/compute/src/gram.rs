//! The two Gram matrices of a module's stacked factors.

use crate::stack::{down_panels, up_panels};
use crate::{Error, FactorPair, linalg};
use faer::Mat;

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
        let Grams { up, down, offsets, .. } = &mut grams;
        up_panels(pairs, offsets, |_, panel| linalg::add_gram(up.as_mut(), panel));
        down_panels(pairs, offsets, |_, panel| linalg::add_gram(down.as_mut(), panel.transpose()));
        mirror(up);
        mirror(down);
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
}

/// Copies the lower triangle onto the upper one.
fn mirror(x: &mut Mat<f64>) {
    for j in 0..x.ncols() {
        for i in 0..j {
            x[(i, j)] = x[(j, i)];
        }
    }
}
