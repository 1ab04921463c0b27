//! The robust way to the best rank-k pair of a sum: QR of both stacked factors in
//! f64, accurate for any conditioning.

use crate::combine::{Combination, Sum, energy};
use crate::{Error, FactorPair, RankPolicy, ThinSvd, linalg};
use faer::Mat;

/// Singular values at or below this share of Σ‖c·unit‖ are what f64 rounding leaves
/// of directions that cancel, and count as zero.
const DUST: f64 = 1e-12;

/// Share of Σ‖c·unit‖ below which a sum counts as cancelled: the stack would keep five digits of it at best.
const CANCELLED: f64 = 1e-2;

impl Sum<'_> {
    /// The robust way: f64 QR of both stacks.
    pub(crate) fn by_qr(&self, policy: RankPolicy) -> Result<Combination, Error> {
        let units: Vec<_> = self.units.iter().map(|u| (u.coefficient, &self.pairs[u.pair], u.slot)).collect();
        let mut svd = ThinSvd::of_units(&units)?;
        let floor = DUST * self.added();
        svd.sigma.iter_mut().filter(|s| **s <= floor).for_each(|s| *s = 0.0);
        let rank = policy.choose(&svd.sigma);
        if rank == self.units.len() && !self.cancels(energy(&svd.sigma)) {
            return Ok(self.verbatim());
        }
        let (out, columns) = (self.pairs[0].out, self.pairs[0].columns);
        let mut pair = FactorPair::zero(out, columns, rank);
        for l in 0..rank {
            let root = svd.sigma[l].sqrt();
            for i in 0..out {
                pair.up[i * rank + l] = (svd.u[(i, l)] * root) as f32;
            }
            for i in 0..columns {
                pair.down[l * columns + i] = (svd.v[(i, l)] * root) as f32;
            }
        }
        let inner = self.pairs.iter().map(|p| svd.inner(p, rank)).collect();
        Ok(Combination {
            pair,
            total: energy(&svd.sigma),
            kept: energy(&svd.sigma[..rank]),
            lost: energy(&svd.sigma[rank..]),
            inner,
        })
    }
}

impl Sum<'_> {
    /// Is so little left of what is added up that the stack's f32 rounding would show in it? `total` is ‖Σ c·unit‖²_F.
    pub(crate) fn cancels(&self, total: f64) -> bool {
        let added = self.added();
        total < CANCELLED * CANCELLED * added * added
    }

    /// Σ‖c·unit‖_F: what is added up, before anything cancels.
    pub(crate) fn added(&self) -> f64 {
        let norm = |i: usize| (self.grams.up_norms[i] * self.grams.down_norms[i]).sqrt();
        self.units.iter().map(|unit| unit.coefficient.abs() * norm(unit.index)).sum()
    }
}

impl ThinSvd {
    /// ⟨U_k·Σ_k·V_kᵀ, ΔW⟩ = s·Σ_l σ_l·Σ_p (Bᵀu_l)_p·(A·v_l)_p.
    fn inner(&self, pair: &FactorPair, rank: usize) -> f64 {
        let up = Mat::from_fn(pair.rank, pair.out, |p, i| f64::from(pair.up[i * pair.rank + p]));
        let down = Mat::from_fn(pair.rank, pair.columns, |p, i| f64::from(pair.down[p * pair.columns + i]));
        let on_up = linalg::product(up.as_ref(), self.u.as_ref().subcols(0, rank));
        let on_down = linalg::product(down.as_ref(), self.v.as_ref().subcols(0, rank));
        let mut sum = 0.0;
        for l in 0..rank {
            for p in 0..pair.rank {
                sum += self.sigma[l] * on_up[(p, l)] * on_down[(p, l)];
            }
        }
        pair.scale * sum
    }
}
