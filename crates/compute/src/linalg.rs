//! Small dense linear algebra over faer, single-threaded so that every run adds
//! up in the same order. Matrices are column-major f64 unless said otherwise.

use crate::Error;
use faer::linalg::matmul::{matmul, triangular};
use faer::linalg::triangular_inverse::invert_lower_triangular;
use faer::linalg::triangular_solve::solve_upper_triangular_in_place;
use faer::{Accum, Mat, MatMut, MatRef, Par, Side};

/// Singular value decomposition X = U·diag(σ)·Vᵀ of a small matrix, σ descending.
pub struct Svd {
    /// Left singular vectors, one per column.
    pub u: Mat<f64>,
    /// Singular values, descending.
    pub sigma: Vec<f64>,
    /// Right singular vectors, one per column.
    pub v: Mat<f64>,
}

/// Thin SVD of `x` (p×q): min(p, q) singular triples, which may be none. Costs O(p·q·min(p, q)).
pub fn svd(x: MatRef<'_, f64>) -> Result<Svd, Error> {
    if x.nrows().min(x.ncols()) == 0 {
        return Ok(Svd { u: Mat::zeros(x.nrows(), 0), sigma: Vec::new(), v: Mat::zeros(x.ncols(), 0) });
    }
    let svd = x.thin_svd().map_err(|_| Error::NoConvergence)?;
    let sigma = svd.S().column_vector().iter().copied().collect();
    Ok(Svd { u: svd.U().to_owned(), sigma, v: svd.V().to_owned() })
}

/// Thin QR of a tall or wide `x` (p×q): (Q p×l, R l×q), l = min(p, q).
pub fn thin_qr(x: MatRef<'_, f64>) -> (Mat<f64>, Mat<f64>) {
    let qr = x.qr();
    (qr.compute_thin_Q(), qr.thin_R().to_owned())
}

/// Lower Cholesky factor L of a symmetric `gram` = L·Lᵀ, or `None` where a pivot
/// says that the underlying vectors are (nearly) dependent: the squared sine of
/// the angle of one vector to the span of those before it is below `least`.
pub fn cholesky(gram: MatRef<'_, f64>, least: f64) -> Option<Mat<f64>> {
    let factor = gram.llt(Side::Lower).ok()?;
    let lower = factor.L().to_owned();
    let independent = (0..gram.nrows()).all(|j| {
        let pivot = lower[(j, j)] * lower[(j, j)];
        pivot > least * gram[(j, j)]
    });
    independent.then_some(lower)
}

/// ‖L⁻¹‖_F of a lower triangular matrix; 1/‖L⁻¹‖_F bounds its smallest singular
/// value from below.
pub fn inverse_norm(lower: MatRef<'_, f64>) -> f64 {
    let mut inverse = Mat::zeros(lower.nrows(), lower.ncols());
    invert_lower_triangular(inverse.as_mut(), lower, Par::Seq);
    inverse.norm_l2()
}

/// Orthonormal basis of the columns of `x` (p×q), p×ρ, strongest direction first, ρ the number of singular values
/// above `least` times the largest.
pub fn basis(x: MatRef<'_, f64>, least: f64) -> Result<Mat<f64>, Error> {
    let svd = svd(x)?;
    let rank = rank(&svd.sigma, least);
    Ok(svd.u.subcols(0, rank).to_owned())
}

/// Left singular vectors of the matrices side by side, [X₁|…|X_T] (p×·), strongest first and without null directions:
/// p×ρ. Where there are more columns than rows by way of Σ Xᵢ·Xᵢᵀ (p×p), which is exact enough for directions down to
/// 1e-6 of the strongest. All have as many rows as the first.
pub fn common_directions(parts: &[MatRef<'_, f64>]) -> Result<Mat<f64>, Error> {
    let rows = parts.first().map_or(0, |part| part.nrows());
    if rows == 0 {
        return Ok(Mat::zeros(0, 0));
    }
    if parts.iter().map(|part| part.ncols()).sum::<usize>() <= rows {
        return basis(beside(parts).as_ref(), crate::NULL);
    }
    let mut gram = Mat::zeros(rows, rows);
    for part in parts.iter().filter(|part| part.ncols() > 0) {
        add(&mut gram, 1.0, product(*part, part.transpose()).as_ref());
    }
    basis(gram.as_ref(), crate::NULL * crate::NULL)
}

/// The polar factor U·Vᵀ of `x` = U·Σ·Vᵀ over its non-null directions alone: the nearest matrix with orthonormal
/// columns, where `x` has full rank, and unique where it has not. Singular values at or below [`POLAR_NULL`] times the
/// largest count as null (METHODS §16.3).
pub fn polar(x: MatRef<'_, f64>) -> Result<Mat<f64>, Error> {
    let Svd { u, sigma, v } = svd(x)?;
    let rank = rank(&sigma, POLAR_NULL);
    Ok(product(u.as_ref().subcols(0, rank), v.as_ref().subcols(0, rank).transpose()))
}

/// Share of the largest singular value at which [`polar`] takes a direction for null.
pub const POLAR_NULL: f64 = 1e-8;

/// How many of `sigma` (descending) are above `least` times the first.
pub fn rank(sigma: &[f64], least: f64) -> usize {
    let top = sigma.first().copied().unwrap_or(0.0);
    sigma.iter().take_while(|s| **s > least * top && **s > 0.0).count()
}

/// U·diag(`sigma`)·Vᵀ of the first columns of `u` (p×·) and `v` (q×·).
pub fn assembled(u: MatRef<'_, f64>, sigma: &[f64], v: MatRef<'_, f64>) -> Mat<f64> {
    let scaled = Mat::from_fn(u.nrows(), sigma.len(), |i, l| u[(i, l)] * sigma[l]);
    product(scaled.as_ref(), v.subcols(0, sigma.len()).transpose())
}

/// L⁻ᵀ·`x` of a lower triangular matrix.
pub fn solve_transposed(lower: MatRef<'_, f64>, x: MatRef<'_, f64>) -> Mat<f64> {
    let mut out = x.to_owned();
    solve_upper_triangular_in_place(lower.transpose(), out.as_mut(), Par::Seq);
    out
}

/// Adds `factor`·`x` to `sum`.
pub fn add(sum: &mut Mat<f64>, factor: f64, x: MatRef<'_, f64>) {
    for j in 0..x.ncols() {
        for i in 0..x.nrows() {
            sum[(i, j)] += factor * x[(i, j)];
        }
    }
}

/// ⟨`x`, `y`⟩_F.
pub fn inner(x: MatRef<'_, f64>, y: MatRef<'_, f64>) -> f64 {
    let column = |j| -> f64 { (0..x.nrows()).map(|i| x[(i, j)] * y[(i, j)]).sum() };
    (0..x.ncols()).map(column).sum()
}

/// The matrices side by side; all have as many rows as the first.
pub fn beside(parts: &[MatRef<'_, f64>]) -> Mat<f64> {
    let rows = parts.first().map_or(0, |part| part.nrows());
    let mut out = Mat::zeros(rows, parts.iter().map(|part| part.ncols()).sum());
    let mut at = 0;
    for part in parts {
        out.as_mut().subcols_mut(at, part.ncols()).copy_from(part);
        at += part.ncols();
    }
    out
}

/// `x`·`y`.
pub fn product(x: MatRef<'_, f64>, y: MatRef<'_, f64>) -> Mat<f64> {
    let mut out = Mat::zeros(x.nrows(), y.ncols());
    matmul(out.as_mut(), Accum::Replace, x, y, 1.0, Par::Seq);
    out
}

/// Adds the lower triangle of `panel`·`panel`ᵀ to that of `gram`.
pub fn add_gram(gram: MatMut<'_, f64>, panel: MatRef<'_, f64>) {
    use triangular::BlockStructure::{Rectangular, TriangularLower};
    triangular::matmul(
        gram,
        TriangularLower,
        Accum::Add,
        panel,
        Rectangular,
        panel.transpose(),
        Rectangular,
        1.0,
        Par::Seq,
    );
}

/// A square matrix.
#[derive(Clone, Debug)]
pub struct Square(Mat<f64>);

impl Square {
    /// The n×n matrix with these entries.
    pub fn from_fn(n: usize, entry: impl Fn(usize, usize) -> f64) -> Square {
        Square(Mat::from_fn(n, n, entry))
    }

    /// Rows, and columns.
    pub fn size(&self) -> usize {
        self.0.nrows()
    }

    /// The entry in row `i` and column `j`.
    pub fn at(&self, i: usize, j: usize) -> f64 {
        self.0[(i, j)]
    }

    /// self·`other`.
    #[must_use]
    pub fn times(&self, other: &Square) -> Square {
        Square(product(self.0.as_ref(), other.0.as_ref()))
    }

    /// Adds `factor`·`other`.
    pub fn add(&mut self, factor: f64, other: &Square) {
        for j in 0..self.size() {
            (0..self.size()).for_each(|i| self.0[(i, j)] += factor * other.0[(i, j)]);
        }
    }
}

/// The Cayley transform R = (I + Q)(I − Q)⁻¹ of a skew `q`, a rotation; `None` where numbers are not finite.
///
/// As I − Q² = I + Q·Qᵀ = L·Lᵀ, R = (I + Q)²·L⁻ᵀ·L⁻¹. Costs O(n³).
pub fn cayley(q: &Square) -> Option<Square> {
    let n = q.size();
    let one = |i: usize, j: usize| f64::from(u8::from(i == j));
    let squared = q.times(q);
    let gram = Square::from_fn(n, |i, j| one(i, j) - squared.at(i, j));
    let lower = cholesky(gram.0.as_ref(), 0.0)?;
    let mut inverse = Mat::zeros(n, n);
    invert_lower_triangular(inverse.as_mut(), lower.as_ref(), Par::Seq);
    let plus = Square::from_fn(n, |i, j| one(i, j) + 2.0 * q.at(i, j) + squared.at(i, j));
    let r = product(plus.0.as_ref(), product(inverse.transpose(), inverse.as_ref()).as_ref());
    (0..n).all(|j| (0..n).all(|i| r[(i, j)].is_finite())).then_some(Square(r))
}

/// The least-squares weights x of min ‖M − Σ xᵢ·ΔWᵢ‖ from the normal equations:
/// `gram` (row-major T×T, ⟨ΔWᵢ, ΔWⱼ⟩) and `inner` (⟨M, ΔWᵢ⟩). Where inputs are
/// dependent (copies, zeros) the solution of least norm.
pub fn solve_gram(gram: &[f64], inner: &[f64]) -> Vec<f64> {
    let n = inner.len();
    // Unit diagonal, so that small adapters are not taken for null directions.
    let size = |i: usize| match gram[i * n + i].sqrt() {
        s if s > 0.0 => s,
        _ => 1.0,
    };
    let scaled = Mat::from_fn(n, n, |i, j| gram[i * n + j] / (size(i) * size(j)));
    // For a symmetric matrix without negative eigenvalues this is its eigendecomposition.
    let Ok(Svd { u, sigma, v }) = svd(scaled.as_ref()) else {
        return vec![f64::NAN; n];
    };
    let mut x = vec![0.0; n];
    for l in (0..n).filter(|l| sigma[*l] > 1e-10 * sigma[0]) {
        let along: f64 = (0..n).map(|i| u[(i, l)] * inner[i] / size(i)).sum();
        for (i, x) in x.iter_mut().enumerate() {
            *x += v[(i, l)] * along / sigma[l] / size(i);
        }
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_the_normal_equations() {
        // ΔW₁ = (1, 0), ΔW₂ = (1, 1), M = 2·ΔW₁ − 3·ΔW₂ = (−1, −3).
        let x = solve_gram(&[1.0, 1.0, 1.0, 2.0], &[-1.0, -4.0]);
        assert!((x[0] - 2.0).abs() < 1e-12 && (x[1] + 3.0).abs() < 1e-12, "{x:?}");
    }

    #[test]
    fn copies_share_the_weight_and_zeros_get_none() {
        let x = solve_gram(&[4.0, 4.0, 0.0, 4.0, 4.0, 0.0, 0.0, 0.0, 0.0], &[4.0, 4.0, 0.0]);
        assert!((x[0] - 0.5).abs() < 1e-9 && (x[1] - 0.5).abs() < 1e-9 && x[2] == 0.0, "{x:?}");
    }

    #[test]
    fn a_cayley_transform_is_a_rotation() {
        // Q = [[0, −t], [t, 0]] turns by 2·arctan t.
        let t = 0.75;
        let r = cayley(&Square::from_fn(2, |i, j| {
            if i == j {
                0.0
            } else if i > j {
                t
            } else {
                -t
            }
        }))
        .unwrap();
        let (cos, sin) = ((1.0 - t * t) / (1.0 + t * t), 2.0 * t / (1.0 + t * t));
        for (i, j, expected) in [(0, 0, cos), (0, 1, -sin), (1, 0, sin), (1, 1, cos)] {
            assert!((r.at(i, j) - expected).abs() < 1e-15, "{i} {j}");
        }
        assert!(cayley(&Square::from_fn(2, |_, _| f64::NAN)).is_none());
    }

    #[test]
    fn cholesky_refuses_dependent_vectors() {
        let near = 1.0 - 1e-12;
        let gram = Mat::from_fn(2, 2, |i, j| if i == j { 1.0 } else { near });
        assert!(cholesky(gram.as_ref(), 1e-9).is_none());
        assert!(cholesky(gram.as_ref(), 1e-13).is_some());
    }
}
