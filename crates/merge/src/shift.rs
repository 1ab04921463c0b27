//! A common change of several matrices after which each is seen in the merge as itself: DOGE's loss, in factor space.
//!
//! Of Xⱼ (m×q, the τⱼ in coordinates of their common row space), S = Σ λᵢ·Xᵢ and s = Σ λᵢ,
//!
//! ```text
//! L(Δ) = Σⱼ Σ_rows ⟨Xⱼ[row], Xⱼ[row] − S[row] − s·Δ[row]⟩²        Δ = (I − U·Uᵀ)·Δ
//! ```
//!
//! A least squares problem, that conjugate gradients from Δ = 0 (CGLS) solve: the first few steps go where it is well
//! determined, many of them to the smallest Δ of the least loss, by ways that rounding bends. Rows of Δ stay in the row
//! space, so that nothing is lost by the coordinates, and the steps are the same in any orthonormal ones.

use rankweave_compute::{Mat, linalg};

/// The problem.
pub(crate) struct Shift<'a> {
    /// Xⱼ.
    pub rows: &'a [Mat<f64>],
    /// S.
    pub sum: &'a Mat<f64>,
    /// s.
    pub lambda: f64,
    /// U (m×k), orthonormal.
    pub shared: &'a Mat<f64>,
}

/// A gradient this much smaller than the first is none.
const FLAT: f64 = 1e-10;

impl Shift<'_> {
    /// Δ (m×q) after at most `steps` steps, and the share of the loss that is left: 0 where there was none. A step costs
    /// 4·m·q·(T + k) operations.
    pub fn solve(&self, steps: usize) -> (Mat<f64>, f64) {
        let mut delta = Mat::zeros(self.sum.nrows(), self.sum.ncols());
        let wanted = |x: &Mat<f64>| dots(x, &Mat::from_fn(x.nrows(), x.ncols(), |i, l| x[(i, l)] - self.sum[(i, l)]));
        let mut residual: Vec<Vec<f64>> = self.rows.iter().map(wanted).collect();
        let first = square(&residual);
        let mut gradient = self.answered(&residual);
        let mut direction = gradient.clone();
        let mut slope = gradient.squared_norm_l2();
        let flat = FLAT * FLAT * slope;
        for _ in 0..steps {
            let mut seen: Vec<Vec<f64>> = self.rows.iter().map(|x| dots(x, &direction)).collect();
            seen.iter_mut().flatten().for_each(|x| *x *= self.lambda);
            let curvature = square(&seen);
            if slope <= flat || curvature <= 0.0 {
                break;
            }
            let step = slope / curvature;
            linalg::add(&mut delta, step, direction.as_ref());
            residual.iter_mut().flatten().zip(seen.iter().flatten()).for_each(|(r, seen)| *r -= step * seen);
            gradient = self.answered(&residual);
            let next = gradient.squared_norm_l2();
            let mut turned = gradient.clone();
            linalg::add(&mut turned, next / slope, direction.as_ref());
            (direction, slope) = (turned, next);
        }
        let left = if first > 0.0 { square(&residual) / first } else { 0.0 };
        (delta, left)
    }

    /// (I − U·Uᵀ)·s·Σⱼ diag(rⱼ)·Xⱼ.
    fn answered(&self, residual: &[Vec<f64>]) -> Mat<f64> {
        let mut sum = Mat::zeros(self.sum.nrows(), self.sum.ncols());
        for (x, residual) in self.rows.iter().zip(residual) {
            for l in 0..x.ncols() {
                let both = sum.col_as_slice_mut(l).iter_mut().zip(x.col_as_slice(l)).zip(residual);
                both.for_each(|((sum, x), r): ((&mut f64, &f64), &f64)| *sum += self.lambda * r * x);
            }
        }
        let along = linalg::product(self.shared.transpose(), sum.as_ref());
        linalg::add(&mut sum, -1.0, linalg::product(self.shared.as_ref(), along.as_ref()).as_ref());
        sum
    }
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
