//! Rules that look at single columns of the deltas: what one input does. They keep the ups and multiply the columns of
//! every down, so that the result is the stack of the factors and needs no dense matrix.
//!
//! Columns of τᵢ = fᵢ·Bᵢ·Aᵢ and τ_k have the inner product fᵢ·f_k·a_iᵀ·(BᵢᵀB_k)·a_k, a the columns of A.

use rankweave_compute::{FactorPair, Grams, Mat, linalg};

/// Inner products of the columns of `pairs`, all multiplied by its `factors` (which take the place of the scales):
/// `[i·T + k][column]`, symmetric. `grams` are the pairs'. Costs columns·R² multiply-adds.
pub(crate) fn products(pairs: &[FactorPair], grams: &Grams, factors: &[f64]) -> Vec<Vec<f64>> {
    let count = pairs.len();
    let columns = pairs.first().map_or(0, |pair| pair.columns);
    let down = |i: usize| {
        let FactorPair { rank, down, .. } = &pairs[i];
        Mat::from_fn(*rank, columns, |l, j| factors[i] * f64::from(down[l * columns + j]))
    };
    let up = grams.whole_up(pairs);
    let downs: Vec<Mat<f64>> = (0..count).map(down).collect();
    let mut all = vec![Vec::new(); count * count];
    for i in 0..count {
        for k in 0..=i {
            let block =
                up.as_ref().as_ref().submatrix(grams.offsets[i], grams.offsets[k], pairs[i].rank, pairs[k].rank);
            let seen = linalg::product(block, downs[k].as_ref());
            let column = |j: usize| (0..pairs[i].rank).map(|l| downs[i][(l, j)] * seen[(l, j)]).sum::<f64>();
            let found: Vec<f64> = (0..columns).map(column).collect();
            all[k * count + i].clone_from(&found);
            all[i * count + k] = found;
        }
    }
    all
}

/// Σᵢ Bᵢ·Aᵢ·diag(`by`(i, ·)) as a stacked pair.
pub(crate) fn multiplied(pairs: &[FactorPair], by: impl Fn(usize, usize) -> f64) -> FactorPair {
    let (out, columns) = pairs.first().map_or((0, 0), |pair| (pair.out, pair.columns));
    let rank = pairs.iter().map(|pair| pair.rank).sum();
    let (mut up, mut down) = (Vec::with_capacity(out * rank), Vec::with_capacity(rank * columns));
    for row in 0..out {
        pairs.iter().for_each(|pair| up.extend_from_slice(&pair.up[row * pair.rank..(row + 1) * pair.rank]));
    }
    for (i, pair) in pairs.iter().enumerate() {
        let factors: Vec<f64> = (0..columns).map(|j| by(i, j)).collect();
        for row in pair.down.chunks_exact(columns.max(1)) {
            down.extend(row.iter().zip(&factors).map(|(a, factor)| (f64::from(*a) * factor) as f32));
        }
    }
    FactorPair { out, columns, rank, up, down, scale: 1.0 }
}
