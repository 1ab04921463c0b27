//! `rankweave hash`.

use crate::args::Hash;
use crate::{inputs, progress, show};
use rankweave_adapter::display::clean;
use rankweave_adapter::hash::{Claim, claims};
use rankweave_adapter::{Error, Hashes, Result, Source, Warning, hashes};
use serde::Serialize;
use std::path::Path;

/// What is printed for one file.
#[derive(Serialize)]
struct Hashed {
    file: String,
    size: u64,
    hashes: Hashes,
    claims: Vec<Claim>,
    warnings: Vec<Warning>,
}

pub(crate) fn run(args: &Hash) -> std::result::Result<(), Vec<Error>> {
    let (hashed, errors): (Vec<_>, Vec<_>) = args.files.iter().map(|path| of(path)).partition(Result::is_ok);
    let hashed: Vec<Hashed> = hashed.into_iter().flatten().collect();
    if args.json {
        show::json(&hashed);
    } else {
        hashed.iter().for_each(print);
    }
    let errors: Vec<Error> = errors.into_iter().filter_map(Result::err).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn of(path: &Path) -> Result<Hashed> {
    let (source, file, header) = inputs::open_file(path)?;
    let bar = progress::bytes("hashing", source.len());
    let step = |done| {
        bar.set_position(done);
        Ok(())
    };
    let hashes = hashes(&source, &header, step).map_err(|e| e.file(&file))?;
    bar.finish_and_clear();
    let claims = claims(&header.metadata, &hashes.data_sha256, hashes.legacy.as_deref());
    let warnings = claims.iter().filter_map(|claim| claim.warning(&file)).collect();
    Ok(Hashed { size: source.len(), file, hashes, claims, warnings })
}

fn print(hashed: &Hashed) {
    println!("{}", clean(&hashed.file, 200));
    for (name, digest) in hashed.hashes.lines() {
        match digest {
            Ok(digest) => println!("  {name:<18}{digest}"),
            Err(why) => println!("  {name:<18}none: {why}"),
        }
    }
    for claim in &hashed.claims {
        println!("  {:<18}{} {}: {}", "stated", claim.key, claim.stated, claim.words());
    }
    hashed.warnings.iter().for_each(show::warning);
    println!();
}
