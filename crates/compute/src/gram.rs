//! The two Gram matrices of a module's stacked factors.

use crate::by_dense::inner_products;
use crate::stack::{down_panels, up_panels};
use crate::{Error, FactorPair, linalg};
use faer::Mat;
use std::borrow::Cow;

/// BᵀB and AAᵀ of the stacked factors B = [B₁|…|B_T], A = [A₁;…;A_T] of one
/// module, accumulated in f64 (R×R each, R = Σ ranks).
///
/// They hold every inner product of the deltas:
/// ⟨ΔWᵢ, ΔWⱼ⟩ = sᵢ·sⱼ·Σ (BᵢᵀBⱼ) ∘ (AᵢAⱼᵀ).
///
/// Where R is larger than the matrix, min(out, columns), they would cost more than the deltas themselves: then the inner
/// products are taken from those, panel by panel, and the two matrices stay empty (see `by_dense`).
pub struct Grams {
    /// BᵀB, full symmetric; 0×0 where R > min(out, columns).
    pub(crate) up: Mat<f64>,
    /// AAᵀ, full symmetric; 0×0 where R > min(out, columns).
    pub(crate) down: Mat<f64>,
    /// The diagonal of BᵀB: ‖b_p‖² of every unit.
    pub up_norms: Vec<f64>,
    /// The diagonal of AAᵀ.
    pub down_norms: Vec<f64>,
    /// Pair i owns the rank slots offsets[i]..offsets[i + 1].
    pub offsets: Vec<usize>,
    scales: Vec<f64>,
    /// ⟨ΔWᵢ, ΔWⱼ⟩, where the matrices are empty.
    dense: Option<Vec<f64>>,
}

impl Grams {
    /// Computes both matrices. Costs (out + columns)·R² multiply-adds, or out·columns·R where R > min(out, columns).
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
        let dense = pairs.first().is_some_and(|p| units > p.out.min(p.columns));
        let size = if dense { 0 } else { units };
        let mut grams = Grams {
            up: Mat::zeros(size, size),
            down: Mat::zeros(size, size),
            up_norms: Vec::new(),
            down_norms: Vec::new(),
            offsets,
            scales: pairs.iter().map(|p| p.scale).collect(),
            dense: None,
        };
        if dense {
            grams.dense = Some(inner_products(pairs));
            grams.up_norms = pairs.iter().flat_map(column_norms).collect();
            grams.down_norms = pairs.iter().flat_map(row_norms).collect();
            return Ok(grams);
        }
        let Grams { up, down, up_norms, down_norms, offsets, .. } = &mut grams;
        up_panels(pairs, offsets, |_, panel| linalg::add_gram(up.as_mut(), panel));
        down_panels(pairs, offsets, |_, panel| linalg::add_gram(down.as_mut(), panel.transpose()));
        mirror(up);
        mirror(down);
        *up_norms = (0..units).map(|i| up[(i, i)]).collect();
        *down_norms = (0..units).map(|i| down[(i, i)]).collect();
        Ok(grams)
    }

    /// BᵀB of `pairs`, whose Gram matrices these are; computed here where it was not needed before.
    pub fn whole_up(&self, pairs: &[FactorPair]) -> Cow<'_, Mat<f64>> {
        if !self.is_dense() {
            return Cow::Borrowed(&self.up);
        }
        let mut up = Mat::zeros(self.up_norms.len(), self.up_norms.len());
        up_panels(pairs, &self.offsets, |_, panel| linalg::add_gram(up.as_mut(), panel));
        mirror(&mut up);
        Cow::Owned(up)
    }

    /// AAᵀ of `pairs`, as [`Grams::whole_up`].
    pub fn whole_down(&self, pairs: &[FactorPair]) -> Cow<'_, Mat<f64>> {
        if !self.is_dense() {
            return Cow::Borrowed(&self.down);
        }
        let mut down = Mat::zeros(self.down_norms.len(), self.down_norms.len());
        down_panels(pairs, &self.offsets, |_, panel| linalg::add_gram(down.as_mut(), panel.transpose()));
        mirror(&mut down);
        Cow::Owned(down)
    }

    /// Were the deltas formed instead of the two matrices?
    pub(crate) fn is_dense(&self) -> bool {
        self.dense.is_some()
    }

    /// ⟨ΔWᵢ, ΔWⱼ⟩_F, scales included.
    pub fn inner(&self, i: usize, j: usize) -> f64 {
        if let Some(dense) = &self.dense {
            return dense[i * self.scales.len() + j];
        }
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

/// ‖b_p‖² of every column of B.
fn column_norms(pair: &FactorPair) -> Vec<f64> {
    let mut norms = vec![0.0; pair.rank];
    for row in pair.up.chunks_exact(pair.rank.max(1)) {
        norms.iter_mut().zip(row).for_each(|(norm, x)| *norm += f64::from(*x) * f64::from(*x));
    }
    norms
}

/// ‖a_p‖² of every row of A.
fn row_norms(pair: &FactorPair) -> Vec<f64> {
    let norm = |row: &[f32]| row.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
    pair.down.chunks_exact(pair.columns.max(1)).map(norm).collect()
}

/// Copies the lower triangle onto the upper one.
fn mirror(x: &mut Mat<f64>) {
    for j in 0..x.ncols() {
        for i in 0..j {
            x[(i, j)] = x[(j, i)];
        }
    }
}
