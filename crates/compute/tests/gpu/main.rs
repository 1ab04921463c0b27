//! The GPU's kernels: naga takes each of them, and what they compute is what the CPU does.

#![cfg(feature = "gpu")]
#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

mod fixture;
mod formats;

use fixture::{apart, pairs};
use rankweave_compute::entries::{
    Backend, Cancelled, Combine, Cpu, Drop, Elect, Entries, Keep, Key, Part, Rule, Score, Select, Target, now, radix,
    truncated,
};
use rankweave_compute::gpu::{self, Gpu, Wanted};
use rankweave_compute::rng::Stream;
use rankweave_compute::{FactorPair, Grams, Mat, RankPolicy};
use std::io::Write;
use std::ops::Deref;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Instant;

#[test]
fn every_shader_is_valid() {
    let shaders = gpu::shaders();
    assert_eq!(shaders.len(), 7);
    for shader in shaders {
        let module = naga::front::wgsl::parse_str(&shader.text)
            .unwrap_or_else(|error| panic!("{}: {}", shader.name, error.emit_to_string(&shader.text)));
        let (flags, capabilities) = (naga::valid::ValidationFlags::all(), naga::valid::Capabilities::empty());
        let info = naga::valid::Validator::new(flags, capabilities).validate(&module);
        info.unwrap_or_else(|error| panic!("{}: {}", shader.name, error.emit_to_string(&shader.text)));
        let mut layouter = naga::proc::Layouter::default();
        layouter.update(module.to_ctx()).unwrap();
        let shared = module.global_variables.iter().filter(|(_, of)| of.space == naga::AddressSpace::WorkGroup);
        let bytes: u32 = shared.map(|(_, of)| layouter[of.ty].size).sum();
        assert!(bytes <= 16 << 10, "{}: {bytes} bytes of workgroup memory", shader.name);
    }
}

/// Out, columns, ranks: single entries, edges of tiles, ranks above the sides and of several steps, none.
const SIZES: [(usize, usize, &[usize]); 7] = [
    (1, 1, &[1]),
    (65, 63, &[4, 1]),
    (130, 70, &[16, 17, 33]),
    (64, 128, &[3, 2, 5, 8]),
    (3, 200, &[7, 4, 1, 2, 9]),
    (200, 3, &[12, 6]),
    (66, 257, &[20, 0, 2]),
];

/// The device, whichever there is, or that there is none. One for all tests, as each compiles the kernels it needs.
fn device() -> Option<impl Deref<Target = Gpu>> {
    static OPENED: LazyLock<Result<Mutex<Gpu>, String>> = LazyLock::new(|| {
        let opened = now(gpu::open(Wanted::On, milliseconds)).expect("opening does not wait");
        opened.map(|gpu| Mutex::new(gpu.unwrap())).map_err(|error| error.to_string())
    });
    match &*OPENED {
        Ok(gpu) => Some(gpu.lock().unwrap_or_else(PoisonError::into_inner)),
        Err(error) => {
            let thread = std::thread::current();
            let test = thread.name().unwrap_or("?");
            // Past the harness's capture, so that it is seen and counted.
            let _ = writeln!(std::io::stdout(), "\nskipped: {test}: no adapter: {error}");
            None
        }
    }
}

fn milliseconds() -> f64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    1e3 * START.elapsed().as_secs_f64()
}

fn done<T>(work: impl Future<Output = Result<T, rankweave_compute::Error>>) -> T {
    now(work).expect("no work waits in a terminal").unwrap()
}

fn whole((out, columns, ranks): (usize, usize, &[usize])) -> Vec<FactorPair> {
    pairs(out, columns, ranks, fixture::whole)
}

fn real((out, columns, ranks): (usize, usize, &[usize])) -> Vec<FactorPair> {
    pairs(out, columns, ranks, fixture::real)
}

/// Rules for `count` adapters, that between them have every step. Bounds are between whole numbers, but for `exact` ones,
/// which are at some.
fn rules(count: usize) -> Vec<(&'static str, Rule)> {
    let weights: Vec<f64> = (0..count).map(|i| [1.0, 0.5, -0.25, 2.0, -1.0][i % 5]).collect();
    let sum = Rule::sum(&weights);
    let parts = |change: &dyn Fn(usize, Part) -> Part| -> Vec<Part> {
        sum.parts.iter().enumerate().map(|(i, part)| change(i, *part)).collect()
    };
    let band = |least: f32, below: f32| Keep::Band { least: least.to_bits(), below: below.to_bits() };
    let large = parts(&|i, part| Part { keep: band(1.0 + i as f32 / 2.0, f32::INFINITY), ..part });
    let flat = |i: usize| Drop::Flat { stream: Stream::new(1, "drop", 5 + i as u64), chance: (i as u32 + 1) << 29 };
    let elect = |elect, cancelled, combine| Rule { parts: large.clone(), elect, cancelled, combine, ..sum.clone() };
    let all = |combine| Rule { combine, ..sum.clone() };
    let held = |only| Select::Held { factor: 0.75, least: 1, only };
    let bounds: Vec<u32> = (1..=count).map(|i| (i as f64 / count as f64 * 4e9) as u32).collect();
    let score = Score { low: 0.5, high: 4.0, floor: -1.0, top: 8.0 };
    let dropped = parts(&|i, part| Part { drop: flat(i), gain: 2.0, ..part });
    let lone = parts(&|i, part| Part { alone: 0.5, ..Part { drop: flat(i), ..part } });
    vec![
        ("sum", Rule { scale: 0.5, ..sum.clone() }),
        ("band", Rule { parts: parts(&|_, part| Part { keep: band(1.0, 3.0), ..part }), ..sum.clone() }),
        ("drop", Rule { parts: dropped.clone(), ..sum.clone() }),
        ("mean", Rule { parts: lone.clone(), combine: Combine::Mean, ..sum.clone() }),
        ("weighted", Rule { parts: dropped, combine: Combine::Weighted, ..sum.clone() }),
        ("largest", all(Combine::Max)),
        ("by mass", elect(Elect::Mass, Cancelled::Nothing, Combine::Mean)),
        ("by count", elect(Elect::Count, Cancelled::Plus, Combine::Sum)),
        ("unweighted", elect(Elect::Unweighted, Cancelled::Minus, Combine::Max)),
        ("unweighted count", elect(Elect::UnweightedCount, Cancelled::Plus, Combine::Weighted)),
        ("alone", Rule { parts: lone, elect: Elect::Mass, combine: Combine::Mean, ..sum.clone() }),
        ("held", Rule { select: held(None), ..sum.clone() }),
        ("held by one", Rule { select: held(Some(count - 1)), scale: 3.0, ..sum.clone() }),
        (
            "varied",
            Rule {
                parts: parts(&|i, part| Part { gain: [1.0, -0.5, 2.0][i % 3], ..part }),
                select: Select::Varied { least: 1.3f32.to_bits() },
                ..sum.clone()
            },
        ),
        (
            "mosaic",
            Rule { select: Select::Mosaic { stream: Stream::new(2, "mosaic", 1 << 40), bounds }, ..sum.clone() },
        ),
        ("scored", all(Combine::Scored(vec![score; count]))),
    ]
}

/// M, by way of the backend's product with the identity.
fn dense(backend: &dyn Backend, entries: Entries) -> Mat<f32> {
    assert!(backend.takes(entries));
    done(backend.times(entries, &Mat::identity(entries.columns(), entries.columns())))
}

#[test]
fn m_is_the_same_where_products_are_exact() {
    let Some(gpu) = device() else { return };
    for size in SIZES {
        let pairs = whole(size);
        for (name, rule) in rules(pairs.len()) {
            let entries = Entries { pairs: &pairs, rule: &rule };
            let (own, cpu) = (dense(&*gpu, entries), dense(&Cpu, entries));
            // Divisions, exponentials and the variance's share may be off by some units in the last place.
            let exact = matches!(rule.combine, Combine::Sum | Combine::Max);
            for (at, (x, y)) in
                own.col_iter().flat_map(|c| c.iter()).zip(cpu.col_iter().flat_map(|c| c.iter())).enumerate()
            {
                let same = if exact { x == y } else { (x - y).abs() <= 1e-5 * (y.abs() + 1e-3) };
                assert!(same, "{name}, {size:?}: {x} instead of {y} at {at}");
            }
        }
    }
}

#[test]
fn m_is_near_where_they_are_not() {
    let Some(gpu) = device() else { return };
    for size in SIZES {
        let pairs = real(size);
        for (name, rule) in rules(pairs.len()) {
            let entries = Entries { pairs: &pairs, rule: &rule };
            let apart = apart(&dense(&*gpu, entries), &dense(&Cpu, entries));
            assert!(apart < 1e-5, "{name}, {size:?}: {apart}");
        }
    }
}

#[test]
fn counts_are_the_same_where_products_are_exact() {
    let Some(gpu) = device() else { return };
    for size in SIZES {
        for key in [Key::Magnitude, Key::Variance, Key::Score] {
            // A share of one in three is not exact, nor are exponentials.
            let exact = key == Key::Magnitude || key == Key::Variance && size.2.len().is_power_of_two();
            let pairs = if exact { whole(size) } else { real(size) };
            let mut rule = Rule::sum(&vec![0.5; pairs.len()]);
            rule.parts.iter_mut().enumerate().for_each(|(i, part)| part.gain = [0.5, -2.0][i % 2]);
            rule.combine = Combine::Scored(vec![Score { low: 0.5, high: 4.0, floor: 0.0, top: 1.0 }; pairs.len()]);
            let entries = Entries { pairs: &pairs, rule: &rule };
            let mut above = [0; 2];
            for level in 0..radix::LEVELS.len() {
                let last = Target { part: pairs.len() - 1, above: above[1] };
                let targets = [Target { part: 0, above: above[0] }, last];
                let counts = |backend: &dyn Backend| done(backend.count(entries, key, level, &targets));
                let (own, cpu) = (counts(&*gpu), counts(&Cpu));
                let bins = radix::bins(level);
                if exact {
                    assert!(own == cpu, "{key:?}, level {level}, {size:?}");
                } else if level == 0 {
                    // Keys that are off by rounding may be in the bin beside.
                    let moved: f64 = own.iter().zip(&cpu).map(|(x, y)| (x - y).abs()).sum();
                    let all = (2 * size.0 * size.1) as f64;
                    assert!(moved <= 2.0 + 0.001 * all, "{key:?}, {size:?}: {moved} of {all}");
                    assert_eq!(own.iter().sum::<f64>(), all);
                }
                // The fullest bin has the most to tell of the next level.
                for (above, counts) in above.iter_mut().zip(cpu.chunks_exact(bins)) {
                    let fullest = (0..bins).max_by(|a, b| counts[*a].total_cmp(&counts[*b])).unwrap();
                    *above = *above << radix::LEVELS[level].0 | fullest as u32;
                }
            }
        }
    }
}

#[test]
fn powers_and_products_are_near() {
    let Some(gpu) = device() else { return };
    for (size, q) in SIZES.into_iter().zip([1, 5, 24, 65, 130, 3, 200]) {
        let pairs = real(size);
        let stream = Stream::new(3, "z", 0);
        let z = Mat::from_fn(size.1, q, |i, l| stream.normal((i * q + l) as u64) as f32);
        for (name, rule) in rules(pairs.len()).into_iter().take(8) {
            let entries = Entries { pairs: &pairs, rule: &rule };
            let (own, cpu) = (done(gpu.power(entries, &z)), done(Cpu.power(entries, &z)));
            assert!(apart(&own.z, &cpu.z) < 1e-5, "{name}, {size:?}: {}", apart(&own.z, &cpu.z));
            assert!((own.total - cpu.total).abs() <= 1e-5 * cpu.total, "{name}, {size:?}: {} {}", own.total, cpu.total);
            let times = apart(&done(gpu.times(entries, &z)), &done(Cpu.times(entries, &z)));
            assert!(times < 1e-5, "{name}, {size:?}: {times}");
        }
    }
}

fn near_sums(gpu: &Gpu, entries: Entries, name: &str) {
    let places: Vec<usize> = (0..entries.pairs.len()).collect();
    let numbers = |backend: &dyn Backend| done(backend.sums(entries)).numbers(&places, places.len());
    for (i, (x, y)) in numbers(gpu).into_iter().zip(numbers(&Cpu)).enumerate() {
        assert!((x - y).abs() <= 1e-5 * y.abs() + 1e-9, "{name}: number {i} is {x} instead of {y}");
    }
}

#[test]
fn sums_are_near_and_their_counts_the_same() {
    let Some(gpu) = device() else { return };
    for size in SIZES {
        let pairs = whole(size);
        for (name, rule) in rules(pairs.len()) {
            near_sums(&gpu, Entries { pairs: &pairs, rule: &rule }, &format!("{name}, {size:?}"));
        }
    }
}

#[test]
fn modules_of_several_slabs_and_submissions_are_worked_on_in_all_their_parts() {
    let Some(gpu) = device() else { return };
    // 512 ranks leave 2048 rows for a slab.
    for (size, q) in [((2500, 40, &[300, 212][..]), 3), ((1000, 700, &[300, 212][..]), 20)] {
        let pairs = whole(size);
        let (name, rule) = rules(2).remove(6);
        let entries = Entries { pairs: &pairs, rule: &rule };
        near_sums(&gpu, entries, name);
        let z = Mat::from_fn(size.1, q, |i, l| ((i * q + l) % 7) as f32 - 3.0);
        let (own, cpu) = (done(gpu.power(entries, &z)), done(Cpu.power(entries, &z)));
        assert!(apart(&own.z, &cpu.z) < 1e-5 && (own.total - cpu.total).abs() < 1e-5 * cpu.total);
        assert!(apart(&done(gpu.times(entries, &z)), &done(Cpu.times(entries, &z))) < 1e-5);
        let target = [Target { part: 1, above: 0 }];
        let counts = |backend: &dyn Backend| done(backend.count(entries, Key::Magnitude, 0, &target));
        assert!(counts(&*gpu) == counts(&Cpu));
    }
}

#[test]
fn a_truncated_result_is_the_same_but_for_rounding() {
    let Some(gpu) = device() else { return };
    let pairs = real((200, 150, &[6, 4, 5]));
    let grams = Grams::new(&pairs).unwrap();
    for (name, rule) in rules(3).into_iter().step_by(6) {
        let entries = Entries { pairs: &pairs, rule: &rule };
        let (policy, stream) = (RankPolicy::Fixed(6), Stream::new(0, "x", 0));
        let of = |backend: &dyn Backend| {
            done(truncated(backend, entries, &grams, &[1.0, 0.5, -0.25], policy, stream)).combination
        };
        let (own, cpu) = (of(&*gpu), of(&Cpu));
        assert!((own.total - cpu.total).abs() < 1e-5 * cpu.total, "{name}");
        assert!((own.kept - cpu.kept).abs() < 1e-4 * cpu.total, "{name}: {} {}", own.kept, cpu.kept);
    }
}

#[test]
fn what_needs_rows_is_not_taken() {
    let Some(gpu) = device() else { return };
    let pairs = whole((8, 8, &[2]));
    let mut rule = Rule::sum(&[1.0]);
    assert!(gpu.takes(Entries { pairs: &pairs, rule: &rule }));
    rule.parts[0].keep = Keep::Row { skip: 0, keep: 1 };
    assert!(!gpu.takes(Entries { pairs: &pairs, rule: &rule }));
    let large = [FactorPair::zero(1 << 16, 1 << 16, 0)];
    assert!(!gpu.takes(Entries { pairs: &large, rule: &Rule::sum(&[1.0]) }));
    assert!(gpu.name().is_some());
}
