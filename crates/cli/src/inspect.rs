//! `rankweave inspect`.

use crate::args::Inspect;
use crate::describe::{self, line};
use crate::{blocks, inputs, show};
use rankweave_adapter::{Error, display::clean};
use rankweave_recipe::{Inspection, inspect};
use std::collections::BTreeMap;
use std::fmt::Display;

pub(crate) fn run(args: &Inspect) -> Result<(), Vec<Error>> {
    if args.blocks {
        return blocks::inspect(args);
    }
    let mut facts = Vec::new();
    let mut errors = Vec::new();
    for path in &args.files {
        match inputs::open(path).and_then(|input| inspect(&input.adapter, &input.source)) {
            Ok(inspection) => facts.push(inspection),
            Err(error) => errors.push(error),
        }
    }
    if args.json {
        show::json(&facts);
    } else {
        facts.iter().for_each(table);
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn table(facts: &Inspection) {
    println!("{}", clean(&facts.file, 200));
    describe::about(&facts.described).into_iter().for_each(|(name, text)| line(name, text));
    line("family", format!("{} ({})", facts.family.title, facts.family.evidence));
    line("spelling", facts.dialect_title.clone());
    let inside = match facts.text_encoder_modules {
        0 => String::new(),
        n => format!(", {n} in text encoders"),
    };
    line("modules", format!("{}{inside}", facts.modules));
    line("rank", counts(&facts.ranks));
    let (least, largest) = facts.alpha.scale;
    let scale = if least == largest { format!("{least}") } else { format!("{least} to {largest}") };
    let alpha = if facts.alpha.values.is_empty() { "none".to_owned() } else { counts(&facts.alpha.values) };
    line("alpha", format!("{alpha} (scale {scale})"));
    line("type", counts(&facts.dtypes));
    line("size", show::bytes(facts.size));
    for (name, reason) in facts.extras.iter().take(8) {
        line("extra", format!("{}: {reason}", clean(name, 120)));
    }
    if facts.extras.len() > 8 {
        line("", format!("and {} more", facts.extras.len() - 8));
    }
    facts.warnings.iter().for_each(show::warning);
    println!();
}

/// `32` where there is one value, `16 (×24), 32 (×8)` where there are more.
fn counts<K: Display>(of: &BTreeMap<K, usize>) -> String {
    match of.len() {
        1 => of.keys().map(ToString::to_string).collect(),
        _ => of.iter().map(|(k, n)| format!("{k} (×{n})")).collect::<Vec<_>>().join(", "),
    }
}
