//! Random pairs, and the dense deltas that they stand for.

use rankweave_compute::FactorPair;

/// Deterministic normal-ish numbers in (−1, 1) from a counter.
pub fn noise(seed: u64, n: usize) -> Vec<f32> {
    let mix = |i: u64| {
        let mut z = (seed << 32).wrapping_add(i).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..n as u64).map(|i| (mix(2 * i) + mix(2 * i + 1) - 1.0) as f32).collect()
}

/// A pair of noise.
pub fn pair(out: usize, columns: usize, rank: usize, scale: f64, seed: u64) -> FactorPair {
    FactorPair { out, columns, rank, up: noise(seed, out * rank), down: noise(seed + 1000, rank * columns), scale }
}

/// ΔW, row-major.
pub fn dense(pair: &FactorPair) -> Vec<f64> {
    let mut delta = vec![0.0; pair.out * pair.columns];
    for i in 0..pair.out {
        for p in 0..pair.rank {
            let up = pair.scale * f64::from(pair.up[i * pair.rank + p]);
            for j in 0..pair.columns {
                delta[i * pair.columns + j] += up * f64::from(pair.down[p * pair.columns + j]);
            }
        }
    }
    delta
}

/// Σ aᵢ·bᵢ.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// ‖a − b‖.
pub fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt()
}
