//! The fast way to the best rank-k pair of a sum: from its Gram matrices.
//!
//! With L_B, L_A the Cholesky factors of the Gram matrices of the stacked
//! factors (B = Q_B·L_Bᵀ, Aᵀ = Q_A·L_Aᵀ, Q orthonormal) the sum is
//!
//! ```text
//! S = B·C·A = Q_B·K·Q_Aᵀ      K = L_Bᵀ·C·L_A = P·Σ·Wᵀ     (R×R)
//! ```
//!
//! so its singular values are those of K, and the best rank-k pair is
//!
//! ```text
//! up   = S·V_k·Σ_k^-½  = B·(C·L_A·W_k·Σ_k^-½)
//! down = Σ_k^-½·U_kᵀ·S = (C·L_B·P_k·Σ_k^-½)ᵀ·A
//! ```
//!
//! which takes one thin product per side and no orthonormal basis at all.

use crate::combine::{Combination, Sum, energy};
use crate::stack::{mixed_down, mixed_up};
use crate::{Error, FactorPair, NULL, RankPolicy, linalg};
use faer::Mat;

/// Least squared sine between a unit's factor and those before it for which this
/// way is taken; in f64 it leaves 7 digits of orthogonality.
const LEAST_PIVOT: f64 = 1e-9;

/// Largest growth of f64 rounding (1e-16) in the thin products, relative to the
/// result: inputs that cancel to less than a millionth go the other way.
const LARGEST_GROWTH: f64 = 1e6;

impl Sum<'_> {
    /// The fast way; `None` where it would not be accurate.
    pub(crate) fn by_gram(&self, policy: RankPolicy) -> Result<Option<Combination>, Error> {
        let n = self.units.len();
        let up = linalg::cholesky(self.restrict(&self.grams.up).as_ref(), LEAST_PIVOT);
        let down = linalg::cholesky(self.restrict(&self.grams.down).as_ref(), LEAST_PIVOT);
        let (Some(up), Some(down)) = (up, down) else {
            return Ok(None);
        };
        let weighted = Mat::from_fn(n, n, |i, j| self.units[i].coefficient * down[(i, j)]);
        let core = linalg::product(up.transpose(), weighted.as_ref());
        if policy.keeps_all(n) {
            // σ_min(K) ≥ 1/(‖L_B⁻¹‖·‖(C·L_A)⁻¹‖), σ_max(K) ≤ ‖K‖_F: often enough to
            // know that no direction is null, at a fraction of an SVD's cost.
            let bound = linalg::inverse_norm(up.as_ref()) * linalg::inverse_norm(weighted.as_ref());
            if 1.0 > NULL * bound * core.norm_l2() {
                return Ok((!self.cancels(core.squared_norm_l2())).then(|| self.verbatim()));
            }
        }
        let svd = linalg::svd(core.as_ref())?;
        let rank = policy.choose(&svd.sigma);
        if rank == n {
            return Ok((!self.cancels(energy(&svd.sigma))).then(|| self.verbatim()));
        }
        let on_up = linalg::product(up.as_ref(), svd.u.as_ref().subcols(0, rank));
        let on_down = linalg::product(down.as_ref(), svd.v.as_ref().subcols(0, rank));
        let from_up = self.mixing(&on_down, &svd.sigma);
        let from_down = self.mixing(&on_up, &svd.sigma);
        let total: f64 = energy(&svd.sigma);
        let kept = energy(&svd.sigma[..rank]);
        let growth =
            self.growth(&self.grams.up, &from_up, &svd.sigma) + self.growth(&self.grams.down, &from_down, &svd.sigma);
        if growth > LARGEST_GROWTH * LARGEST_GROWTH * total {
            return Ok(None);
        }
        let mut inner = vec![0.0; self.pairs.len()];
        for l in 0..rank {
            for (j, unit) in self.units.iter().enumerate() {
                let share = svd.sigma[l] * on_up[(j, l)] * on_down[(j, l)];
                inner[unit.pair] += self.pairs[unit.pair].scale * share;
            }
        }
        // Units left out (zero, or of weight 0) may still overlap M.
        self.add_overlap_of_absent(&mut inner, &from_up, &from_down);
        let pair = self.mixed(&from_up, &from_down);
        Ok(Some(Combination { pair, total, kept, lost: energy(&svd.sigma[rank..]), inner }))
    }

    /// C·X·Σ^-½: how the units mix into one factor's columns (units×rank).
    fn mixing(&self, on: &Mat<f64>, sigma: &[f64]) -> Mat<f64> {
        Mat::from_fn(on.nrows(), on.ncols(), |j, l| self.units[j].coefficient * on[(j, l)] / sigma[l].sqrt())
    }

    /// Σ over entries of (‖unit‖·|mix|)² times the partner's norm: the square of
    /// what rounding in the thin product can move, in units of its ulp.
    fn growth(&self, gram: &Mat<f64>, mix: &Mat<f64>, sigma: &[f64]) -> f64 {
        let mut sum = 0.0;
        for l in 0..mix.ncols() {
            for (j, unit) in self.units.iter().enumerate() {
                sum += gram[(unit.index, unit.index)] * mix[(j, l)] * mix[(j, l)] * sigma[l];
            }
        }
        sum
    }

    /// ⟨M, ΔWᵢ⟩ of inputs that contribute no unit: Σ over their slots p of
    /// (Bᵀ·up)[p,:]·(A·downᵀ)[p,:], again from the Gram matrices.
    fn add_overlap_of_absent(&self, inner: &mut [f64], from_up: &Mat<f64>, from_down: &Mat<f64>) {
        for (i, value) in inner.iter_mut().enumerate() {
            if self.units.iter().any(|unit| unit.pair == i) {
                continue;
            }
            let mut sum = 0.0;
            for p in self.grams.offsets[i]..self.grams.offsets[i + 1] {
                for l in 0..from_up.ncols() {
                    let on = |gram: &Mat<f64>, mix: &Mat<f64>| -> f64 {
                        let terms = self.units.iter().enumerate();
                        terms.map(|(j, u)| gram[(p, u.index)] * mix[(j, l)]).sum()
                    };
                    sum += on(&self.grams.up, from_up) * on(&self.grams.down, from_down);
                }
            }
            *value = self.pairs[i].scale * sum;
        }
    }

    /// up = B·`from_up`, down = `from_down`ᵀ·A, in f64 and rounded once.
    fn mixed(&self, from_up: &Mat<f64>, from_down: &Mat<f64>) -> FactorPair {
        let (out, columns, rank) = (self.pairs[0].out, self.pairs[0].columns, from_up.ncols());
        let offsets = &self.grams.offsets;
        let up = mixed_up(self.pairs, offsets, &self.over_all_slots(from_up));
        let down = mixed_down(self.pairs, offsets, &self.over_all_slots(from_down));
        FactorPair { out, columns, rank, up, down, scale: 1.0 }
    }

    /// Rows of `mix` (units×rank) at their slots of the whole stack; zero for slots
    /// that take no part.
    fn over_all_slots(&self, mix: &Mat<f64>) -> Mat<f64> {
        let mut all = Mat::zeros(self.grams.up.nrows(), mix.ncols());
        for (j, unit) in self.units.iter().enumerate() {
            all.row_mut(unit.index).copy_from(mix.row(j));
        }
        all
    }

    /// The Gram matrix of the units alone.
    fn restrict(&self, gram: &Mat<f64>) -> Mat<f64> {
        let n = self.units.len();
        Mat::from_fn(n, n, |i, j| gram[(self.units[i].index, self.units[j].index)])
    }
}
