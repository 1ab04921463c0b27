//! Factor pairs that both the terminal's and the browser's tests of the kernels are about.

use rankweave_compute::rng::Stream;
use rankweave_compute::{FactorPair, Mat};

/// Pairs of these ranks, whose entries are told by a stream of their own and their number.
pub fn pairs(out: usize, columns: usize, ranks: &[usize], entry: impl Fn(Stream, u64) -> f32) -> Vec<FactorPair> {
    let pair = |(i, rank): (usize, &usize)| {
        let stream = |half| Stream::new(7, "gpu", (2 * i + half) as u64);
        let factor = |half, size: usize| (0..size).map(|at| entry(stream(half), at as u64)).collect();
        let (up, down) = (factor(0, out * rank), factor(1, rank * columns));
        FactorPair { out, columns, rank: *rank, up, down, scale: [1.0, 0.5, -2.0][i % 3] }
    };
    ranks.iter().enumerate().map(pair).collect()
}

/// Small whole numbers, so that every product and sum is exact in any order.
pub fn whole(stream: Stream, at: u64) -> f32 {
    (stream.bits(at) % 5) as f32 - 2.0
}

/// Numbers that are not.
pub fn real(stream: Stream, at: u64) -> f32 {
    stream.normal(at) as f32
}

/// ‖x − y‖ of ‖y‖.
pub fn apart(x: &Mat<f32>, y: &Mat<f32>) -> f64 {
    f64::from((x - y).norm_l2()) / f64::from(y.norm_l2()).max(1e-30)
}
