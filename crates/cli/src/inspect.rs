//! `rankweave inspect`.

use crate::args::Inspect;
use crate::inputs::{self, Input};
use crate::show::{self, line};
use crate::{blocks, conflicts, progress, together};
use rankweave_adapter::{Error, KindId, Result, Source, display::clean};
use rankweave_recipe::{Compatibility, Conflicts, Inspection, Reading, about, compatibility, inspect, read_whole};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Display;

/// What `--json` prints.
#[derive(Serialize)]
struct Inspected {
    files: Vec<Inspection>,
    compatibility: Compatibility,
    #[serde(skip_serializing_if = "Option::is_none")]
    conflicts: Option<Conflicts>,
}

pub(crate) fn run(args: &Inspect) -> std::result::Result<(), Vec<Error>> {
    if args.blocks {
        return blocks::inspect(args);
    }
    let (mut files, mut inputs, mut readings) = (Vec::new(), Vec::new(), Vec::new());
    let mut errors = Vec::new();
    for path in &args.files {
        match inputs::open(path).and_then(|input| Ok((facts(args, &input)?, input))) {
            Ok(((inspection, reading), input)) => {
                files.push(inspection);
                inputs.push(input);
                readings.push(reading);
            }
            Err(error) => errors.push(error),
        }
    }
    let compatibility = compatibility(&inputs.iter().map(|input| &input.adapter).collect::<Vec<_>>(), &readings);
    // Of some of the files they would be other numbers.
    let how = args.conflicts.filter(|_| errors.is_empty());
    let conflicts = match how.map(|how| conflicts::measure(args, how, inputs)).transpose() {
        Ok(conflicts) => conflicts,
        Err(why) => {
            errors.extend(why);
            None
        }
    };
    if args.json {
        show::json(&Inspected { files, compatibility, conflicts });
    } else {
        files.iter().for_each(table);
        together::print(&compatibility);
        conflicts.iter().for_each(conflicts::print);
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// What the header says, and what the bytes say where that is asked for.
fn facts(args: &Inspect, input: &Input) -> Result<(Inspection, Option<Reading>)> {
    let Input { adapter, source } = input;
    let inspection = inspect(adapter, source)?;
    let reading = args.tensors.then(|| {
        let bar = progress::bytes("reading", 2 * source.len());
        let step = |done| {
            bar.set_position(done);
            Ok(())
        };
        let reading = read_whole(adapter, source, step);
        bar.finish_and_clear();
        reading
    });
    Ok((inspection, reading.transpose()?))
}

fn table(facts: &Inspection) {
    println!("{}", clean(&facts.file, 200));
    about(&facts.described).into_iter().for_each(|(name, text)| line(name, text));
    let sure = (100.0 * facts.family.confidence).round();
    line("family", format!("{}, {sure} % sure ({})", facts.family.title, facts.family.evidence));
    line("spelling", facts.dialect_title.clone());
    let inside = match facts.text_encoder_modules {
        0 => String::new(),
        n => format!(", {n} in text encoders"),
    };
    line("modules", format!("{}{inside}", facts.modules));
    let titled = |(id, n): (&String, &usize)| {
        let title = KindId::from_id(id).map_or("", KindId::title);
        if facts.kinds.len() > 1 { format!("{title} (×{n})") } else { title.to_owned() }
    };
    line("kind", facts.kinds.iter().map(titled).collect::<Vec<_>>().join(", "));
    line("rank", counts(&facts.ranks));
    let (least, largest) = facts.alpha.scale;
    let scale = if least == largest { format!("{least}") } else { format!("{least} to {largest}") };
    let alpha = if facts.alpha.values.is_empty() { "none".to_owned() } else { counts(&facts.alpha.values) };
    let from = match facts.alpha.from.as_str() {
        "tensors" => ", from tensors",
        "config" => ", from adapter_config.json",
        "metadata" => ", from the metadata",
        _ => "",
    };
    line("alpha", format!("{alpha} (scale {scale}{from})"));
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
