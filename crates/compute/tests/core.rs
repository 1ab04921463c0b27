//! Core space against the dense deltas it stands for.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod dense;

use dense::{dense, distance, dot, pair};
use proptest::prelude::*;
use rankweave_compute::{Core, FactorPair, Grams, RankPolicy, linalg};

/// Every delta through core space and back, and what is said of it.
fn check(pairs: &[FactorPair]) {
    let grams = Grams::new(pairs).unwrap();
    let core = Core::new(pairs, &grams).unwrap();
    let units: usize = pairs.iter().map(|p| p.rank).sum();
    let (p, q) = core.size();
    assert!(p <= units.min(pairs[0].out) && q <= units.min(pairs[0].columns), "{p}×{q}");
    let deltas: Vec<Vec<f64>> = pairs.iter().map(dense).collect();
    for (i, delta) in deltas.iter().enumerate() {
        let norm = dot(delta, delta).sqrt();
        let own = core.delta(i);
        let lifted = core.lift(own.as_ref(), RankPolicy::Exact).unwrap();
        let error = distance(delta, &dense(&lifted.pair));
        assert!(error <= 3e-6 * norm, "{i}: {error} of {norm}");
        assert!((lifted.total.sqrt() - norm).abs() <= 1e-6 * norm);
        for (j, other) in deltas.iter().enumerate() {
            let (expected, size) = (dot(delta, other), norm * dot(other, other).sqrt());
            let small = linalg::inner(own.as_ref(), core.delta(j).as_ref());
            assert!((small - expected).abs() <= 1e-6 * size, "{i} {j}: {small} {expected}");
            let straight = pairs[i].inner(&pairs[j]);
            assert!((straight - expected).abs() <= 1e-9 * size, "{i} {j}: {straight} {expected}");
            assert!((lifted.inner[j] - expected).abs() <= 2e-6 * size, "{i} {j}: {} {expected}", lifted.inner[j]);
        }
        if p > 1 && q > 1 {
            let short = core.lift(own.as_ref(), RankPolicy::Fixed(1)).unwrap();
            let error = distance(delta, &dense(&short.pair));
            assert!((error - short.lost.sqrt()).abs() <= 3e-6 * norm, "{error} {}", short.lost.sqrt());
        }
    }
}

proptest! {
    #[test]
    fn deltas_go_there_and_back(
        out in 1usize..40, columns in 1usize..40, ranks in prop::collection::vec(1usize..12, 1..5), seed in 0u64..1000,
    ) {
        let scales = [1.0, 0.5, -2.0, 1e-3, 30.0];
        let pairs: Vec<FactorPair> = ranks.iter().enumerate()
            .map(|(i, r)| pair(out, columns, *r, scales[i], seed * 7 + i as u64)).collect();
        check(&pairs);
    }
}

#[test]
fn copies_zeros_and_shared_factors_are_no_trouble() {
    let (a, b) = (pair(30, 20, 4, 0.5, 1), pair(30, 20, 6, 1.0, 2));
    check(&[a.clone(), a.clone(), b.clone()]);
    check(&[a.clone(), FactorPair::zero(30, 20, 3), b.clone()]);
    check(&[FactorPair::zero(30, 20, 2), FactorPair::zero(30, 20, 2)]);
    let mut shared = pair(30, 20, 4, 2.0, 3);
    shared.down.clone_from(&a.down);
    check(&[a.clone(), shared, b.clone()]);
    // One dead unit among live ones, and one that is nearly another.
    let mut lame = b.clone();
    lame.up.iter_mut().step_by(6).for_each(|x| *x = 0.0);
    let mut near = a.clone();
    near.up.iter_mut().for_each(|x| *x *= 1.0 + 1e-6);
    check(&[a, lame, near]);
}

#[test]
fn adapters_of_unlike_sizes_keep_their_digits() {
    let mut small = pair(30, 20, 4, 1.0, 5);
    small.up.iter_mut().for_each(|x| *x *= 1e-6);
    check(&[pair(30, 20, 4, 1.0, 4), small]);
}

#[test]
fn a_polar_factor_is_restricted_to_what_is_there() {
    let a = pair(9, 4, 2, 1.0, 6);
    let up = faer::Mat::from_fn(9, 4, |i, j| f64::from(a.up[i * 2 + j % 2]));
    let polar = linalg::polar(up.as_ref()).unwrap();
    // Twins: PᵀP is the projection on what two of four directions span.
    let gram = linalg::product(polar.transpose(), polar.as_ref());
    let twice = linalg::product(gram.as_ref(), gram.as_ref());
    assert!((0..4).all(|i| (0..4).all(|j| (gram[(i, j)] - twice[(i, j)]).abs() < 1e-12)));
    assert!(((0..4).map(|i| gram[(i, i)]).sum::<f64>() - 2.0).abs() < 1e-12);
}
