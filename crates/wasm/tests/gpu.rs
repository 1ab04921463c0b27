//! The GPU's kernels in a browser, held to the CPU: chance and counts bit for bit, results but for rounding.
//!
//! A browser without a GPU runs them on the CPU; `tests/browser/webdriver.json` has it do so.

#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

#[path = "../../compute/tests/gpu/fixture.rs"]
mod fixture;

use fixture::{apart, pairs, real, whole};
use rankweave_compute::entries::{
    Backend, Combine, Cpu, Drop, Elect, Entries, Keep, Key, Part, Rule, Target, now, radix, truncated,
};
use rankweave_compute::gpu::{Gpu, Wanted, open};
use rankweave_compute::rng::Stream;
use rankweave_compute::{Grams, Mat, RankPolicy};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

async fn gpu() -> Gpu {
    open(Wanted::On, js_sys::Date::now).await.unwrap().expect("an error where there is none")
}

/// Entries from 1 on are kept, some are dropped by chance, the sign of the larger mass stays, and what has it is averaged.
fn rule(count: usize) -> Rule {
    let keep = Keep::Band { least: 1f32.to_bits(), below: f32::INFINITY.to_bits() };
    let drop = |i: usize| Drop::Flat { stream: Stream::new(1, "drop", i as u64), chance: 1 << 30 };
    let sum = Rule::sum(&vec![0.5; count]);
    let parts = sum.parts.iter().enumerate().map(|(i, part)| Part { keep, drop: drop(i), ..*part }).collect();
    Rule { parts, elect: Elect::Mass, combine: Combine::Mean, ..sum }
}

#[wasm_bindgen_test]
async fn chance_drops_the_same_entries() {
    let gpu = gpu().await;
    // All entries of both are 1, so that M tells which are left.
    let ones = pairs(70, 130, &[1], |_, _| 1.0);
    let mut rule = Rule::sum(&[1.0]);
    for (lane, chance) in [(0, 1 << 31), (1 << 40, 1 << 29), (3, u32::MAX)] {
        rule.parts[0].drop = Drop::Flat { stream: Stream::new(9, "mask", lane), chance };
        let entries = Entries { pairs: &ones, rule: &rule };
        let identity = Mat::identity(130, 130);
        let own = gpu.times(entries, &identity).await.unwrap();
        assert!(own == now(Cpu.times(entries, &identity)).unwrap().unwrap(), "chance {chance}");
    }
}

#[wasm_bindgen_test]
async fn counts_are_the_same() {
    let gpu = gpu().await;
    let pairs = pairs(65, 129, &[4, 1, 17], whole);
    let rule = rule(3);
    let entries = Entries { pairs: &pairs, rule: &rule };
    for level in 0..radix::LEVELS.len() {
        let (width, shift) = radix::LEVELS[level];
        // The bin that 1 is in.
        let above = if level == 0 { 0 } else { 1f32.to_bits() >> (width + shift) };
        let targets = [Target { part: 0, above }, Target { part: 2, above }];
        let own = gpu.count(entries, Key::Magnitude, level, &targets).await.unwrap();
        assert!(own == now(Cpu.count(entries, Key::Magnitude, level, &targets)).unwrap().unwrap(), "level {level}");
    }
}

#[wasm_bindgen_test]
async fn a_truncated_result_and_its_sums_are_the_same_but_for_rounding() {
    let gpu = gpu().await;
    let pairs = pairs(120, 90, &[6, 4, 5], real);
    let (grams, rule) = (Grams::new(&pairs).unwrap(), rule(3));
    let entries = Entries { pairs: &pairs, rule: &rule };
    let identity = Mat::identity(90, 90);
    let dense =
        apart(&gpu.times(entries, &identity).await.unwrap(), &now(Cpu.times(entries, &identity)).unwrap().unwrap());
    assert!(dense < 1e-4, "{dense}");
    let (policy, stream, weights) = (RankPolicy::Fixed(6), Stream::new(0, "x", 0), [0.5; 3]);
    let own = truncated(&gpu, entries, &grams, &weights, policy, stream).await.unwrap().combination;
    let cpu = now(truncated(&Cpu, entries, &grams, &weights, policy, stream)).unwrap().unwrap().combination;
    assert!((own.total - cpu.total).abs() < 1e-4 * cpu.total, "{} {}", own.total, cpu.total);
    assert!((own.kept - cpu.kept).abs() < 1e-3 * cpu.total, "{} {}", own.kept, cpu.kept);
    let places = [0, 1, 2];
    let own = gpu.sums(entries).await.unwrap().numbers(&places, 3);
    for (x, y) in own.into_iter().zip(now(Cpu.sums(entries)).unwrap().unwrap().numbers(&places, 3)) {
        assert!((x - y).abs() <= 1e-4 * y.abs() + 1e-2, "{x} instead of {y}");
    }
}
