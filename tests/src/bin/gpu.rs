//! How fast the GPU's kernels are: `cargo run --release -p rankweave-tests --features gpu --bin gpu [OUT COLUMNS]`.
//!
//! Three adapters of rank 32, in F32 and in F16, TIES, and a panel of 48 columns, as for a result of rank 32. What is counted as an operation
//! is what the kernels do, products that are made anew included.

use half::f16;
use rankweave_compute::entries::{Backend, Combine, Elect, Entries, Key, Rule, Target, now};
use rankweave_compute::gpu::{Wanted, open};
use rankweave_compute::rng::Stream;
use rankweave_compute::{Error, FactorPair, Mat};
use std::sync::LazyLock;
use std::time::Instant;

const RANK: usize = 32;
const PARTS: usize = 3;
const Q: usize = 48;

/// Rounds a number.
type Round = fn(f32) -> f32;

/// What the factors' numbers are rounded to.
const FORMATS: [(&str, Round); 2] = [("F32", |x| x), ("F16", |x| f16::from_f32(x).to_f32())];

fn main() -> Result<(), Error> {
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let (out, columns) = match sizes[..] {
        [out, columns] => (out, columns),
        // The largest module of Flux.
        _ => (21504, 3072),
    };
    let Some(gpu) = now(open(Wanted::On, milliseconds)).transpose()?.flatten() else { return Ok(()) };
    println!("{}: {PARTS} × rank {RANK}, {out}×{columns}", gpu.name().unwrap_or_default());
    let rule = Rule { elect: Elect::Mass, combine: Combine::Mean, ..Rule::sum(&[1.0; PARTS]) };
    let z = panel(columns);
    let targets: Vec<Target> = (0..PARTS).map(|part| Target { part, above: 0 }).collect();
    let products = (2 * RANK * PARTS) as f64;
    let all = (out * columns) as f64;
    // An election makes the products twice.
    let merged = 2.0 * products + (2 * Q) as f64;
    for (format, number) in FORMATS {
        println!("{format}");
        let pairs: Vec<FactorPair> = (0..PARTS).map(|i| pair(out, columns, i as u64, number)).collect();
        let entries = Entries { pairs: &pairs, rule: &rule };
        measure("count", products * all, || {
            now(gpu.count(entries, Key::Magnitude, 0, &targets)).transpose().map(drop)
        })?;
        measure("M·X", merged * all, || now(gpu.times(entries, &z)).transpose().map(drop))?;
        measure("Mᵀ·(M·X)", 2.0 * merged * all, || now(gpu.power(entries, &z)).transpose().map(drop))?;
        measure("sums", 4.0 * products * all, || now(gpu.sums(entries)).transpose().map(drop))?;
    }
    Ok(())
}

fn milliseconds() -> f64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    1e3 * START.elapsed().as_secs_f64()
}

fn measure(what: &str, operations: f64, work: impl Fn() -> Result<(), Error>) -> Result<(), Error> {
    // The first run compiles.
    work()?;
    let mut best = f64::INFINITY;
    for _ in 0..3 {
        let start = Instant::now();
        work()?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!("{what:<10}{:>10.1} ms{:>10.0} GFLOP/s", 1e3 * best, operations / best / 1e9);
    Ok(())
}

fn pair(out: usize, columns: usize, lane: u64, number: Round) -> FactorPair {
    let stream = Stream::new(1, "bench", lane);
    let entries = |from: usize, count: usize| {
        (from..from + count).map(|i| number(stream.uniform(i as u64) as f32 - 0.5)).collect()
    };
    let (up, down) = (entries(0, out * RANK), entries(out * RANK, RANK * columns));
    FactorPair { out, columns, rank: RANK, up, down, scale: 1.0 }
}

fn panel(columns: usize) -> Mat<f32> {
    let stream = Stream::new(1, "panel", 0);
    Mat::from_fn(columns, Q, |i, l| stream.uniform((i * Q + l) as u64) as f32 - 0.5)
}
