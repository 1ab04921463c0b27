//! `check`: the quick part of `test`.

use crate::counts::Tally;
use crate::error::{Error, Result};
use crate::libtest::Libtest;
use crate::run;
use crate::toolchain::{Toolchain, WASM};
use std::process::Command;

/// The crates that run in a browser.
pub const BROWSER: [&str; 4] = ["-p", "rankweave-wasm", "-p", "rankweave-web"];

/// Runs the command.
pub fn check() -> Result<()> {
    let toolchain = Toolchain::ready()?;
    let mut tally = style(&toolchain)?;
    run::step("Testing the libraries");
    tally.add(cargo_test(&toolchain, "the libraries' tests", &["--lib"])?);
    conclude(&tally)
}

/// Formatting and lints, native and wasm32.
pub fn style(toolchain: &Toolchain) -> Result<Tally> {
    let mut tally = Tally::default();
    run::step("Checking the formatting");
    tally.add(succeeds("cargo fmt", toolchain.cargo().args(["fmt", "--all", "--check"]))?);
    run::step("Linting what runs natively; a warning is an error");
    tally.add(succeeds("cargo clippy", clippy(toolchain).args(DENY))?);
    run::step("Linting what runs in a browser");
    let mut browser = clippy(toolchain);
    browser.args(BROWSER).args(["--target", WASM]).args(DENY);
    tally.add(succeeds("cargo clippy for wasm32", &mut browser)?);
    Ok(tally)
}

/// Runs `cargo test` with more words, and reads its results.
pub fn cargo_test(toolchain: &Toolchain, what: &str, words: &[&str]) -> Result<Tally> {
    let mut cargo = toolchain.cargo();
    cargo.args(["test", "--no-fail-fast"]).args(words).args(["--", "--show-output"]);
    harness(what, &mut cargo)
}

/// Runs a command that prints what Rust's test harness prints, and reads the results.
pub fn harness(what: &str, command: &mut Command) -> Result<Tally> {
    let mut reader = Libtest::default();
    let good = run::each_line(what, command, |line| reader.line(line))?;
    let mut tally = reader.finish();
    if !good && tally.failed == 0 {
        tally.add(Tally::failure(format!("{what}: see above")));
    }
    Ok(tally)
}

/// Prints what failed and what could not run, and the closing line.
pub fn conclude(tally: &Tally) -> Result<()> {
    println!();
    if !tally.skips.is_empty() {
        println!("Could not run:");
        tally.skips.iter().for_each(|(name, why)| println!("  {name}: {why}"));
    }
    if !tally.failures.is_empty() {
        println!("Failed:");
        tally.failures.iter().for_each(|name| println!("  {name}"));
    }
    println!("{}", tally.line());
    if tally.is_good() {
        return Ok(());
    }
    let what = if tally.failed > 0 { "tests failed" } else { "no test ran" };
    Err(Error::new(what, "the list above", "see what was printed when each of them ran"))
}

/// A step with no tests of its own: it counts only when it fails.
pub fn succeeds(what: &str, command: &mut Command) -> Result<Tally> {
    Ok(if run::succeeds(what, command)? { Tally::default() } else { Tally::failure(what) })
}

const DENY: [&str; 3] = ["--", "-D", "warnings"];

fn clippy(toolchain: &Toolchain) -> Command {
    let mut cargo = toolchain.cargo();
    cargo.args(["clippy", "--all-targets"]);
    cargo
}
