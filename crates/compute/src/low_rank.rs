//! A factor pair: ΔW = scale · up · down, and its thin SVD.

use crate::{Error, linalg};
use faer::Mat;

/// One module's low-rank change, ΔW = scale · up · down (out×columns).
#[derive(Clone, Debug, PartialEq)]
pub struct FactorPair {
    /// Rows of ΔW.
    pub out: usize,
    /// Columns of ΔW (for a convolution: in·kh·kw).
    pub columns: usize,
    /// Columns of `up`, rows of `down`.
    pub rank: usize,
    /// B, out×rank, row-major.
    pub up: Vec<f32>,
    /// A, rank×columns, row-major.
    pub down: Vec<f32>,
    /// The factor that is not folded into `up` or `down`.
    pub scale: f64,
}

impl FactorPair {
    /// A pair whose delta is zero, of rank `rank`.
    pub fn zero(out: usize, columns: usize, rank: usize) -> Self {
        FactorPair { out, columns, rank, up: vec![0.0; out * rank], down: vec![0.0; rank * columns], scale: 1.0 }
    }

    /// ⟨ΔW, ΔW'⟩_F of two pairs of one size, without a dense matrix. Costs (out + columns)·r·r' multiply-adds.
    pub fn inner(&self, other: &FactorPair) -> f64 {
        let up = |pair: &FactorPair| Mat::from_fn(pair.out, pair.rank, |i, p| f64::from(pair.up[i * pair.rank + p]));
        let down = |pair: &FactorPair| {
            Mat::from_fn(pair.columns, pair.rank, |i, p| f64::from(pair.down[p * pair.columns + i]))
        };
        let ups = linalg::product(up(self).transpose(), up(other).as_ref());
        let downs = linalg::product(down(self).transpose(), down(other).as_ref());
        self.scale * other.scale * linalg::inner(ups.as_ref(), downs.as_ref())
    }
}

/// Thin SVD of Σ cᵢ·upᵢ·downᵢ, in f64 throughout: the robust, slower way that
/// holds for any conditioning.
pub struct ThinSvd {
    /// out×q, orthonormal columns.
    pub u: Mat<f64>,
    /// q singular values, descending; q = min(out, columns, Σ ranks).
    pub sigma: Vec<f64>,
    /// columns×q, orthonormal columns.
    pub v: Mat<f64>,
}

impl ThinSvd {
    /// Decomposes the stack of `units`, each (coefficient, pair, slot): one
    /// rank-one unit coefficient · up[:, slot] · down[slot, :].
    ///
    /// QR of both stacked factors, SVD of the small core R_b·R_aᵀ. Costs
    /// O((out + columns)·R²) in f64.
    pub fn of_units(units: &[(f64, &FactorPair, usize)]) -> Result<ThinSvd, Error> {
        let Some((_, first, _)) = units.first() else {
            return Err(Error::NoConvergence);
        };
        let up = Mat::from_fn(first.out, units.len(), |i, j| {
            let (c, pair, slot) = units[j];
            c * f64::from(pair.up[i * pair.rank + slot])
        });
        let down = Mat::from_fn(first.columns, units.len(), |i, j| {
            let (_, pair, slot) = units[j];
            f64::from(pair.down[slot * pair.columns + i])
        });
        let (q_up, r_up) = linalg::thin_qr(up.as_ref());
        let (q_down, r_down) = linalg::thin_qr(down.as_ref());
        let core = linalg::product(r_up.as_ref(), r_down.transpose());
        let svd = linalg::svd(core.as_ref())?;
        Ok(ThinSvd {
            u: linalg::product(q_up.as_ref(), svd.u.as_ref()),
            sigma: svd.sigma,
            v: linalg::product(q_down.as_ref(), svd.v.as_ref()),
        })
    }
}
