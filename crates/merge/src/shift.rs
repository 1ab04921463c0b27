//! A common change of several matrices after which each is seen in the merge as itself: DOGE's loss, in factor space.
//!
//! Of Xⱼ (m×q, the τⱼ in coordinates of their common row space), S = Σ λᵢ·Xᵢ and s = Σ λᵢ,
//!
//! ```text
//! L(Δ) = Σⱼ Σ_rows ⟨Xⱼ[row], Xⱼ[row] − S[row] − s·Δ[row]⟩²        UᵀΔ = 0
//! Δ = D·Z,   D = diag 1/√(Σⱼ‖Xⱼ[row]‖²),   Z ⊥ D·U
//! ```
//!
//! A least squares problem, that conjugate gradients from Z = 0 (CGLS) solve: in Z all rows are alike, however large their
//! entries are, so that a few steps do. Early ones go where it is well determined, many to the smallest Z of the least
//! loss. Rows of Δ stay in the row space, so that nothing is lost by the coordinates, and the steps are the same in any
//! orthonormal ones.

use rankweave_compute::{Mat, MatRef, linalg};

/// The problem.
pub(crate) struct Shift {
    /// D·Xⱼ.
    rows: Vec<Mat<f64>>,
    /// D, as a column.
    scales: Mat<f64>,
    /// An orthonormal basis of D·U.
    shared: Mat<f64>,
    /// s.
    lambda: f64,
    /// ⟨Xⱼ[row], Xⱼ[row] − S[row]⟩.
    wanted: Vec<Vec<f64>>,
}

/// Least Σ‖Xⱼ[row]‖², as a share of the rows' mean, that a row's scale takes as it is.
const FAINT: f64 = 1e-6;

/// A gradient this much smaller than s times what is wanted is none: beyond is what only rounding determines.
const FLAT: f64 = 1e-6;

impl Shift {
    /// Of the Xⱼ, S, s and a U (m×k) of independent columns.
    pub fn new(rows: &[Mat<f64>], sum: &Mat<f64>, lambda: f64, shared: MatRef<'_, f64>) -> Shift {
        let count = sum.nrows();
        let squares: Vec<Vec<f64>> = rows.iter().map(|x| dots(x, x)).collect();
        let square = |row: usize| squares.iter().map(|own| own[row]).sum::<f64>();
        let faint = FAINT * (0..count).map(square).sum::<f64>() / count.max(1) as f64;
        // Where all is zero any scale will do.
        let scale = |row| if faint > 0.0 { 1.0 / (square(row) + faint).sqrt() } else { 1.0 };
        let scales = Mat::from_fn(count, 1, |row, _| scale(row));
        let toward = |x: &Mat<f64>| dots(x, &Mat::from_fn(x.nrows(), x.ncols(), |i, l| x[(i, l)] - sum[(i, l)]));
        Shift {
            wanted: rows.iter().map(toward).collect(),
            rows: rows.iter().map(|x| scaled(x.as_ref(), &scales)).collect(),
            shared: linalg::thin_qr(scaled(shared, &scales).as_ref()).0,
            scales,
            lambda,
        }
    }

    /// Δ (m×q) after at most `steps` steps, and the share of the loss that is left: 0 where there was none. A step costs
    /// 4·m·q·(T + k) operations.
    pub fn solve(&self, steps: usize) -> (Mat<f64>, f64) {
        let mut residual = self.wanted.clone();
        let mut gradient = self.answered(&residual);
        let mut shift = Mat::zeros(gradient.nrows(), gradient.ncols());
        let mut direction = gradient.clone();
        let mut slope = gradient.squared_norm_l2();
        let first = square(&self.wanted);
        let flat = (FLAT * self.lambda).powi(2) * first;
        for _ in 0..steps {
            let mut seen: Vec<Vec<f64>> = self.rows.iter().map(|x| dots(x, &direction)).collect();
            seen.iter_mut().flatten().for_each(|x| *x *= self.lambda);
            let curvature = square(&seen);
            if slope <= flat || curvature <= 0.0 {
                break;
            }
            let step = slope / curvature;
            linalg::add(&mut shift, step, direction.as_ref());
            residual.iter_mut().flatten().zip(seen.iter().flatten()).for_each(|(r, seen)| *r -= step * seen);
            gradient = self.answered(&residual);
            let next = gradient.squared_norm_l2();
            let mut turned = gradient.clone();
            linalg::add(&mut turned, next / slope, direction.as_ref());
            (direction, slope) = (turned, next);
        }
        let left = if first > 0.0 { square(&residual) / first } else { 0.0 };
        (scaled(shift.as_ref(), &self.scales), left)
    }

    /// s·Σⱼ diag(rⱼ)·D·Xⱼ without what is along D·U.
    fn answered(&self, residual: &[Vec<f64>]) -> Mat<f64> {
        let columns = self.rows.first().map_or(0, Mat::ncols);
        let mut sum = Mat::<f64>::zeros(self.scales.nrows(), columns);
        for (x, residual) in self.rows.iter().zip(residual) {
            for l in 0..columns {
                let both = sum.col_as_slice_mut(l).iter_mut().zip(x.col_as_slice(l)).zip(residual);
                both.for_each(|((sum, x), r)| *sum += self.lambda * r * x);
            }
        }
        let along = linalg::product(self.shared.transpose(), sum.as_ref());
        linalg::add(&mut sum, -1.0, linalg::product(self.shared.as_ref(), along.as_ref()).as_ref());
        sum
    }
}

/// Rows times `scales`.
fn scaled(x: MatRef<'_, f64>, scales: &Mat<f64>) -> Mat<f64> {
    Mat::from_fn(x.nrows(), x.ncols(), |i, l| scales[(i, 0)] * x[(i, l)])
}

/// ⟨x[row], y[row]⟩ of every row.
fn dots(x: &Mat<f64>, y: &Mat<f64>) -> Vec<f64> {
    let mut dots = vec![0.0; x.nrows()];
    for l in 0..x.ncols() {
        let both = dots.iter_mut().zip(x.col_as_slice(l)).zip(y.col_as_slice(l));
        both.for_each(|((dot, x), y)| *dot += x * y);
    }
    dots
}

fn square(x: &[Vec<f64>]) -> f64 {
    x.iter().flatten().map(|x| x * x).sum()
}
