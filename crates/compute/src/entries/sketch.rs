//! The best pair of rank k for a merged M that is only ever seen in panels: a randomised SVD.
//!
//! ```text
//! Z (columns×q)  starts with the right singular vectors of Σ wᵢ·ΔWᵢ and random columns,  q = k + 16
//! repeat         Z' = Mᵀ·(M·Z)   in one look at M;   the eigenvalues of Zᵀ·Z' are σ² as Z sees them
//!                Z = orthonormal(Z')
//! until          the k largest of them have stopped growing
//! at last        Y = M·Z = Q·R,  R = P·Σ·Wᵀ     ⇒     M ≈ (Q·P)·Σ·(Z·W)ᵀ
//! ```
//!
//! As the panels of M are at hand for both products, a power iteration is one look and not two. What a result that is
//! made of the adapters keeps of their directions makes theirs a good start. (METHODS §16.7; Halko, Martinsson, Tropp
//! 2011, <https://arxiv.org/abs/0909.4061>.) Where q is no small part of M's sides M is formed and decomposed.

use super::{Backend, Cpu, Entries};
use crate::combine::{Combination, Nulls, combine, energy};
use crate::linalg::{self, Svd};
use crate::rng::Stream;
use crate::{Error, FactorPair, Grams, RankPolicy};
use faer::Mat;

/// Columns of Z beyond the rank that is wanted.
const OVERSAMPLING: usize = 16;

/// Looks at M after which Z is taken as it is.
const MOST_LOOKS: usize = 8;

/// The k largest have stopped growing when a look adds no more than this share to them.
const GROWTH: f64 = 5e-4;

/// M at the rank asked for.
pub struct Sketch {
    /// The pair, what was kept and what lost.
    pub combination: Combination,
    /// Looks at M that it took.
    pub looks: usize,
}

/// M of `entries` at the rank that `policy` asks for, and no more than `most`. `grams` are the pairs', `weights` those
/// whose sum resembles M; `stream` is where random columns come from.
///
/// # Errors
/// `NoConvergence` of a decomposition; `Device` of the backend.
pub async fn truncated(
    backend: &dyn Backend,
    entries: Entries<'_>,
    grams: &Grams,
    weights: &[f64],
    policy: RankPolicy,
    stream: Stream,
) -> Result<Sketch, Error> {
    let (out, columns) = (entries.out(), entries.columns());
    let wanted = policy.bound(out.min(columns));
    let q = (wanted + OVERSAMPLING).min(columns);
    if 2 * q >= out.min(columns) {
        return whole(entries, policy);
    }
    let start = combine(entries.pairs, grams, weights, RankPolicy::Fixed(q), Nulls::Drop)?.pair;
    let mut z = orthonormal(&Mat::from_fn(columns, q, |i, l| {
        if l < start.rank { f64::from(start.down[l * columns + i]) } else { stream.normal((l * columns + i) as u64) }
    }));
    let (mut total, mut before, mut looks) = (0.0, 0.0, 0);
    while looks < MOST_LOOKS {
        let powered = backend.power(entries, &single(&z)).await?;
        (total, looks) = (powered.total, looks + 1);
        let next = Mat::from_fn(columns, q, |i, l| f64::from(powered.z[(i, l)]));
        if !next.norm_l2().is_finite() || !total.is_finite() {
            return Err(Error::NoConvergence);
        }
        let seen = linalg::svd(linalg::product(z.transpose(), next.as_ref()).as_ref())?.sigma;
        let largest: f64 = seen.iter().take(wanted).sum();
        z = orthonormal(&next);
        if largest - before <= GROWTH * largest {
            break;
        }
        before = largest;
    }
    let seen = backend.times(entries, &single(&z)).await?;
    let (q_left, r) = linalg::thin_qr(Mat::from_fn(out, q, |i, l| f64::from(seen[(i, l)])).as_ref());
    let Svd { u, sigma, v } = linalg::svd(r.as_ref())?;
    let rank = policy.choose_of(&sigma, total);
    let u = linalg::product(q_left.as_ref(), u.as_ref().subcols(0, rank));
    let v = linalg::product(z.as_ref(), v.as_ref().subcols(0, rank));
    Ok(Sketch { combination: combination(entries, &Svd { u, sigma, v }, rank, total.max(0.0)), looks: looks + 1 })
}

/// By way of M itself.
fn whole(entries: Entries, policy: RankPolicy) -> Result<Sketch, Error> {
    let mut merged = Mat::<f64>::zeros(entries.columns(), entries.out());
    let mut next = 0;
    Cpu.rows(entries, |row| {
        merged.col_as_slice_mut(next).iter_mut().zip(row).for_each(|(to, from)| *to = f64::from(*from));
        next += 1;
    });
    let total = merged.squared_norm_l2();
    if !total.is_finite() {
        return Err(Error::NoConvergence);
    }
    let svd = linalg::svd(merged.transpose())?;
    let rank = policy.choose_of(&svd.sigma, total);
    Ok(Sketch { combination: combination(entries, &svd, rank, total), looks: 1 })
}

fn combination(entries: Entries, svd: &Svd, rank: usize, total: f64) -> Combination {
    let (out, columns) = (entries.out(), entries.columns());
    let mut pair = FactorPair::zero(out, columns, rank);
    for (l, sigma) in svd.sigma.iter().take(rank).enumerate() {
        let root = sigma.sqrt();
        (0..out).for_each(|i| pair.up[i * rank + l] = (svd.u[(i, l)] * root) as f32);
        (0..columns).for_each(|i| pair.down[l * columns + i] = (svd.v[(i, l)] * root) as f32);
    }
    let kept = energy(&svd.sigma[..rank]);
    let inner = entries.pairs.iter().map(|of| pair.inner(of)).collect();
    Combination { pair, total, kept, lost: (total - kept).max(0.0), inner }
}

fn orthonormal(x: &Mat<f64>) -> Mat<f64> {
    linalg::thin_qr(x.as_ref()).0
}

fn single(x: &Mat<f64>) -> Mat<f32> {
    Mat::from_fn(x.nrows(), x.ncols(), |i, l| x[(i, l)] as f32)
}
