//! What every file and every key list at hand is taken for, held to a table: `tests/data/files.tsv`.
//!
//! The table has facts only, no tensors. It is written anew by
//! `RANKWEAVE_WRITE=1 cargo test -p rankweave-tests --test files`; a change in it is a change of behaviour, to be read
//! line by line before it is kept.

#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

use rankweave_adapter::{Adapter, Error};
use rankweave_recipe::{Inspection, inspect, scan};
use rankweave_tests::zeros::zeros;
use rankweave_tests::{shared, source};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

const TABLE: &str = "tests/data/files.tsv";
const HEAD: &str =
    "file\tfamily\tsure\tdialect\tkinds\tranks\talpha\tmodules\tin text encoders\tuntrained\textras\twarnings\tverdict";
/// Rank of the files made from key lists.
const RANK: u64 = 4;

/// The tensors of a key list; `None` where it does not list their shapes. A list of a base model's weights gets a
/// kohya pair for each.
fn listed(path: &Path) -> Option<Vec<(String, Vec<u64>)>> {
    let list: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let size = |v: &Value| if v == "r" { RANK } else { v.as_u64().unwrap() };
    let shape = |v: &Value| v.as_array().map(|sizes| sizes.iter().map(size).collect::<Vec<u64>>());
    let keys = list["keys"].as_array().unwrap().iter();
    let named: Option<Vec<_>> = keys.map(|k| Some((k[0].as_str()?.to_owned(), shape(&k[1])?))).collect();
    if !path.file_name().unwrap().to_str().unwrap().starts_with("base_shapes") {
        return named;
    }
    let pair = |(name, shape): (String, Vec<u64>)| {
        let ones = vec![1; shape.len() - 2];
        let up = [&[shape[0], RANK], &ones[..]].concat();
        let down = [&[RANK], &shape[1..]].concat();
        [(format!("{name}.lora_up.weight"), up), (format!("{name}.lora_down.weight"), down)]
    };
    Some(named?.into_iter().flat_map(pair).collect())
}

fn words<K: Display, V: Display>(of: &BTreeMap<K, V>) -> String {
    of.iter().map(|(k, n)| format!("{k}×{n}")).collect::<Vec<_>>().join(" ")
}

/// A row without its first cell, for a file that is opened.
fn row(facts: &Inspection, untrained: usize, alphas: bool) -> String {
    let alpha = match (facts.alpha.from.as_str(), alphas) {
        ("none", _) => "none".to_owned(),
        (from, false) => from.to_owned(),
        (from, true) => format!("{from} {}", words(&facts.alpha.values)),
    };
    let warnings: BTreeSet<&str> = facts.warnings.iter().map(|w| w.code.as_str()).collect();
    let mut extras: BTreeMap<&str, usize> = BTreeMap::new();
    facts.extras.values().for_each(|reason| *extras.entry(reason).or_default() += 1);
    [
        facts.family.id.clone(),
        facts.family.confidence.to_string(),
        facts.dialect.clone(),
        words(&facts.kinds),
        words(&facts.ranks),
        alpha,
        facts.modules.to_string(),
        facts.text_encoder_modules.to_string(),
        if alphas { untrained.to_string() } else { "-".to_owned() },
        words(&extras),
        warnings.into_iter().collect::<Vec<_>>().join(" "),
        "opened".to_owned(),
    ]
    .join("\t")
}

/// The same for one that is refused.
fn refused(error: &Error) -> String {
    let key = error.place.key.as_deref().unwrap_or("no key");
    format!("{}refused, {:?}: {}, {key}", "\t".repeat(11), error.kind, error.what)
}

/// What is found of one file of the shared folder.
fn found(path: &Path) -> String {
    if path.extension().is_some_and(|e| e == "json") {
        let Some(tensors) = listed(path) else {
            return format!("{}not tried: the list has no shapes", "\t".repeat(11));
        };
        let source = zeros(&tensors);
        return match Adapter::open(&source, "list", None) {
            Ok(adapter) => row(&inspect(&adapter, &source).unwrap(), 0, false),
            Err(error) => refused(&error),
        };
    }
    let config = fs::read_to_string(path.with_extension("adapter_config.json")).ok();
    let bytes = fs::read(path).unwrap();
    match Adapter::open(&bytes, "file", config.as_deref()) {
        Ok(adapter) => {
            let scan = scan(&adapter, &bytes, |_| Ok(())).unwrap();
            row(&inspect(&adapter, &bytes).unwrap(), scan.untrained.len(), true)
        }
        Err(error) => refused(&error),
    }
}

/// Files of the shared folder that belong into the table, by their names in it.
fn there(folder: &str, extension: &str) -> BTreeMap<String, PathBuf> {
    let Some(root) = shared::path(folder) else { return BTreeMap::new() };
    let paths = source::files(&root, &[extension]).into_iter();
    let name = |path: &PathBuf| format!("{folder}/{}", path.strip_prefix(&root).unwrap().display());
    let configs = |path: &PathBuf| path.to_str().unwrap().ends_with("adapter_config.json");
    paths.filter(|path| !configs(path)).map(|path| (name(&path), path)).collect()
}

#[test]
fn every_file_is_what_the_table_says() {
    let mut paths = there("adapters", "safetensors");
    paths.extend(there("keylists", "json"));
    let place = shared::root().join(TABLE);
    if std::env::var_os("RANKWEAVE_WRITE").is_some() && !paths.is_empty() {
        let rows: String = paths.iter().map(|(name, path)| format!("{name}\t{}\n", found(path))).collect();
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(&place, format!("{HEAD}\n{rows}")).unwrap();
        return;
    }
    let text = fs::read_to_string(&place).unwrap();
    let (head, rows) = text.split_once('\n').unwrap();
    assert_eq!(head, HEAD, "write it anew: RANKWEAVE_WRITE=1 cargo test -p rankweave-tests --test files");
    let rows: BTreeMap<&str, &str> = rows.lines().map(|line| line.split_once('\t').unwrap()).collect();
    assert!(rows.len() >= 55, "only {} rows", rows.len());
    let absent: Vec<&str> = rows.keys().filter(|name| !paths.contains_key(**name)).copied().collect();
    if !absent.is_empty() {
        shared::skipped(&format!("{} rows of {TABLE}, not at hand: {}", absent.len(), absent.join(", ")));
    }
    let mut wrong = Vec::new();
    for (name, path) in &paths {
        let (is, expected) = (found(path), rows.get(name.as_str()).copied().unwrap_or("no row"));
        if is != expected {
            wrong.push(format!("{name}\n  table: {expected}\n  found: {is}"));
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}
