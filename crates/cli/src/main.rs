//! The terminal: `rankweave inspect`, `methods`, `merge`, `convert`, `metadata`, `hash`.
//!
//! Only shows and asks: every fact comes from the libraries. Exit codes: 0, 1 for an
//! error (three lines on standard error: what, where, hint), 2 for wrong usage.

mod args;
mod base;
mod blocks;
mod cancel;
mod conflicts;
mod edit;
mod gpu;
mod hash;
mod inputs;
mod inspect;
mod merge;
mod metadata;
mod methods;
mod output;
mod pool;
mod progress;
mod recipe;
mod show;
mod together;

use args::{Cli, Command};
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Inspect(args) => inspect::run(&args),
        Command::Methods(args) => methods::run(&args),
        Command::Merge(args) => merge::run(&args),
        Command::Convert(args) => merge::convert(&args),
        Command::Metadata(args) => metadata::run(&args),
        Command::Hash(args) => hash::run(&args),
        Command::Recipe(args) => recipe::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(errors) => {
            errors.iter().for_each(show::error);
            ExitCode::FAILURE
        }
    }
}
