//! What a device is given, and that no result depends on how much at a time.

use super::pack::Format;
use super::upload::Module;
use super::{Gpu, Wanted, open};
use crate::entries::{Backend, Combine, Elect, Entries, Key, Rule, Target, now};
use crate::rng::Stream;
use crate::{FactorPair, Mat};
use std::io::Write;

/// The device, whichever there is, by a clock that stands still: its pace stays as it is.
fn device(test: &str) -> Option<Gpu> {
    match now(open(Wanted::On, || 0.0)).expect("opening does not wait") {
        Ok(gpu) => gpu,
        Err(error) => {
            // Past the harness's capture, so that it is seen and counted.
            let _ = writeln!(std::io::stdout(), "\nskipped: {test}: no adapter: {error}");
            None
        }
    }
}

fn pair((out, columns, rank): (usize, usize, usize), lane: u64, number: fn(f64) -> f32) -> FactorPair {
    let stream = Stream::new(5, "gpu", lane);
    let factor = |from: usize, size: usize| (from..from + size).map(|at| number(stream.normal(at as u64))).collect();
    let (up, down) = (factor(0, out * rank), factor(out * rank, rank * columns));
    FactorPair { out, columns, rank, up, down, scale: 0.5 }
}

#[test]
fn factors_of_16_bits_take_half_of_the_words() {
    let Some(gpu) = device("factors_of_16_bits_take_half_of_the_words") else { return };
    let single = |x| x as f32;
    let short = |x| half::f16::from_f64(x).to_f32();
    let brief = |x| half::bf16::from_f64(x).to_f32();
    let size = (128, 72, 6);
    let words = |numbers: &[fn(f64) -> f32]| {
        let pairs: Vec<FactorPair> = numbers.iter().zip(0..).map(|(number, i)| pair(size, i, *number)).collect();
        let rule = Rule::sum(&vec![1.0; pairs.len()]);
        let module = Module::new(&gpu.device, Entries { pairs: &pairs, rule: &rule });
        [&module.ups, &module.downs].map(|buffer| buffer.size() / 4)
    };
    assert_eq!(words(&[single]), [128 * 6, 72 * 6]);
    assert_eq!(words(&[short]), [64 * 6, 36 * 6]);
    assert_eq!(words(&[brief]), [64 * 6, 36 * 6]);
    assert_eq!(words(&[short, single, brief]), [256 * 6, 144 * 6]);
    let mut mixed = pair(size, 0, short);
    mixed.up[17] = 0.1;
    let (pairs, rule) = ([mixed], Rule::sum(&[1.0]));
    assert_eq!([Format::of(&pairs[0].up), Format::of(&pairs[0].down)], [Format::F32, Format::F16]);
    let module = Module::new(&gpu.device, Entries { pairs: &pairs, rule: &rule });
    assert_eq!([&module.ups, &module.downs].map(|buffer| buffer.size() / 4), [128 * 6, 36 * 6]);
}

#[test]
fn results_are_the_same_bits_for_any_range() {
    let Some(mut gpu) = device("results_are_the_same_bits_for_any_range") else { return };
    // Several slabs, ranges that end inside of a strip of panels, and a last tile that is not whole.
    for (out, columns, ranks, q) in [(1100, 200, [4, 9], 70), (2200, 40, [300, 212], 5)] {
        let pairs: Vec<FactorPair> =
            ranks.into_iter().zip(0..).map(|(rank, i)| pair((out, columns, rank), i, |x| x as f32)).collect();
        let rule = Rule { elect: Elect::Mass, combine: Combine::Mean, ..Rule::sum(&[1.0, 0.5]) };
        let entries = Entries { pairs: &pairs, rule: &rule };
        let z = Mat::from_fn(columns, q, |i, l| Stream::new(1, "z", 0).normal((i * q + l) as u64) as f32);
        let mut all = Vec::new();
        let mut rows = Vec::new();
        // Operations per ms: one strip at a time, some, and as many as there is room for.
        for rate in [1.0, 5e5, 1e6, 1e12] {
            gpu.pace.set(rate);
            rows.push(Module::new(&gpu.device, entries).rows(gpu.pace.budget(), 1000));
            let powered = now(gpu.power(entries, &z)).unwrap().unwrap();
            let times = now(gpu.times(entries, &z)).unwrap().unwrap();
            let sums = now(gpu.sums(entries)).unwrap().unwrap().numbers(&[0, 1], 2);
            let target = [Target { part: 1, above: 0 }];
            let counts = now(gpu.count(entries, Key::Magnitude, 0, &target)).unwrap().unwrap();
            let bits = |m: &Mat<f32>| m.col_iter().flat_map(|c| c.iter().map(|x| x.to_bits())).collect::<Vec<u32>>();
            let doubles: Vec<u64> =
                [&[powered.total], &sums[..], &counts].concat().iter().map(|x| x.to_bits()).collect();
            all.push((bits(&powered.z), bits(&times), doubles));
        }
        rows.dedup();
        assert!(rows.len() > 2 && rows[0] == 64, "{rows:?}");
        assert!(all.iter().all(|some| *some == all[0]), "{out}×{columns}");
    }
}
