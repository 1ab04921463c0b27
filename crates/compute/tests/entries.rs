//! Rules by entry against a naive twin: dense deltas in f64 and one plain loop over positions.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod dense;

use dense::{dense, distance, dot, noise, pair};
use proptest::prelude::*;
use rankweave_compute::entries::{
    Backend, CANCELLED, Cancelled, Combine, Cpu, Drop, Elect, Entries, Keep, Key, Part, Rule, Select, Target, now,
    radix, truncated,
};
use rankweave_compute::rng::Stream;
use rankweave_compute::{FactorPair, Grams, Mat, RankPolicy, linalg};

/// What a rule makes of dense deltas.
fn naive(rule: &Rule, deltas: &[Vec<f64>], columns: usize) -> Vec<f64> {
    let word = |stream: Stream, at: usize| {
        let mut word = [0];
        stream.words(at as u64, &mut word);
        word[0]
    };
    let shift = rule.shift.as_ref().map(dense);
    let one = |at: usize| {
        let weights: Vec<f64> = rule.parts.iter().map(|part| f64::from(part.weight)).collect();
        let mut h: Vec<f64> = Vec::new();
        for (part, delta) in rule.parts.iter().zip(deltas) {
            let x = delta[at];
            let row = &delta[at / columns * columns..][..columns];
            // How many of the row are larger, or as large and earlier.
            let before = |(j, y): &(usize, &f64)| y.abs() > x.abs() || (y.abs() == x.abs() && *j < at % columns);
            let place = row.iter().enumerate().filter(before).count();
            let stays = match part.keep {
                Keep::All => true,
                Keep::Band { least, below } => (least..below).contains(&(x as f32).abs().to_bits()),
                Keep::Row { skip, keep } => (skip..skip + keep).contains(&place),
            };
            let (stays, by) = match part.drop {
                Drop::None => (stays, 1.0),
                Drop::Flat { stream, chance } => (stays && word(stream, at) >= chance, 1.0),
                Drop::Ranked { stream, least, most, rescaled } => {
                    let last = columns as f64 - 1.0;
                    let share = if columns == 1 { 0.5 } else { (last - place as f64) / last };
                    let chance = f64::from(least) + f64::from(most - least) * share;
                    let lucky = f64::from(word(stream, at)) < chance * 4_294_967_296.0;
                    (stays && lucky, if rescaled { chance } else { 1.0 })
                }
            };
            let x = if stays { x * f64::from(part.gain) / by } else { 0.0 };
            h.push(if x != 0.0 { x + shift.as_ref().map_or(0.0, |shift| shift[at]) } else { 0.0 });
        }
        let taus: Vec<f64> = deltas.iter().zip(&weights).map(|(delta, w)| w * delta[at]).collect();
        match &rule.select {
            Select::All | Select::Held { .. } => {}
            Select::Varied { least } => {
                let gains = rule.parts.iter().map(|part| f64::from(part.gain));
                let gained: Vec<f64> = deltas.iter().zip(gains).map(|(delta, gain)| gain * delta[at]).collect();
                let mean = gained.iter().sum::<f64>() / gained.len() as f64;
                let variance = gained.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / gained.len() as f64;
                if (variance as f32).to_bits() < *least {
                    h.fill(0.0);
                }
            }
            Select::Mosaic { stream, bounds } => {
                let word = word(*stream, at);
                let owner = bounds.iter().position(|bound| word < *bound).unwrap_or(bounds.len() - 1);
                h.iter_mut().enumerate().filter(|(i, _)| *i != owner).for_each(|(_, h)| *h = 0.0);
            }
        }
        let votes: Vec<f64> =
            h.iter().zip(&weights).map(|(h, w)| if rule.elect.weighted() { w * h } else { *h }).collect();
        let ballots = votes.iter().map(|v| if rule.elect.counts() && *v != 0.0 { v.signum() } else { *v });
        let sum: f64 = ballots.clone().sum();
        let size: f64 = ballots.map(f64::abs).sum();
        let gamma = match rule.cancelled {
            _ if sum.abs() > f64::from(CANCELLED) * size => sum.signum(),
            Cancelled::Nothing => 0.0,
            Cancelled::Plus => 1.0,
            Cancelled::Minus => -1.0,
        };
        let takes = |i: &usize| h[*i] != 0.0 && (rule.elect == Elect::None || votes[*i] * gamma > 0.0);
        let taken: Vec<usize> = (0..h.len()).filter(takes).collect();
        let v = |i: &usize| weights[*i] * h[*i];
        let total: f64 = taken.iter().map(v).sum();
        let m = match &rule.combine {
            Combine::Sum => total,
            Combine::Max => taken.iter().map(v).fold(0.0, |most, v| if v.abs() > f64::abs(most) { v } else { most }),
            Combine::Mean if taken.len() == 1 => total * f64::from(rule.parts[taken[0]].alone),
            Combine::Mean => total / taken.len().max(1) as f64,
            Combine::Weighted => {
                let weight: f64 = taken.iter().map(|i| weights[*i]).sum();
                if weight.abs() > 1e-12 { total / weight } else { total }
            }
            Combine::Scored(scores) => {
                let (mut sum, mut weight) = (0.0, 0.0);
                for (score, tau) in scores.iter().zip(&taus) {
                    let [low, high, floor, top] = [score.low, score.high, score.floor, score.top].map(f64::from);
                    let clamped = tau.abs().clamp(low, high);
                    let value = (taus.len() as f64 * ((clamped - low) / (high - low)).powi(2)).exp()
                        * (tau * taus.iter().sum::<f64>()).tanh();
                    let s = ((value - floor) / (top - floor)).clamp(0.0, 1.0);
                    sum += tau.signum() * clamped * s;
                    weight += s;
                }
                sum / weight.max(1e-12)
            }
        };
        let m = match rule.select {
            Select::Held { factor, least, only } => {
                let holds = |(i, tau): &(usize, &f64)| {
                    only.is_none_or(|only| only == *i) && tau.abs() > f64::from(factor) * (m - **tau).abs()
                };
                if taus.iter().enumerate().filter(holds).count() < least as usize { 0.0 } else { m }
            }
            _ => m,
        };
        m * f64::from(rule.scale)
    };
    (0..deltas[0].len()).map(one).collect()
}

/// A pair of whole numbers of at most a few bits: every product and sum of them is exact in f32.
fn whole(out: usize, columns: usize, rank: usize, seed: u64) -> FactorPair {
    let mut pair = pair(out, columns, rank, 0.5, seed);
    pair.up.iter_mut().chain(&mut pair.down).for_each(|x| *x = (*x * 8.0).round());
    pair
}

fn rows(entries: Entries) -> Vec<f64> {
    let mut all = Vec::new();
    Cpu.rows(entries, |row| all.extend(row.iter().map(|x| f64::from(*x))));
    all
}

fn any_rule(count: usize) -> impl Strategy<Value = Rule> {
    let bits = |x: f32| x.to_bits();
    let keep = prop_oneof![
        3 => Just(Keep::All),
        3 => (0u8..6, 6u8..20).prop_map(move |(a, b)| Keep::Band { least: bits(f32::from(a)), below: bits(f32::from(b)) }),
        1 => (0usize..3, 1usize..9).prop_map(|(skip, keep)| Keep::Row { skip, keep }),
    ];
    let stream = (0u64..9).prop_map(|lane| Stream::new(3, "a module", lane));
    let drop = prop_oneof![
        3 => Just(Drop::None),
        1 => (stream.clone(), any::<u32>()).prop_map(|(stream, chance)| Drop::Flat { stream, chance }),
        1 => (stream.clone(), any::<bool>())
            .prop_map(|(stream, rescaled)| Drop::Ranked { stream, least: 0.25, most: 0.75, rescaled }),
    ];
    let part = (prop_oneof![Just(1.0), Just(-0.5), Just(1.25)], keep, drop, any::<bool>(), any::<bool>()).prop_map(
        |(weight, keep, drop, gain, alone)| Part {
            weight,
            keep,
            drop,
            gain: if gain { 2.0 } else { 1.0 },
            alone: if alone { 1.5 } else { 1.0 },
        },
    );
    let select = prop_oneof![
        4 => Just(Select::All),
        1 => (1u32..3, any::<bool>())
            .prop_map(|(least, only)| Select::Held { factor: 0.3, least, only: only.then_some(0) }),
        1 => Just(Select::Varied { least: bits(2.3) }),
        1 => stream.prop_map(move |stream| Select::Mosaic {
            stream,
            bounds: (1..=count as u32).map(|i| (u32::MAX / count as u32).saturating_mul(i)).collect(),
        }),
    ];
    let elect = [Elect::None, Elect::Mass, Elect::Unweighted, Elect::Count, Elect::UnweightedCount];
    let combine = [Combine::Sum, Combine::Mean, Combine::Weighted, Combine::Max];
    let cancelled = [Cancelled::Nothing, Cancelled::Plus, Cancelled::Minus];
    (
        prop::collection::vec(part, count),
        select,
        prop::sample::select(elect.to_vec()),
        prop::sample::select(cancelled.to_vec()),
        prop::sample::select(combine.to_vec()),
        any::<bool>(),
    )
        .prop_map(|(parts, select, elect, cancelled, combine, scaled)| Rule {
            parts,
            select,
            elect,
            cancelled,
            combine,
            scale: if scaled { -1.5 } else { 1.0 },
            shift: None,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_rule_is_what_it_says(
        (count, rule) in (1usize..5).prop_flat_map(|count| (Just(count), any_rule(count))),
        (out, columns, seed) in (1usize..9, 1usize..40, 0u64..1000),
        shifted in any::<bool>(),
    ) {
        let pairs: Vec<FactorPair> =
            (0..count).map(|i| whole(out, columns, 1 + i, seed + 17 * i as u64)).collect();
        let rule = Rule { shift: shifted.then(|| whole(out, columns, 2, seed + 99)), ..rule };
        let entries = Entries { pairs: &pairs, rule: &rule };
        let deltas: Vec<Vec<f64>> = pairs.iter().map(dense).collect();
        let (found, wanted) = (rows(entries), naive(&rule, &deltas, columns));
        let size = dot(&wanted, &wanted).sqrt() + 1.0;
        prop_assert!(distance(&found, &wanted) < 1e-5 * size, "{rule:?}: {found:?} {wanted:?}");
    }
}

#[test]
fn scores_are_what_they_say() {
    use rankweave_compute::entries::Score;
    let pairs: Vec<FactorPair> = (0..3).map(|i| pair(9, 21, 3, 0.7, i)).collect();
    let score = |i: f32| Score { low: 0.01 * i, high: 0.5, floor: 0.02, top: 3.0 };
    let rule = Rule { combine: Combine::Scored([1.0, 2.0, 3.0].map(score).to_vec()), ..Rule::sum(&[1.0, -0.7, 2.0]) };
    let deltas: Vec<Vec<f64>> = pairs.iter().map(dense).collect();
    let (found, wanted) = (rows(Entries { pairs: &pairs, rule: &rule }), naive(&rule, &deltas, 21));
    assert!(distance(&found, &wanted) < 1e-5 * dot(&wanted, &wanted).sqrt());
}

#[test]
fn counts_find_the_key_that_sorting_finds() {
    let pairs = [pair(70, 33, 4, 1.0, 1), pair(70, 33, 2, -0.3, 2)];
    let rule = Rule::sum(&[1.0, 0.5]);
    let entries = Entries { pairs: &pairs, rule: &rule };
    for part in 0..2 {
        let alone = Rule::sum(&[1.0]);
        let mut magnitudes: Vec<u32> = rows(Entries { pairs: &pairs[part..=part], rule: &alone })
            .iter()
            .map(|x| (*x as f32).abs().to_bits())
            .collect();
        magnitudes.sort_unstable_by(|a, b| b.cmp(a));
        for wanted in [1, 200, 2310] {
            let mut levels: Vec<Vec<f64>> = Vec::new();
            for level in 0..radix::LEVELS.len() {
                let above = radix::found(&levels.iter().map(Vec::as_slice).collect::<Vec<_>>(), wanted as f64);
                let targets = [Target { part, above }];
                levels.push(now(Cpu.count(entries, Key::Magnitude, level, &targets)).unwrap().unwrap());
            }
            let found = radix::found(&levels.iter().map(Vec::as_slice).collect::<Vec<_>>(), wanted as f64);
            assert_eq!(found, magnitudes[wanted - 1], "part {part}, {wanted}");
        }
    }
}

#[test]
fn products_and_sums_are_those_of_the_dense_result() {
    let (out, columns, q) = (150, 61, 5);
    let pairs: Vec<FactorPair> = (0..3).map(|i| pair(out, columns, 2 + i as usize, 0.9, i)).collect();
    let mut rule = Rule::sum(&[1.0, 0.8, -1.1]);
    rule.elect = Elect::Mass;
    rule.parts[1].keep = Keep::Band { least: 0.2f32.to_bits(), below: f32::INFINITY.to_bits() };
    let entries = Entries { pairs: &pairs, rule: &rule };
    let merged = rows(entries);
    let z = Mat::from_fn(columns, q, |i, l| noise(7, columns * q)[i * q + l]);
    let dense_m = Mat::from_fn(out, columns, |i, j| merged[i * columns + j]);
    let dense_z = Mat::from_fn(columns, q, |i, l| f64::from(z[(i, l)]));
    let seen = linalg::product(dense_m.as_ref(), dense_z.as_ref());
    let powered = linalg::product(dense_m.transpose(), seen.as_ref());
    let times = now(Cpu.times(entries, &z)).unwrap().unwrap();
    let power = now(Cpu.power(entries, &z)).unwrap().unwrap();
    let away = |a: &Mat<f32>, b: &Mat<f64>| {
        let off = Mat::from_fn(b.nrows(), b.ncols(), |i, j| f64::from(a[(i, j)]) - b[(i, j)]);
        off.norm_l2() / b.norm_l2()
    };
    assert!(away(&times, &seen) < 1e-6 && away(&power.z, &powered) < 1e-6);
    assert!((power.total / dot(&merged, &merged) - 1.0).abs() < 1e-6);

    let sums = now(Cpu.sums(entries)).unwrap().unwrap();
    let deltas: Vec<Vec<f64>> = pairs.iter().map(dense).collect();
    assert_eq!(sums.entries, (out * columns) as f64);
    assert!((sums.total / power.total - 1.0).abs() < 1e-6);
    let kept = deltas[1].iter().filter(|x| x.abs() >= f64::from(0.2f32));
    assert_eq!(sums.parts[1].kept, kept.clone().count() as f64);
    assert!((sums.parts[1].left / kept.map(|x| x.abs()).sum::<f64>() - 1.0).abs() < 1e-6);
    assert!((sums.parts[0].size / deltas[0].iter().map(|x| x.abs()).sum::<f64>() - 1.0).abs() < 1e-6);
    assert!((sums.parts[2].inner / dot(&merged, &deltas[2]) - 1.0).abs() < 1e-5);
    let pulls = |at: usize, sign: f64| {
        let own = [1.0, 0.8, -1.1].iter().zip(&deltas).enumerate();
        let mut taus = own.map(|(i, (w, d))| if i == 1 && d[at].abs() < f64::from(0.2f32) { 0.0 } else { w * d[at] });
        taus.any(|tau| tau * sign > 0.0)
    };
    let conflicts = (0..out * columns).filter(|at| pulls(*at, 1.0) && pulls(*at, -1.0)).count();
    assert_eq!(sums.conflicts, conflicts as f64);
}

/// Adapters as trained ones are: their singular values fall off.
fn decaying(out: usize, columns: usize, rank: usize, seed: u64) -> FactorPair {
    let mut pair = pair(out, columns, rank, 1.0, seed);
    for row in pair.up.chunks_exact_mut(rank) {
        row.iter_mut().enumerate().for_each(|(p, x)| *x /= (1.0 + p as f32).sqrt());
    }
    pair
}

#[test]
fn a_sketch_keeps_what_the_best_truncation_keeps() {
    for (out, columns, rank, density, seed) in
        [(300, 260, 8, 0.2, 1), (180, 400, 12, 0.05, 2), (420, 200, 4, 0.7, 3), (256, 256, 16, 0.01, 4)]
    {
        let pairs: Vec<FactorPair> = (0..3).map(|i| decaying(out, columns, rank, seed * 10 + i)).collect();
        let mut rule = Rule::sum(&[1.0; 3]);
        (rule.elect, rule.combine) = (Elect::Mass, Combine::Mean);
        for (part, pair) in rule.parts.iter_mut().zip(&pairs) {
            let mut sizes: Vec<f32> = dense(pair).iter().map(|x| x.abs() as f32).collect();
            sizes.sort_unstable_by(f32::total_cmp);
            let least = sizes[((1.0 - density) * sizes.len() as f64) as usize].to_bits();
            part.keep = Keep::Band { least, below: f32::INFINITY.to_bits() };
        }
        let entries = Entries { pairs: &pairs, rule: &rule };
        let merged = rows(entries);
        let svd = linalg::svd(faer::MatRef::from_row_major_slice(&merged, out, columns)).unwrap();
        let best: f64 = svd.sigma[..rank].iter().map(|s| s * s).sum();
        let (grams, stream) = (Grams::new(&pairs).unwrap(), Stream::new(0, "", 0));
        let sketch = truncated(&Cpu, entries, &grams, &[1.0; 3], RankPolicy::Fixed(rank), stream);
        let sketch = now(sketch).unwrap().unwrap();
        assert!(sketch.looks > 1, "formed as a whole");
        let found = dense(&sketch.combination.pair);
        let error = distance(&merged, &found).powi(2);
        assert_eq!(sketch.combination.pair.rank, rank);
        let kept = sketch.combination.total - error;
        println!(
            "{out}×{columns}, rank {rank}, density {density}: {:.5} of the best, {} looks",
            kept / best,
            sketch.looks
        );
        assert!(kept >= 0.999 * best, "{kept} of {best}");
        assert!((sketch.combination.kept / kept - 1.0).abs() < 1e-3);
        assert!((sketch.combination.inner[1] / dot(&found, &dense(&pairs[1])) - 1.0).abs() < 1e-4);
    }
}

#[test]
fn what_is_small_is_decomposed_as_it_is() {
    let pairs = [pair(20, 31, 2, 1.0, 5), pair(20, 31, 3, 1.0, 6)];
    let rule = Rule { elect: Elect::Mass, combine: Combine::Max, ..Rule::sum(&[1.0, 1.0]) };
    let entries = Entries { pairs: &pairs, rule: &rule };
    let (grams, merged) = (Grams::new(&pairs).unwrap(), rows(entries));
    for (policy, rank) in [(RankPolicy::Fixed(64), 20), (RankPolicy::Fixed(3), 3)] {
        let sketch = truncated(&Cpu, entries, &grams, &[1.0, 1.0], policy, Stream::new(0, "", 0));
        let made = now(sketch).unwrap().unwrap().combination;
        assert_eq!(made.pair.rank, rank);
        let error = distance(&merged, &dense(&made.pair)).powi(2);
        assert!((error - made.lost).abs() < 1e-5 * made.total, "{error} {}", made.lost);
    }
    let nothing = Rule { scale: 0.0, ..rule.clone() };
    let sketch = truncated(
        &Cpu,
        Entries { rule: &nothing, ..entries },
        &grams,
        &[1.0; 2],
        RankPolicy::Exact,
        Stream::new(0, "", 0),
    );
    assert_eq!(now(sketch).unwrap().unwrap().combination.pair.rank, 0);
}
