//! The dense way to a sum: where the stack has more units than the matrix has rows or columns, ΔW itself is smaller
//! than its factors, and forming it once is cheaper than the Gram matrices or a QR of them.
//!
//! ΔW is formed in f64, in panels along its longer side (n = min(out, columns) is the shorter one):
//!
//! ```text
//! panel of ΔWᵢ = short factor (n×rᵢ) · part of the long factor (rᵢ×256)      none where the short factor is the identity
//! S = Σ wᵢ·sᵢ·panelᵢ          G = S·Sᵀ (n×n) says whether S has full rank
//! ```
//!
//! | wanted | written |
//! |---|---|
//! | every direction, and all n are there | ΔW in f32 and the identity: rank n, nothing is decomposed |
//! | fewer | the SVD of S |
//!
//! Memory: ΔW in f32, G and the short factors in f64 (n·(n + R)), and one panel per pair; with an SVD ΔW in f64 and its
//! singular vectors. The Gram way would need R² and the QR way (out + columns)·R, R > n.

use crate::combine::{Combination, Sum, balance, energy};
use crate::{Error, FactorPair, NULL, RankPolicy, linalg};
use faer::{Mat, MatRef};
use std::ops::Range;

/// Columns of a panel.
const PANEL: usize = 256;

/// Singular values at or below this share of Σ wᵢ·‖ΔWᵢ‖ are what f64 rounding leaves of deltas that cancel.
const DUST: f64 = 1e-12;

/// Least squared sine between a row of S and those before it for which G may be trusted about the rank.
const LEAST_PIVOT: f64 = 1e-9;

/// Σ kᵢ·ΔWᵢ by panels; ΔW stands upright or lies, so that a panel has n rows.
pub(crate) struct Panels<'a> {
    pairs: &'a [FactorPair],
    /// ΔW is at least as high as it is wide: a panel holds some of its rows, one per column.
    tall: bool,
    /// n×r, one per pair; none for the identity.
    short: Vec<Option<Mat<f64>>>,
}

impl<'a> Panels<'a> {
    /// Of pairs that share out×columns.
    pub(crate) fn new(pairs: &'a [FactorPair]) -> Self {
        let tall = pairs.first().is_some_and(|p| p.out >= p.columns);
        let short = |pair: &FactorPair| {
            let (values, n) = if tall { (&pair.down, pair.columns) } else { (&pair.up, pair.out) };
            if pair.rank == n && is_identity(values, n) {
                return None;
            }
            Some(match tall {
                true => Mat::from_fn(n, pair.rank, |i, p| f64::from(values[p * n + i])),
                false => Mat::from_fn(n, pair.rank, |i, p| f64::from(values[i * pair.rank + p])),
            })
        };
        Panels { pairs, tall, short: pairs.iter().map(short).collect() }
    }

    /// Rows of a panel: min(out, columns).
    fn rows(&self) -> usize {
        self.pairs.first().map_or(0, |p| p.out.min(p.columns))
    }

    fn length(&self) -> usize {
        self.pairs.first().map_or(0, |p| p.out.max(p.columns))
    }

    /// Calls `each` with runs along the longer side and the panels (n×run) of all pairs there, without their scales.
    pub(crate) fn each(&self, mut each: impl FnMut(Range<usize>, &[Mat<f64>])) {
        for start in (0..self.length()).step_by(PANEL) {
            let range = start..self.length().min(start + PANEL);
            let panels: Vec<Mat<f64>> = (0..self.pairs.len()).map(|i| self.panel(i, range.clone())).collect();
            each(range, &panels);
        }
    }

    fn panel(&self, i: usize, range: Range<usize>) -> Mat<f64> {
        let pair = &self.pairs[i];
        let long = match self.tall {
            true => Mat::from_fn(pair.rank, range.len(), |p, j| f64::from(pair.up[(range.start + j) * pair.rank + p])),
            false => {
                Mat::from_fn(pair.rank, range.len(), |p, j| f64::from(pair.down[p * pair.columns + range.start + j]))
            }
        };
        match &self.short[i] {
            Some(short) => linalg::product(short.as_ref(), long.as_ref()),
            None => long,
        }
    }

    /// Calls `each` with the panels of Σ by[i]·panelᵢ.
    fn sum(&self, by: &[f64], mut each: impl FnMut(Range<usize>, MatRef<'_, f64>)) {
        self.each(|range, panels| {
            let mut sum = Mat::<f64>::zeros(self.rows(), range.len());
            for (panel, by) in panels.iter().zip(by).filter(|(_, by)| **by != 0.0) {
                for j in 0..range.len() {
                    let (to, from) = (sum.col_as_slice_mut(j), panel.col_as_slice(j));
                    to.iter_mut().zip(from).for_each(|(to, from)| *to += by * from);
                }
            }
            each(range, sum.as_ref());
        });
    }
}

/// Are the n×n values those of the identity?
pub(crate) fn is_identity(values: &[f32], n: usize) -> bool {
    values.chunks_exact(n).enumerate().all(|(i, row)| row.iter().enumerate().all(|(j, x)| *x == f32::from(i == j)))
}

/// ⟨ΔWᵢ, ΔWⱼ⟩ of all pairs, scales included, row-major.
pub(crate) fn inner_products(pairs: &[FactorPair]) -> Vec<f64> {
    let count = pairs.len();
    let mut out = vec![0.0; count * count];
    Panels::new(pairs).each(|range, panels| {
        for i in 0..count {
            for k in 0..=i {
                let column = |j| dot(panels[i].col_as_slice(j), panels[k].col_as_slice(j));
                out[i * count + k] += (0..range.len()).map(column).sum::<f64>();
            }
        }
    });
    for i in 0..count {
        for k in 0..=i {
            out[i * count + k] *= pairs[i].scale * pairs[k].scale;
            out[k * count + i] = out[i * count + k];
        }
    }
    out
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl Sum<'_> {
    /// The dense way.
    pub(crate) fn by_dense(&self, policy: RankPolicy) -> Result<Combination, Error> {
        let panels = Panels::new(self.pairs);
        let by: Vec<f64> = self.pairs.iter().zip(self.weights).map(|(pair, weight)| weight * pair.scale).collect();
        let (n, length) = (panels.rows(), panels.length());
        if policy.keeps_all(n)
            && let Some(whole) = self.whole(&panels, &by)
        {
            return Ok(whole);
        }
        let mut sum = Mat::<f64>::zeros(n, length);
        panels.sum(&by, |range, panel| sum.as_mut().subcols_mut(range.start, range.len()).copy_from(panel));
        let mut svd = linalg::svd(sum.as_ref())?;
        let floor = DUST * self.added();
        svd.sigma.iter_mut().filter(|s| **s <= floor).for_each(|s| *s = 0.0);
        let rank = policy.choose(&svd.sigma);
        let total = energy(&svd.sigma);
        if rank == n && policy.keeps_all(n) {
            let mut delta = vec![0.0; n * length];
            place(&mut delta, sum.as_ref(), 0, panels.tall, length);
            return Ok(self.with_identity(delta, total));
        }
        let (left, right) = if panels.tall { (&svd.v, &svd.u) } else { (&svd.u, &svd.v) };
        let (out, columns) = (self.pairs[0].out, self.pairs[0].columns);
        let mut pair = FactorPair::zero(out, columns, rank);
        for l in 0..rank {
            let root = svd.sigma[l].sqrt();
            for i in 0..out {
                pair.up[i * rank + l] = (left[(i, l)] * root) as f32;
            }
            for i in 0..columns {
                pair.down[l * columns + i] = (right[(i, l)] * root) as f32;
            }
        }
        // ⟨M, ΔWᵢ⟩ = sᵢ·Σ_l σ_l·(ΔWᵢ·v_l)·u_l, panel by panel.
        let mut inner = vec![0.0; self.pairs.len()];
        panels.each(|range, all| {
            for (inner, panel) in inner.iter_mut().zip(all) {
                let along = svd.v.as_ref().subrows(range.start, range.len()).subcols(0, rank);
                let through = linalg::product(panel.as_ref(), along);
                let term = |l: usize| svd.sigma[l] * dot(through.col_as_slice(l), svd.u.col_as_slice(l));
                *inner += (0..rank).map(term).sum::<f64>();
            }
        });
        inner.iter_mut().zip(self.pairs).for_each(|(inner, pair)| *inner *= pair.scale);
        Ok(Combination { pair, total, kept: energy(&svd.sigma[..rank]), lost: energy(&svd.sigma[rank..]), inner })
    }

    /// ΔW and the identity, where ΔW surely has full rank.
    fn whole(&self, panels: &Panels, by: &[f64]) -> Option<Combination> {
        let (n, length) = (panels.rows(), panels.length());
        let (mut delta, mut gram, mut total) = (vec![0.0; n * length], Mat::<f64>::zeros(n, n), 0.0);
        panels.sum(by, |range, panel| {
            place(&mut delta, panel, range.start, panels.tall, length);
            linalg::add_gram(gram.as_mut(), panel);
            total += panel.squared_norm_l2();
        });
        // σ_min ≥ 1/‖L⁻¹‖, σ_max ≤ ‖S‖.
        let lower = linalg::cholesky(gram.as_ref(), LEAST_PIVOT)?;
        let bound = NULL.max(DUST * self.added() / total.sqrt()) * linalg::inverse_norm(lower.as_ref()) * total.sqrt();
        (bound < 1.0).then(|| self.with_identity(delta, total))
    }

    /// The pair of ΔW (row-major, out×columns) and the identity on the shorter side; powers of two move between them
    /// where one side would leave f16's range.
    fn with_identity(&self, mut delta: Vec<f32>, total: f64) -> Combination {
        let (out, columns) = (self.pairs[0].out, self.pairs[0].columns);
        let rank = out.min(columns);
        let shift = balance((total / delta.len() as f64).sqrt(), (rank as f64).sqrt().recip());
        let mut identity = vec![0.0; rank * rank];
        identity.iter_mut().step_by(rank + 1).for_each(|x| *x = (1.0 / shift) as f32);
        if shift != 1.0 {
            delta.iter_mut().for_each(|x| *x *= shift as f32);
        }
        let (up, down) = if out >= columns { (delta, identity) } else { (identity, delta) };
        let pair = FactorPair { out, columns, rank, up, down, scale: 1.0 };
        Combination { pair, total, kept: total, lost: 0.0, inner: self.inner_of_all() }
    }
}

/// Writes a panel into ΔW (row-major) as f32, rounded once.
fn place(delta: &mut [f32], panel: MatRef<'_, f64>, start: usize, tall: bool, length: usize) {
    let n = panel.nrows();
    for j in 0..panel.ncols() {
        for i in 0..n {
            let at = if tall { (start + j) * n + i } else { i * length + start + j };
            delta[at] = panel[(i, j)] as f32;
        }
    }
}
