//! Times the released `rankweave` binary on full-size adapters.
//!
//! `bench [--runs 5] [--binary PATH] [--only ID | --methods | --method ID] [--inputs-only] [--markdown | --json]`. Inputs are made once, in `bench-data` of the target
//! folder; the binary is looked for beside this one.

use rankweave_tests::bench::{self, Measured, ROWS, Row};
use rankweave_tests::shared;
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "usage: bench [--runs 5] [--binary PATH] [--only sd15|sdxl|sdxl-exact|llama | --methods | --method ID] [--inputs-only] [--markdown | --json]";

struct Options {
    runs: usize,
    binary: PathBuf,
    rows: Vec<Row>,
    inputs_only: bool,
    /// Prints all rows at the end; otherwise each is printed as soon as it is measured.
    print: Option<fn(&[Measured], usize) -> String>,
}

fn main() -> ExitCode {
    let Some(options) = parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Options> {
    let beside = std::env::current_exe().ok()?.with_file_name("rankweave");
    let mut options = Options { runs: 5, binary: beside, rows: ROWS.to_vec(), inputs_only: false, print: None };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--runs" => options.runs = arguments.next()?.parse().ok().filter(|runs| *runs > 0)?,
            "--binary" => options.binary = arguments.next()?.into(),
            "--only" => {
                let id = arguments.next()?;
                options.rows.retain(|row| row.id == id);
            }
            "--methods" => options.rows = bench::method_rows(),
            "--method" => {
                let id = arguments.next()?;
                options.rows = bench::method_rows().into_iter().filter(|row| row.method == id).collect();
            }
            "--inputs-only" => options.inputs_only = true,
            "--json" => options.print = Some(|measured, _| format!("{:#}\n", bench::as_json(measured))),
            "--markdown" => options.print = Some(markdown),
            _ => return None,
        }
    }
    (!options.rows.is_empty()).then_some(options)
}

fn run(options: &Options) -> std::io::Result<()> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| shared::root().join("target"), PathBuf::from);
    let folder = target.join("bench-data");
    if options.inputs_only {
        for row in &options.rows {
            for input in bench::inputs(row, &folder)? {
                println!("{}", input.display());
            }
        }
        return Ok(());
    }
    if !options.binary.exists() {
        let hint = "build it with `cargo build --release -p rankweave-cli`, or name it with --binary";
        return Err(std::io::Error::other(format!("{} is not there: {hint}", options.binary.display())));
    }
    let mut measured = Vec::new();
    for row in &options.rows {
        bench::say(&format!("{}: {} runs", row.work, options.runs));
        measured.push(bench::measure(row, &options.binary, &folder, options.runs)?);
        if options.print.is_none() {
            print!("{}", bench::lines(&measured[measured.len() - 1..]));
        }
    }
    if let Some(print) = options.print {
        print!("{}", print(&measured, options.runs));
    }
    Ok(())
}

fn markdown(measured: &[Measured], runs: usize) -> String {
    let (cpu, cores) = bench::machine();
    let how = "whole runs of the program, inputs in the page cache";
    format!("{cpu}, {cores} threads; {how}, {runs} runs\n\n{}", bench::table(measured))
}
