//! `rankweave hash`.

use crate::args::Hash;
use crate::{describe, inputs, progress, show};
use rankweave_adapter::display::clean;
use rankweave_adapter::hash::{Claim, Verdict, claims};
use rankweave_adapter::{Error, Hashes, Result, Source, Warning, hashes};
use serde::Serialize;
use std::path::Path;

/// kohya's legacy hash of files that end before the bytes it looks at.
const NO_BYTES: &str = "e3b0c442";

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
    let h = &hashed.hashes;
    let legacy = match h.legacy.as_deref() {
        Some(NO_BYTES) => "none: under 1 MiB",
        other => other.unwrap_or("none: the header is too long"),
    };
    let lines = [
        ("SHA-256", h.sha256.as_str()),
        ("data", &h.data_sha256),
        ("AutoV1", h.autov1.as_deref().unwrap_or("none: under 2 MiB")),
        ("AutoV2", &h.autov2),
        ("AutoV3", &h.autov3),
        ("BLAKE3", &h.blake3),
        ("CRC32", &h.crc32),
        ("legacy", legacy),
    ];
    lines.into_iter().for_each(|(name, text)| describe::line(name, text));
    hashed.claims.iter().for_each(|claim| describe::line("stated", words(claim)));
    hashed.warnings.iter().for_each(show::warning);
    println!();
}

fn words(claim: &Claim) -> String {
    let verdict = match claim.verdict {
        Verdict::Right if claim.misspelt => "right, but not spelt as others look for it",
        Verdict::Right => "right",
        Verdict::Wrong => "wrong",
        Verdict::OfNothing => "the hash of no bytes",
        Verdict::NotADigest => "not a hash",
        Verdict::Unknown => "cannot be checked",
    };
    format!("{} {}: {verdict}", claim.key, claim.stated)
}
