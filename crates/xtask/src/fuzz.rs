//! `fuzz`: every fuzz target of tests/fuzz for a while, with the compiler that is there.
//!
//! libFuzzer is told where code goes by instrumentation that LLVM puts in; the flags for it work with every compiler,
//! so neither a nightly one nor cargo-fuzz is needed. What a target finds interesting is kept in cargo's target folder
//! for the next run; an input that fails lies there too, and is named.

use crate::error::{Error, Result};
use crate::toolchain::Toolchain;
use crate::{project, run};
use std::fs;

/// The targets, each a program of tests/fuzz.
const TARGETS: [&str; 5] = ["header", "dialect", "config", "metadata", "forms"];

/// Seconds per target when nothing else is asked for.
const SECONDS: u64 = 300;

/// Most memory of a target, in MiB.
const MEMORY: u32 = 1024;

/// Longest that one input may take, in seconds.
const HANG: u32 = 10;

const FLAGS: &str = "-C passes=sancov-module -C llvm-args=-sanitizer-coverage-level=4 \
    -C llvm-args=-sanitizer-coverage-inline-8bit-counters -C llvm-args=-sanitizer-coverage-pc-table \
    -C llvm-args=-sanitizer-coverage-trace-compares -C codegen-units=1 -C opt-level=2";

/// Runs the command: `[--seconds N] [TARGET...]`.
pub fn fuzz(words: &[String]) -> Result<()> {
    let (mut seconds, mut chosen) = (SECONDS, Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--seconds" => seconds = words.next().and_then(|n| n.parse().ok()).ok_or_else(|| wrong("--seconds"))?,
            name => chosen.push(*TARGETS.iter().find(|target| **target == name).ok_or_else(|| wrong(name))?),
        }
    }
    if chosen.is_empty() {
        chosen = TARGETS.to_vec();
    }
    let toolchain = Toolchain::ready()?;
    let folder = project::root().join("tests/fuzz");
    let target = project::target(toolchain.cargo())?.join("fuzz");
    let host = toolchain.version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    run::step("Building the fuzz targets");
    let mut cargo = toolchain.cargo();
    cargo.args(["build", "--release", "--manifest-path"]).arg(folder.join("Cargo.toml"));
    // With a target named, the flags do not reach build scripts.
    cargo.args(["--target", host, "--target-dir"]).arg(&target).env("RUSTFLAGS", FLAGS);
    run::show("cargo build", &mut cargo)?;
    for name in chosen {
        run::step(&format!("Fuzzing {name} for {seconds} s"));
        let corpus = target.join("corpus").join(name);
        fs::create_dir_all(&corpus).map_err(|e| Error::io("cannot make a folder", &corpus, &e))?;
        let mut program = run::command(target.join(host).join("release").join(name));
        program
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-rss_limit_mb={MEMORY}"))
            .arg(format!("-timeout={HANG}"))
            .arg("-print_final_stats=1")
            .arg("-verbosity=0")
            .arg(format!("-artifact_prefix={}/failed-{name}-", target.display()))
            .arg(&corpus)
            .arg(folder.join("seeds").join(name));
        run::show(name, &mut program)?;
    }
    run::step("No target found a fault");
    Ok(())
}

fn wrong(word: &str) -> Error {
    Error::new(
        format!("fuzz does not understand {word}"),
        "cargo xtask fuzz [--seconds N] [TARGET...]",
        TARGETS.join(", "),
    )
}
