//! Factors of 16 bits, which the kernels unpack: each format, all of them in one module, and every pattern there is.

use super::{SIZES, dense, device, done, rules};
use crate::fixture::{apart, pairs, real, whole};
use half::{bf16, f16};
use rankweave_compute::entries::{Backend, Cpu, Entries, Key, Rule, Target, radix};
use rankweave_compute::{FactorPair, Mat};

const TINY: f32 = 1.0 / (1 << 24) as f32;

/// Changes the numbers of a factor to others.
type Change = fn(&mut [f32]);

/// Whole numbers to others whose products are as exact, and which are of no other format than F32, F16 (also below the
/// normal ones) and BF16.
const WHOLE: [Change; 4] = [
    |numbers| with(numbers, 2049.0, 1.0),
    |numbers| with(numbers, 513.0, 1.0),
    |numbers| with(numbers, 513.0, TINY),
    |numbers| with(numbers, 1.0, TINY * TINY),
];

/// The nearest of the format, some of them below its normal ones.
const REAL: [Change; 3] = [
    |_| {},
    |numbers| {
        numbers.iter_mut().for_each(|x| *x = f16::from_f32(*x).to_f32());
        numbers.iter_mut().step_by(7).for_each(|x| *x *= TINY);
        numbers.iter_mut().step_by(7).for_each(|x| *x = f16::from_f32(*x).to_f32());
    },
    |numbers| numbers.iter_mut().for_each(|x| *x = bf16::from_f32(*x).to_f32()),
];

/// One number that tells the format, the other zero or not, and the unit.
fn with(numbers: &mut [f32], one: f32, unit: f32) {
    if let Some(last) = numbers.last_mut() {
        *last = one;
    }
    for (at, x) in numbers.iter_mut().enumerate() {
        *x = if *x == 0.0 && at % 2 == 0 { -0.0 } else { *x * unit };
    }
}

/// Factor n of `pairs`, counted up and down, gets change n + `from`.
fn changed(mut pairs: Vec<FactorPair>, changes: &[Change], from: usize, step: usize) -> Vec<FactorPair> {
    let factors = pairs.iter_mut().flat_map(|pair| [&mut pair.up, &mut pair.down]);
    factors.enumerate().for_each(|(n, factor)| changes[(from + n * step) % changes.len()](factor));
    pairs
}

#[test]
fn counts_and_sums_of_any_format_are_the_same_where_products_are_exact() {
    let Some(gpu) = device() else { return };
    for (out, columns, ranks) in SIZES {
        // All factors of one format, and all formats in one module.
        for (from, step) in (0..WHOLE.len()).flat_map(|from| [(from, 0), (from, 1)]) {
            let pairs = changed(pairs(out, columns, ranks, whole), &WHOLE, from, step);
            let rule = Rule::sum(&vec![0.5; pairs.len()]);
            let entries = Entries { pairs: &pairs, rule: &rule };
            let what = format!("{out}×{columns}, {ranks:?}, change {from}, step {step}");
            for (part, _) in pairs.iter().enumerate() {
                let mut target = Target { part, above: 0 };
                for level in 0..radix::LEVELS.len() {
                    let counts = |backend: &dyn Backend| done(backend.count(entries, Key::Magnitude, level, &[target]));
                    let (own, cpu) = (counts(&*gpu), counts(&Cpu));
                    assert!(own == cpu, "{what}, level {level} of {part}");
                    let fullest = (0..cpu.len()).max_by(|a, b| cpu[*a].total_cmp(&cpu[*b])).unwrap();
                    target.above = target.above << radix::LEVELS[level].0 | fullest as u32;
                }
            }
            assert!(dense(&*gpu, entries) == dense(&Cpu, entries), "{what}");
        }
    }
}

#[test]
fn m_of_any_format_is_near() {
    let Some(gpu) = device() else { return };
    for (out, columns, ranks) in SIZES {
        for (from, step) in [(1, 0), (2, 0), (0, 1), (1, 2)] {
            let pairs = changed(pairs(out, columns, ranks, real), &REAL, from, step);
            for (name, rule) in rules(pairs.len()).into_iter().step_by(4) {
                let entries = Entries { pairs: &pairs, rule: &rule };
                let apart = apart(&dense(&*gpu, entries), &dense(&Cpu, entries));
                assert!(apart < 1e-5, "{name}, {out}×{columns}, {ranks:?}, change {from}, step {step}: {apart}");
            }
        }
    }
}

/// M of one pair, B·A, where one of them is the identity and the other has `numbers`, 256 to a row.
fn every(numbers: &[f32], up: bool) -> Mat<f32> {
    let gpu = device().unwrap();
    let (rank, other) = (256, numbers.len() / 256);
    assert_eq!(other * rank, numbers.len());
    let identity: Vec<f32> = (0..rank * rank).map(|i| f32::from(u8::from(i % (rank + 1) == 0))).collect();
    let pair = if up {
        FactorPair { out: other, columns: rank, rank, up: numbers.to_vec(), down: identity, scale: 1.0 }
    } else {
        FactorPair { out: rank, columns: other, rank, up: identity, down: numbers.to_vec(), scale: 1.0 }
    };
    dense(&*gpu, Entries { pairs: &[pair], rule: &Rule::sum(&[1.0]) })
}

#[test]
fn every_number_of_16_bits_is_unpacked_exactly() {
    if device().is_none() {
        return;
    }
    let short = (0..=u16::MAX).map(|bits| f16::from_bits(bits).to_f32()).filter(|x| x.is_finite());
    // What is below the normal numbers of F32, a device may make a zero of.
    let brief = (0..=u16::MAX).map(|bits| bf16::from_bits(bits).to_f32()).filter(|x| x.is_normal());
    for numbers in [short.collect::<Vec<f32>>(), brief.collect()] {
        for up in [true, false] {
            let m = every(&numbers, up);
            let columns = m.ncols();
            for (at, x) in numbers.iter().enumerate() {
                let own = m[(at / columns, at % columns)];
                assert!(own == *x, "{own:e} instead of {x:e}, up: {up}");
            }
        }
    }
}
