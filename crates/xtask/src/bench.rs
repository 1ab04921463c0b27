//! `bench`: how long the work takes, natively and in the page, in one table.
//!
//! The measuring is done elsewhere: by the program `bench` of the crate rankweave-tests, and by
//! tests/browser/bench.mjs. Each prints lines of the form
//!
//! ```text
//! bench | 2 x SD1.5, sum to rank 16 | 0.42 s | 0.5 s | 264 modules, rank 16, F16, 19 MB
//!         the work                    median   bound   the sizes
//! ```
//!
//! and here the rows with the same work are put side by side.

use crate::browser::Browser;
use crate::error::{Error, Result};
use crate::toolchain::Toolchain;
use crate::tools::Tools;
use crate::{build, npm, project, run, sizes, test};
use std::process::Command;

/// One line of the table.
#[derive(Debug, Default, PartialEq, Eq)]
struct Row {
    work: String,
    sizes: String,
    native: String,
    page: String,
}

/// Runs the command: everything, or what the word says.
///
/// | word | what |
/// |---|---|
/// | – | the sum of several families, natively and in the page |
/// | `methods` | every method on three SDXL adapters, natively and in the page |
/// | `gpu` | how fast the GPU's kernels are on this machine's device |
/// | `quality` | accuracy of every method's result on a small trained model |
pub fn bench(words: &[String]) -> Result<()> {
    match words {
        [] => times(&[]),
        [word] if word == "methods" => times(&["--methods", "--runs", "1"]),
        [word] if word == "gpu" => program("gpu", &["--features", "gpu"]),
        [word] if word == "quality" => program("quality", &[]),
        [word, ..] => Err(Error::new("bench does not know this word", word, "use none, methods, gpu, or quality")),
    }
}

fn program(name: &str, flags: &[&str]) -> Result<()> {
    let toolchain = Toolchain::ready()?;
    let mut cargo = toolchain.cargo();
    cargo.args(["run", "--release", "-p", "rankweave-tests", "--bin", name]).args(flags);
    run::show("cargo run", &mut cargo)
}

fn times(arguments: &[&str]) -> Result<()> {
    let toolchain = Toolchain::ready()?;
    let tools = Tools::ready(&toolchain)?;
    let mut rows = Vec::new();

    run::step("Building the programs to measure (release mode)");
    let mut cargo = toolchain.cargo();
    cargo.args(["build", "--release", "-p", "rankweave-cli", "-p", "rankweave-tests", "--bins"]);
    run::show("cargo build", &mut cargo)?;
    let programs = project::target(toolchain.cargo())?.join("release");
    run::step("Measuring natively");
    measure(run::command(programs.join("bench")).args(arguments), &mut rows, |row| &mut row.native)?;

    build::build_with(&toolchain, &tools)?;
    match Browser::ready().chromium {
        Ok(chromium) => {
            npm::install(&npm::folder())?;
            run::step("Measuring in the page, in headless Chromium");
            let mut node = test::page_script("bench.mjs", &chromium, &programs.join("rankweave"))?;
            node.args(arguments);
            measure(&mut node, &mut rows, |row| &mut row.page)?;
        }
        Err(why) => run::note(&format!("the page could not be measured: {why}")),
    }
    let gzip = sizes::sizes(&project::dist())?.iter().map(|size| size.gzip).sum();
    rows.push(Row {
        work: "engine and page, wasm after gzip".to_owned(),
        page: format!("{:.0} KB (≤ {:.0} KB)", sizes::kib(gzip), sizes::kib(sizes::BOUND)),
        ..Row::default()
    });

    run::step("Medians (and the bounds to keep)");
    println!("{}\n", machine());
    println!("| work | native | page | sizes |\n|---|---|---|---|");
    for row in rows {
        println!("| {} | {} | {} | {} |", row.work, row.native, row.page, row.sizes);
    }
    Ok(())
}

fn measure(command: &mut Command, rows: &mut Vec<Row>, column: fn(&mut Row) -> &mut String) -> Result<()> {
    let good = run::each_line("measuring", command, |line| !take(line, rows, column))?;
    if !good {
        run::note(&format!("{} failed; the lines above say why", run::describe(command)));
    }
    Ok(())
}

/// Puts a line's median and bound into the row of its work. False if the line is none of ours.
fn take(line: &str, rows: &mut Vec<Row>, column: fn(&mut Row) -> &mut String) -> bool {
    let parts: Vec<_> = line.split('|').map(str::trim).collect();
    let &["bench", work, median, bound, ref sizes @ ..] = parts.as_slice() else {
        return false;
    };
    let index = rows.iter().position(|row| row.work == work).unwrap_or_else(|| {
        let row = Row { work: work.to_owned(), sizes: sizes.join(" "), ..Row::default() };
        rows.push(row);
        rows.len() - 1
    });
    *column(&mut rows[index]) = if bound.is_empty() { median.to_owned() } else { format!("{median} (≤ {bound})") };
    true
}

/// The processor and how many of it there are.
fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or(std::env::consts::ARCH, |(_, name)| name);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("Machine: {model}, {cores} cores, {}", std::env::consts::OS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_the_same_work_meet() {
        let mut rows = Vec::new();
        assert!(take("bench | sum | 0.4 s | 0.5 s | 19 MB", &mut rows, |row| &mut row.native));
        assert!(take("bench | sum | 1.2 s || 19 MB", &mut rows, |row| { &mut row.page }));
        assert!(take("bench | exact | 1 s | 2 s", &mut rows, |row| &mut row.native));
        assert!(!take("reading | a | b | c", &mut rows, |row| &mut row.native));
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].native, "0.4 s (≤ 0.5 s)");
        assert_eq!(rows[0].page, "1.2 s");
        assert_eq!(rows[0].sizes, "19 MB");
    }
}
