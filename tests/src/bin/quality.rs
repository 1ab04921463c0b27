//! Scores every method at its defaults on the sets of `../shared/quality`, exact and at rank 8.

use rankweave_tests::quality::{Set, settings};
use rankweave_tests::shared;
use serde_json::{Value, json};
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(folder) = shared::path("quality/setA") else { return ExitCode::SUCCESS };
    match Set::open(&folder) {
        Ok(set) => table(&set),
        Err(error) => {
            eprintln!("{}: {error}", folder.display());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn table(set: &Set) {
    println!("Accuracy as a share of each domain's expert: mean (worst domain), untuned\n");
    println!("| method | exact | rank 8 |\n|---|---|---|");
    for (name, method) in settings() {
        let (exact, small) =
            (cell(set, &method, json!({"mode": "exact"})), cell(set, &method, json!({"mode": "fixed", "value": 8})));
        println!("| {name} | {exact} | {small} |");
    }
}

fn cell(set: &Set, method: &Value, rank: Value) -> String {
    match set.merge(method, &rank) {
        Ok((score, _)) => format!("{:.3} ({:.3})", score.mean(), score.worst()),
        Err(problem) => problem.lines().next().unwrap_or_default().to_owned(),
    }
}
