//! `rankweave metadata`: shows a file's metadata, or hands over to `edit.rs`.

use crate::args::Metadata;
use crate::{edit, inputs, show};
use rankweave_adapter::display::clean;
use rankweave_adapter::{Described, Error};
use rankweave_recipe::{about, more};
use serde::Serialize;
use std::collections::BTreeMap;

/// Most entries printed for people; JSON has all.
const SHOWN: usize = 200;

/// What `--json` prints.
#[derive(Serialize)]
struct Said {
    file: String,
    described: Described,
    metadata: BTreeMap<String, String>,
}

pub(crate) fn run(args: &Metadata) -> Result<(), Vec<Error>> {
    if let Some(output) = &args.output {
        return edit::run(args, output).map_err(|e| vec![e]);
    }
    let (_, file, header) = inputs::open_file(&args.file).map_err(|e| vec![e])?;
    header.warnings.iter().for_each(show::warning);
    let said = Said { file, described: rankweave_adapter::describe(&header.metadata), metadata: header.metadata };
    if args.json {
        show::json(&said);
    } else {
        print(&said);
    }
    Ok(())
}

fn print(said: &Said) {
    println!("{}", clean(&said.file, 200));
    for (name, text) in about(&said.described).into_iter().chain(more(&said.described)) {
        show::line(name, text);
    }
    match said.metadata.len() {
        0 => println!("\n  no entries"),
        1 => println!("\n  1 entry"),
        n => println!("\n  {n} entries"),
    }
    let width = said.metadata.keys().take(SHOWN).map(|k| k.chars().count()).max().unwrap_or(0).clamp(8, 40);
    for (key, value) in said.metadata.iter().take(SHOWN) {
        println!("  {:<width$}  {}", clean(key, 80), clean(value, 100));
    }
    if said.metadata.len() > SHOWN {
        println!("  and {} more", said.metadata.len() - SHOWN);
    }
}
