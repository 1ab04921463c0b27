//! The projection of vectors on their slowest waves.
//!
//! Of n numbers the waves of frequency f are cos(2πfj/n) and sin(2πfj/n), which together are what the discrete Fourier
//! transform has at ±f. F (n×(2R−1)) has those below R as orthonormal columns, and L = F·Fᵀ keeps them alone. Setting the
//! block of a matrix's transform where both frequencies are below R to 0 is then
//!
//! ```text
//! X − L_m·X·L_n          of rank 2·rank(X) at most
//! ```

use rankweave_compute::{Mat, MatRef, linalg};
use std::f64::consts::TAU;

/// L·`x` of an n×· `x`. `radius` is R, at most n/2. Costs 4·n·R operations per column.
pub(crate) fn lowpass(x: MatRef<'_, f64>, radius: usize) -> Mat<f64> {
    let n = x.nrows();
    if radius == 0 {
        return Mat::zeros(n, x.ncols());
    }
    let cosine: Vec<f64> = (0..n).map(|k| (TAU * k as f64 / n as f64).cos() * (2.0 / n as f64).sqrt()).collect();
    let sine: Vec<f64> = (0..n).map(|k| (TAU * k as f64 / n as f64).sin() * (2.0 / n as f64).sqrt()).collect();
    let waves = Mat::from_fn(n, 2 * radius - 1, |j, l| match l {
        0 => (1.0 / n as f64).sqrt(),
        l if l < radius => cosine[l * j % n],
        l => sine[(l - radius + 1) * j % n],
    });
    linalg::product(waves.as_ref(), linalg::product(waves.transpose(), x).as_ref())
}
