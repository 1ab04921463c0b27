//! Block weights and rules: as flags, as a table after a merge, and `rankweave inspect --blocks`.
//!
//! | flag | for input b | for all inputs |
//! |---|---|---|
//! | `--blocks` | `b=OUTALL`, `b=1,0,0,…`, `b=IN04=0.5,OUT*=0` | `OUTALL` |
//! | `--rule` | `b:*attn2*=0.5` | `*attn2*=0.5` |
//! | `--drop` | `b:*ff*` | `*ff*` |

use crate::args::{Inspect, Merge};
use crate::inputs::{self, Input};
use crate::show;
use crate::show::line;
use rankweave_adapter::display::clean;
use rankweave_adapter::{Error, Kind};
use rankweave_recipe::{BlockLine, Blocks, FamilyBlocks, MixEntry, Report, Rule};
use std::io::IsTerminal;

/// Puts the flags into the mix, which stands in the order of the inputs. Tells all problems at once.
pub(crate) fn fill(args: &Merge, mix: &mut [MixEntry], inputs: &[Input]) -> Result<(), Vec<Error>> {
    let mut found = Vec::new();
    let mut typed: Vec<Option<&str>> = vec![None; mix.len()];
    for text in &args.blocks {
        let (source, text) = match text.split_once('=') {
            Some((id, rest)) if mix.iter().any(|entry| entry.src == id) => (Some(id), rest),
            _ => (None, text.as_str()),
        };
        let meant = mix.iter().zip(&mut typed).filter(|(entry, _)| source.is_none_or(|id| id == entry.src));
        meant.for_each(|(_, slot)| *slot = Some(text));
    }
    for ((entry, text), input) in mix.iter_mut().zip(typed).zip(inputs) {
        match text.map_or(Ok(None), |text| Blocks::typed(&input.adapter, text)) {
            Ok(blocks) => entry.blocks = blocks,
            Err(error) => found.push(error),
        }
    }
    let rules = args.rules.iter().map(|text| ("--rule", text, false));
    for (flag, text, drop) in rules.chain(args.drops.iter().map(|text| ("--drop", text, true))) {
        match rule(flag, text, drop, mix) {
            Ok((source, rule)) => {
                let meant = mix.iter_mut().filter(|entry| source.as_ref().is_none_or(|id| *id == entry.src));
                meant.for_each(|entry| entry.rules.push(rule.clone()));
            }
            Err(error) => found.push(error),
        }
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// Reads `[ID:]PATTERN=NUMBER`, or `[ID:]PATTERN` for a drop.
fn rule(flag: &str, text: &str, drop: bool, mix: &[MixEntry]) -> Result<(Option<String>, Rule), Error> {
    let wrong = |what: &str, expected: String| {
        Error::new(Kind::Parameter, format!("{flag} {what}")).expected(expected).found(text)
    };
    let (source, pattern) = match text.split_once(':') {
        Some((id, _)) if !mix.iter().any(|entry| entry.src == id) => {
            let ids: Vec<&str> = mix.iter().map(|entry| entry.src.as_str()).collect();
            return Err(wrong("names no input", format!("one of {} before the colon", ids.join(", ")))
                .hint("The inputs are called a, b, … in their order; without a name and colon all are meant."));
        }
        Some((id, pattern)) => (Some(id.to_owned()), pattern),
        None => (None, text),
    };
    if drop {
        return Ok((source, Rule { pattern: pattern.to_owned(), weight: None, drop }));
    }
    let parts = pattern.rsplit_once('=').and_then(|(pattern, number)| Some((pattern, number.parse::<f64>().ok()?)));
    let (pattern, weight) = parts.filter(|(_, number)| number.is_finite()).ok_or_else(|| {
        wrong("has no number", "PATTERN=NUMBER, such as *attn2*=0.5".to_owned())
            .hint("Use --drop to leave modules out.")
    })?;
    Ok((source, Rule { pattern: pattern.to_owned(), weight: Some(weight), drop }))
}

/// Weights by block, for people; nothing in a pipe, as the report has them too.
pub(crate) fn table(report: &Report) {
    if std::io::stdout().is_terminal() {
        lines(report).iter().for_each(|line| println!("{line}"));
    }
}

/// One line per block, one column per adapter.
fn lines(report: &Report) -> Vec<String> {
    let mut out = vec![String::new()];
    let head = report.sources.iter().map(|s| format!("{:>22}", format!("{}: {}", s.id, clean(&s.label, 17))));
    out.push(format!("{:<10}{}", "block", head.collect::<String>()));
    for of_block in report.blocks.chunk_by(|a, b| a.block == b.block) {
        let Some(first) = of_block.first() else { continue };
        let cell = |source: usize| of_block.iter().find(|l| l.source == source).map_or_else(|| "–".to_owned(), weights);
        let cells: String = (0..report.sources.len()).map(|s| format!("{:>22}", cell(s))).collect();
        out.push(format!("{:<10}{cells}  {}", first.block.as_deref().unwrap_or("none"), first.role));
    }
    if !report.dropped.is_empty() {
        out.push(format!("{} modules dropped by rules; --report lists them", report.dropped.len()));
    }
    out
}

/// `0.8`, `0.4…0.8`, `0.8, 4 dropped`, `dropped`.
fn weights(line: &BlockLine) -> String {
    let number = |x: f64| ((x * 1e4).round() / 1e4).to_string();
    let weights = match (line.least, line.largest) {
        (Some(least), Some(largest)) if least == largest => number(least),
        (Some(least), Some(largest)) => format!("{}…{}", number(least), number(largest)),
        _ => return "dropped".to_owned(),
    };
    if line.dropped == 0 { weights } else { format!("{weights}, {} dropped", line.dropped) }
}

/// `rankweave inspect --blocks`.
pub(crate) fn inspect(args: &Inspect) -> Result<(), Vec<Error>> {
    let (mut facts, mut errors) = (Vec::new(), Vec::new());
    for path in &args.files {
        match inputs::open(path) {
            Ok(input) => facts.push(FamilyBlocks::of(&input.adapter)),
            Err(error) => errors.push(error),
        }
    }
    if args.json {
        show::json(&facts);
    } else {
        facts.iter().for_each(print);
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn print(facts: &FamilyBlocks) {
    println!("{}", clean(&facts.file, 200));
    line("family", &facts.family_title);
    if facts.blocks.is_empty() {
        line("blocks", "none: the family is not known, or not cut into blocks; --rule chooses modules by name");
        println!();
        return;
    }
    for block in &facts.blocks {
        let modules = match block.modules {
            0 => "–".to_owned(),
            1 => "1 module".to_owned(),
            n => format!("{n} modules"),
        };
        line(&block.block, format!("{modules:<14}{}", block.role));
    }
    if facts.elsewhere > 0 {
        line("none", format!("{} modules", facts.elsewhere));
    }
    line("presets", facts.presets.join(", "));
    let lists: Vec<String> = facts.lists.iter().map(ToString::to_string).collect();
    if !lists.is_empty() {
        line("lists", format!("of {} numbers", lists.join(", ")));
    }
    println!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use rankweave_recipe::Recipe;

    #[test]
    fn rules_are_read_as_typed() {
        let mix = Recipe::blank(2).mix;
        let read = |text: &str, drop: bool| rule("--rule", text, drop, &mix).map(|(s, r)| (s, r.pattern, r.weight));
        assert_eq!(read("b:*attn2*=-0.5", false).unwrap(), (Some("b".into()), "*attn2*".into(), Some(-0.5)));
        assert_eq!(read("*a=b*=2", false).unwrap(), (None, "*a=b*".into(), Some(2.0)));
        assert_eq!(read("a:*ff*", true).unwrap(), (Some("a".into()), "*ff*".into(), None));
        for wrong in ["c:*=1", "a:*", "*=x", "*=nan", "*=inf"] {
            assert_eq!(read(wrong, false).unwrap_err().found.as_deref(), Some(wrong));
        }
    }

    #[test]
    fn a_cell_says_what_became_of_a_block() {
        let line = |least, largest, dropped| BlockLine {
            block: Some("IN04".into()),
            role: String::new(),
            source: 0,
            modules: 3,
            dropped,
            least,
            largest,
        };
        assert_eq!(weights(&line(Some(0.8 * 0.5), Some(0.4), 0)), "0.4");
        assert_eq!(weights(&line(Some(-0.1 - 0.2), Some(0.8), 2)), "-0.3…0.8, 2 dropped");
        assert_eq!(weights(&line(None, None, 3)), "dropped");
    }
}
