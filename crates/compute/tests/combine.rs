//! `combine` against the dense sum it never forms.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod dense;

use dense::{dense, distance, dot, noise, pair};
use proptest::prelude::*;
use rankweave_compute::{FactorPair, Grams, Nulls, RankPolicy, combine, linalg};

fn dense_sum(pairs: &[FactorPair], weights: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; pairs[0].out * pairs[0].columns];
    for (pair, weight) in pairs.iter().zip(weights) {
        for (to, from) in sum.iter_mut().zip(dense(pair)) {
            *to += weight * from;
        }
    }
    sum
}

/// Σ of the squares of the dense matrix's singular values after the first k: what
/// no rank-k matrix can do better than (Eckart–Young).
fn optimum(sum: &[f64], out: usize, columns: usize, k: usize) -> f64 {
    let sigma = linalg::svd(faer::MatRef::from_row_major_slice(sum, out, columns)).unwrap().sigma;
    sigma[k.min(sigma.len())..].iter().map(|s| s * s).sum()
}

fn check(pairs: &[FactorPair], weights: &[f64], policy: RankPolicy, nulls: Nulls) -> usize {
    let (out, columns) = (pairs[0].out, pairs[0].columns);
    let grams = Grams::new(pairs).unwrap();
    let got = combine(pairs, &grams, weights, policy, nulls).unwrap();
    let sum = dense_sum(pairs, weights);
    let merged = dense(&got.pair);
    let norm = dot(&sum, &sum).sqrt();
    // Cancelling inputs are judged by their own size.
    let size: f64 = pairs.iter().zip(weights).map(|(p, w)| w.abs() * dot(&dense(p), &dense(p)).sqrt()).sum();
    let tiny = 1e-5 * norm + 1e-7 * size;
    let least = optimum(&sum, out, columns, got.pair.rank);
    assert!(
        distance(&sum, &merged) <= least.sqrt() + tiny,
        "error {} above the optimum {} at rank {}",
        distance(&sum, &merged),
        least.sqrt(),
        got.pair.rank
    );
    assert!((got.total.sqrt() - norm).abs() <= tiny, "total {} {norm}", got.total.sqrt());
    let error = distance(&sum, &merged);
    assert!((got.lost.sqrt() - error).abs() <= 2.0 * tiny, "lost {} {error}", got.lost.sqrt());
    for (pair, inner) in pairs.iter().zip(&got.inner) {
        let delta = dense(pair);
        let expected = dot(&merged, &delta);
        let allowed = 1e-5 * (dot(&delta, &delta).sqrt() * (norm + size)) + 1e-12;
        assert!((inner - expected).abs() <= allowed, "inner {inner} {expected}");
    }
    got.pair.rank
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..Default::default() })]

    #[test]
    fn is_the_optimal_truncation_of_the_dense_sum(
        out in 1usize..40,
        columns in 1usize..40,
        ranks in prop::collection::vec(1usize..9, 1..4),
        weights in prop::collection::vec(prop_oneof![Just(0.0), Just(1.0), -2.0f64..2.0], 3),
        policy in prop_oneof![
            Just(RankPolicy::Exact),
            (1usize..20).prop_map(RankPolicy::Fixed),
            (0.05f64..1.0).prop_map(|share| RankPolicy::Energy { share, max: None }),
        ],
        keep in any::<bool>(),
        seed in 0u64..1_000_000,
    ) {
        let pairs: Vec<_> = ranks
            .iter()
            .enumerate()
            .map(|(i, &rank)| pair(out, columns, rank, 0.5 + i as f64, seed + i as u64))
            .collect();
        let nulls = if keep { Nulls::Keep } else { Nulls::Drop };
        let rank = check(&pairs, &weights[..pairs.len()], policy, nulls);
        prop_assert!(rank <= policy.bound(ranks.iter().sum()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..Default::default() })]

    // More units than the matrix has rows or columns: the sum itself is formed.
    #[test]
    fn is_the_dense_sum_where_that_is_smaller_than_the_stack(
        out in 1usize..24,
        columns in 1usize..24,
        more in prop::collection::vec(0usize..30, 1..4),
        kind in prop::collection::vec(0usize..4, 3),
        weights in prop::collection::vec(prop_oneof![Just(0.0), Just(1.0), -2.0f64..2.0], 3),
        policy in prop_oneof![
            Just(RankPolicy::Exact),
            (1usize..30).prop_map(RankPolicy::Fixed),
            (0.05f64..1.0).prop_map(|share| RankPolicy::Energy { share, max: None }),
        ],
        seed in 0u64..1_000_000,
    ) {
        let n = out.min(columns);
        let mut pairs: Vec<FactorPair> = Vec::new();
        for (i, more) in more.iter().enumerate() {
            let mut own = pair(out, columns, 1 + more + n / (i + 1), 0.5 + i as f64, seed + i as u64);
            match kind[i] {
                // A dense delta with the identity.
                1 => {
                    own = pair(out, columns, n, 0.5, seed + i as u64);
                    let short = if out >= columns { &mut own.down } else { &mut own.up };
                    short.iter_mut().enumerate().for_each(|(at, x)| *x = f32::from(at / n == at % n));
                }
                // Of low rank: every slot a copy of the first.
                2 => {
                    let rank = own.rank;
                    (0..own.up.len()).for_each(|at| own.up[at] = own.up[at / rank * rank]);
                }
                // Nearly what is there already.
                3 if i > 0 => {
                    own = pairs[0].clone();
                    own.up.iter_mut().zip(noise(seed + 77, out * own.rank)).for_each(|(x, d)| *x += 1e-3 * d);
                }
                _ => {}
            }
            pairs.push(own);
        }
        let rank = check(&pairs, &weights[..pairs.len()], policy, Nulls::Drop);
        prop_assert!(rank <= policy.bound(n), "{rank}");
        let grams = Grams::new(&pairs).unwrap();
        for i in 0..pairs.len() {
            for j in 0..pairs.len() {
                let (a, b) = (dense(&pairs[i]), dense(&pairs[j]));
                let size = (dot(&a, &a) * dot(&b, &b)).sqrt();
                prop_assert!((grams.inner(i, j) - dot(&a, &b)).abs() <= 1e-12 * size);
            }
        }
    }
}

#[test]
fn a_full_sum_is_rounded_once() {
    let pairs = [pair(40, 300, 30, 0.5, 1), pair(40, 300, 40, 2.0, 2)];
    for (pairs, n) in [(&pairs[..], 40), (&[pair(300, 24, 30, 1.0, 3)][..], 24)] {
        let weights = &[0.7, -0.3][..pairs.len()];
        let grams = Grams::new(pairs).unwrap();
        let got = combine(pairs, &grams, weights, RankPolicy::Exact, Nulls::Drop).unwrap();
        let sum = dense_sum(pairs, weights);
        assert_eq!(got.pair.rank, n);
        let merged = dense(&got.pair);
        assert!(sum.iter().zip(&merged).all(|(a, b)| (a - b).abs() <= 1e-7 * a.abs() + 1e-13), "not rounded once");
    }
}

#[test]
fn a_null_direction_of_a_full_stack_is_left_out() {
    // Independent of the other rows, and of no size.
    let mut a = pair(6, 8, 20, 1.0, 41);
    a.up[..20].iter_mut().for_each(|x| *x *= 1e-8);
    assert_eq!(check(&[a], &[1.0], RankPolicy::Exact, Nulls::Drop), 5);
}

#[test]
fn the_difference_of_full_near_copies_keeps_its_digits() {
    let a = pair(24, 30, 40, 0.5, 31);
    let mut b = a.clone();
    b.up.iter_mut().zip(noise(32, 24 * 40)).for_each(|(x, d)| *x += 1e-4 * d);
    let pairs = [a.clone(), b];
    let sum = dense_sum(&pairs, &[1.0, -1.0]);
    for policy in [RankPolicy::Exact, RankPolicy::Fixed(24)] {
        let made = combine(&pairs, &Grams::new(&pairs).unwrap(), &[1.0, -1.0], policy, Nulls::Drop).unwrap();
        let far = distance(&sum, &dense(&made.pair)) / dot(&sum, &sum).sqrt();
        assert!(far < 1e-6, "{policy:?}: {far}");
    }
    let twice = [a.clone(), a];
    let none = combine(&twice, &Grams::new(&twice).unwrap(), &[1.0, -1.0], RankPolicy::Exact, Nulls::Drop).unwrap();
    assert_eq!(none.pair.rank, 0);
}

#[test]
fn duplicates_fold_into_one() {
    let a = pair(24, 31, 5, 0.5, 7);
    let rank = check(&[a.clone(), a], &[0.7, 0.5], RankPolicy::Exact, Nulls::Drop);
    assert_eq!(rank, 5);
}

#[test]
fn an_adapter_minus_itself_is_zero() {
    let a = pair(24, 31, 5, 0.5, 7);
    let pairs = [a.clone(), a];
    let grams = Grams::new(&pairs).unwrap();
    let got = combine(&pairs, &grams, &[1.0, -1.0], RankPolicy::Exact, Nulls::Drop).unwrap();
    let left = dot(&dense(&got.pair), &dense(&got.pair)).sqrt();
    assert!(left <= 1e-6 * grams.inner(0, 0).sqrt(), "{left}");
}

#[test]
fn near_cancellation_keeps_the_difference() {
    // Two checkpoints that differ by a thousandth: their difference is small
    // against either, and must still come out to five digits.
    let a = pair(64, 48, 6, 1.0, 3);
    let mut b = a.clone();
    for (x, d) in b.up.iter_mut().zip(noise(99, 64 * 6)) {
        *x += 1e-3 * d;
    }
    let pairs = [a, b];
    let sum = dense_sum(&pairs, &[1.0, -1.0]);
    let grams = Grams::new(&pairs).unwrap();
    for policy in [RankPolicy::Exact, RankPolicy::Fixed(6)] {
        let got = combine(&pairs, &grams, &[1.0, -1.0], policy, Nulls::Drop).unwrap();
        let error = distance(&sum, &dense(&got.pair)) / dot(&sum, &sum).sqrt();
        assert!(error < 2e-5, "{policy:?}: {error}");
    }
}

#[test]
fn the_exact_sum_of_near_opposites_keeps_its_digits() {
    let a = pair(24, 30, 3, 0.5, 31);
    for step in [1e-2, 1e-3, 1e-4, 1e-5] {
        let mut b = a.clone();
        for (value, noise) in b.up.iter_mut().zip(noise(32, 72)).chain(b.down.iter_mut().zip(noise(33, 90))) {
            *value += step * noise;
        }
        let (pairs, weights) = ([a.clone(), b], [0.7, -0.7]);
        let sum = dense_sum(&pairs, &weights);
        let made = combine(&pairs, &Grams::new(&pairs).unwrap(), &weights, RankPolicy::Exact, Nulls::Drop).unwrap();
        let far = distance(&sum, &dense(&made.pair)) / dot(&sum, &sum).sqrt();
        assert!(far < 1e-6, "step {step}: {far}");
    }
}

#[test]
fn an_untrained_adapter_adds_nothing() {
    let mut zero = pair(20, 20, 4, 1.0, 1);
    zero.up.fill(0.0);
    let rank = check(&[pair(20, 20, 3, 1.0, 2), zero], &[1.0, 1.0], RankPolicy::Exact, Nulls::Drop);
    assert_eq!(rank, 3);
}

#[test]
fn tiny_scales_do_not_leave_the_range_of_f16() {
    // alpha 1 at rank 128 with small factors: 1/128 on top would be subnormal.
    let mut a = pair(64, 64, 8, 1.0 / 128.0, 5);
    a.up.iter_mut().for_each(|x| *x *= 1e-4);
    let pairs = [a];
    let grams = Grams::new(&pairs).unwrap();
    let got = combine(&pairs, &grams, &[1.0], RankPolicy::Exact, Nulls::Drop).unwrap();
    let rms = |x: &[f32]| (x.iter().map(|v| v * v).sum::<f32>() / x.len() as f32).sqrt();
    assert!(rms(&got.pair.up) > 1e-4, "{}", rms(&got.pair.up));
    let sum = dense_sum(&pairs, &[1.0]);
    assert!(distance(&sum, &dense(&got.pair)) <= 1e-6 * dot(&sum, &sum).sqrt());
}

#[test]
fn inner_products_equal_the_dense_ones() {
    let pairs = [pair(30, 17, 4, 0.25, 1), pair(30, 17, 7, 2.0, 2)];
    let grams = Grams::new(&pairs).unwrap();
    for i in 0..2 {
        for j in 0..2 {
            let expected = dot(&dense(&pairs[i]), &dense(&pairs[j]));
            assert!((grams.inner(i, j) - expected).abs() < 1e-9 * expected.abs().max(1.0));
        }
    }
}

#[test]
fn different_sizes_are_an_error() {
    assert!(Grams::new(&[pair(4, 5, 1, 1.0, 1), pair(4, 6, 1, 1.0, 1)]).is_err());
}
