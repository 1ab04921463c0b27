//! Core space: a module's adapters turned into small matrices, without loss.
//!
//! With orthonormal bases of what the stacked factors span, B = \[B₁|…|B_T] = Q_B·R_B (out×p·p×R) and
//! Aᵀ = \[A₁;…;A_T]ᵀ = Q_A·R_A (columns×q·q×R), every delta is a small matrix seen through the same two bases:
//!
//! ```text
//! ΔWᵢ = Q_B·Mᵢ·Q_Aᵀ      Mᵢ = sᵢ·R_B,i·R_A,iᵀ   (p×q, p ≤ R, q ≤ R)
//! ```
//!
//! Norms, inner products, singular values and every rule that commutes with rotations are the same for Mᵢ as for ΔWᵢ,
//! so such a rule works on the Mᵢ and its answer M' is lifted: ΔW' = Q_B·M'·Q_Aᵀ. Rules that look at single entries
//! depend on the basis, which they have to fix first.
//!
//! Each side takes the quick way where it can: R is the Cholesky factor of the Gram matrix and Q = B·R⁻¹ is never
//! formed. Where units are too dependent for that, the stack's f64 SVD gives Q, without its null directions.

use crate::combine::{Combination, energy};
use crate::stack::{mixed_down, mixed_up};
use crate::{Error, FactorPair, Grams, NULL, RankPolicy, linalg};
use faer::{Mat, MatRef};

/// Least squared sine between a unit's factor and those before it for the quick way.
const LEAST_PIVOT: f64 = 1e-9;

/// Largest ‖R⁻¹‖_F (of unit columns) for the quick way: 1e-16 times it is the error of Q's orthogonality.
const LARGEST_INVERSE: f64 = 1e5;

/// A module's adapters in core space.
pub struct Core<'a> {
    pairs: &'a [FactorPair],
    offsets: &'a [usize],
    up: Side,
    down: Side,
}

/// One side: stack = Q·coordinates.
struct Side {
    /// p×R.
    coordinates: Mat<f64>,
    basis: Basis,
}

enum Basis {
    /// Q = stack·mix, with the mix R×p: the zero rows of units that are zero, else L⁻ᵀ of the units' Gram matrix.
    Cholesky { lower: Mat<f64>, units: Vec<usize> },
    /// Q itself.
    Explicit(Mat<f64>),
}

impl<'a> Core<'a> {
    /// The core of `pairs`, whose Gram matrices are `grams`. Costs O(R³), or O((out + columns)·R²) in f64 where units
    /// are nearly dependent.
    pub fn new(pairs: &'a [FactorPair], grams: &'a Grams) -> Result<Core<'a>, Error> {
        let (out, columns) = pairs.first().map_or((0, 0), |p| (p.out, p.columns));
        let on_up = |i: usize, slot: usize, row: usize| f64::from(pairs[i].up[row * pairs[i].rank + slot]);
        let on_down = |i: usize, slot: usize, column: usize| f64::from(pairs[i].down[slot * columns + column]);
        let up = Side::new((&grams.up, &grams.up_norms), out, on_up, grams)?;
        let down = Side::new((&grams.down, &grams.down_norms), columns, on_down, grams)?;
        Ok(Core { pairs, offsets: &grams.offsets, up, down })
    }

    /// p and q: the size of core matrices.
    pub fn size(&self) -> (usize, usize) {
        (self.up.coordinates.nrows(), self.down.coordinates.nrows())
    }

    /// R_B,i: B of pair i in core space (p×rᵢ), without the pair's scale.
    pub fn up(&self, i: usize) -> MatRef<'_, f64> {
        self.up.coordinates.as_ref().subcols(self.offsets[i], self.offsets[i + 1] - self.offsets[i])
    }

    /// R_A,i: Aᵀ of pair i in core space (q×rᵢ).
    pub fn down(&self, i: usize) -> MatRef<'_, f64> {
        self.down.coordinates.as_ref().subcols(self.offsets[i], self.offsets[i + 1] - self.offsets[i])
    }

    /// ΔWᵢ in core space (p×q), scale included.
    pub fn delta(&self, i: usize) -> Mat<f64> {
        let mut delta = linalg::product(self.up(i), self.down(i).transpose());
        let scale = self.pairs[i].scale;
        delta.col_iter_mut().for_each(|column| column.iter_mut().for_each(|x| *x *= scale));
        delta
    }

    /// Q_B·`delta`·Q_Aᵀ as a factor pair of the rank that `policy` asks for, with what truncation loses.
    /// `delta` is p×q and finite.
    pub fn lift(&self, delta: MatRef<'_, f64>, policy: RankPolicy) -> Result<Combination, Error> {
        let (out, columns) = self.pairs.first().map_or((0, 0), |p| (p.out, p.columns));
        let svd = linalg::svd(delta)?;
        let rank = policy.choose(&svd.sigma);
        let half = |u: &Mat<f64>| Mat::from_fn(u.nrows(), rank, |i, l| u[(i, l)] * svd.sigma[l].sqrt());
        let (up, down) = (self.lift_up(half(&svd.u).as_ref()), self.lift_down(half(&svd.v).as_ref()));
        let kept = linalg::assembled(svd.u.as_ref(), &svd.sigma[..rank], svd.v.as_ref());
        let inner = |i: usize| {
            let seen = linalg::product(self.up(i).transpose(), kept.as_ref());
            self.pairs[i].scale * linalg::inner(seen.as_ref(), self.down(i).transpose())
        };
        Ok(Combination {
            pair: FactorPair { out, columns, rank, up, down, scale: 1.0 },
            total: energy(&svd.sigma),
            kept: energy(&svd.sigma[..rank]),
            lost: energy(&svd.sigma[rank..]),
            inner: (0..self.pairs.len()).map(inner).collect(),
        })
    }

    /// Q_B·`x` (out×·) in f64, of an `x` with p rows.
    pub fn lift_up(&self, x: MatRef<'_, f64>) -> Vec<f32> {
        match self.up.lifted(x, self.offsets) {
            Lifted::Mix(mix) => mixed_up(self.pairs, self.offsets, &mix),
            Lifted::Whole(up) => {
                let rank = up.ncols();
                (0..up.nrows() * rank).map(|at| up[(at / rank, at % rank)] as f32).collect()
            }
        }
    }

    /// (Q_A·`x`)ᵀ (·×columns), of an `x` with q rows.
    pub fn lift_down(&self, x: MatRef<'_, f64>) -> Vec<f32> {
        match self.down.lifted(x, self.offsets) {
            Lifted::Mix(mix) => mixed_down(self.pairs, self.offsets, &mix),
            Lifted::Whole(down) => {
                let columns = down.nrows();
                (0..down.ncols() * columns).map(|at| down[(at % columns, at / columns)] as f32).collect()
            }
        }
    }
}

/// Q·x: through the stack, or as it is.
enum Lifted {
    Mix(Mat<f64>),
    Whole(Mat<f64>),
}

impl Side {
    /// `entry(pair, slot, row)` is the stack's entry. Of the Gram matrix only the diagonal is there where the stack is
    /// larger than ΔW.
    fn new(
        (gram, norms): (&Mat<f64>, &[f64]),
        rows: usize,
        entry: impl Fn(usize, usize, usize) -> f64,
        grams: &Grams,
    ) -> Result<Side, Error> {
        let all = norms.len();
        let units: Vec<usize> = (0..all).filter(|i| norms[*i] > 0.0).collect();
        let n = units.len();
        let size = |i: usize| norms[units[i]].sqrt();
        if n <= rows && !grams.is_dense() {
            let unit = Mat::from_fn(n, n, |i, j| gram[(units[i], units[j])] / (size(i) * size(j)));
            let lower = linalg::cholesky(unit.as_ref(), LEAST_PIVOT);
            if let Some(lower) = lower.filter(|lower| linalg::inverse_norm(lower.as_ref()) < LARGEST_INVERSE) {
                let mut coordinates = Mat::zeros(n, all);
                for (j, unit) in units.iter().enumerate() {
                    (0..=j).for_each(|i| coordinates[(i, *unit)] = lower[(j, i)] * size(j));
                }
                let lower = Mat::from_fn(n, n, |i, j| if j <= i { lower[(i, j)] * size(i) } else { 0.0 });
                return Ok(Side { coordinates, basis: Basis::Cholesky { lower, units } });
            }
        }
        if n == 0 {
            return Ok(Side { coordinates: Mat::zeros(0, all), basis: Basis::Explicit(Mat::zeros(rows, 0)) });
        }
        let place = |unit: usize| {
            let pair = grams.offsets.partition_point(|offset| *offset <= unit) - 1;
            (pair, unit - grams.offsets[pair])
        };
        let places: Vec<(usize, usize)> = units.iter().map(|unit| place(*unit)).collect();
        let stack = Mat::from_fn(rows, n, |row, j| entry(places[j].0, places[j].1, row) / size(j));
        // Through the QR factor: its SVD is small.
        let (q, r) = linalg::thin_qr(stack.as_ref());
        let svd = linalg::svd(r.as_ref())?;
        let rank = linalg::rank(&svd.sigma, NULL);
        let basis = linalg::product(q.as_ref(), svd.u.as_ref().subcols(0, rank));
        let mut coordinates = Mat::zeros(rank, all);
        for (j, unit) in units.iter().enumerate() {
            (0..rank).for_each(|l| coordinates[(l, *unit)] = svd.sigma[l] * svd.v[(j, l)] * size(j));
        }
        Ok(Side { coordinates, basis: Basis::Explicit(basis) })
    }

    fn lifted(&self, x: MatRef<'_, f64>, offsets: &[usize]) -> Lifted {
        match &self.basis {
            Basis::Explicit(basis) => Lifted::Whole(linalg::product(basis.as_ref(), x)),
            Basis::Cholesky { lower, units } => {
                let solved = linalg::solve_transposed(lower.as_ref(), x);
                let mut mix = Mat::zeros(offsets[offsets.len() - 1], x.ncols());
                for (j, unit) in units.iter().enumerate() {
                    mix.row_mut(*unit).copy_from(solved.row(j));
                }
                Lifted::Mix(mix)
            }
        }
    }
}
