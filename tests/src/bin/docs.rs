//! Completes a copy of www/docs with the pages that are made of the code: `docs BOOK PROGRAM`, where PROGRAM is the built
//! command line.

use rankweave_tests::docs;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [book, program] = arguments.as_slice() else {
        eprintln!("usage: docs BOOK PROGRAM");
        return ExitCode::from(2);
    };
    match docs::complete(Path::new(book), Path::new(program)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
