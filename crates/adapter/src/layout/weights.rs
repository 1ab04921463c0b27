//! Block weights as people type them.
//!
//! | form | example | |
//! |---|---|---|
//! | numbers | `1,0,0,0,1,1,1,1,1,1,1,1,0,0,0,0,0` | as many as one of the family's lists has, also in brackets |
//! | a preset | `OUTALL` | any case |
//! | names | `IN04=0.5,OUT*=0,D00-D05=1` | a block, `*` for anything, a range; the last one that names a block counts |
//! | both | `NONE,IN04-IN08=1` | names behind a preset |
//!
//! Blocks that are not mentioned keep weight 1. A preset mentions all of them. (LoRA Block Weight writes 0 for blocks
//! that a short list has no place for, kohya's scripts leave them alone. A plain LoRA has no modules there.)

use super::blocks::blocks;
use super::family::{Layout, Slots};
use super::layout;
use crate::error::{Error, Kind, Result};

/// The largest weight of a block, and the smallest below 0.
const LARGEST: f64 = 10.0;

/// Presets that every family has, with the weight of all of its blocks.
const EVERYWHERE: [(&str, f64); 3] = [("NONE", 0.0), ("ALL", 1.0), ("ALL0.5", 0.5)];

/// The weights of all [`blocks`] of a family, in their order, from what someone typed.
///
/// # Errors
/// `Parameter` for a count that is none of the family's, an unknown preset or block, and numbers that are none or
/// beyond ±10; `Unsupported` for a family that is not cut into blocks.
pub fn block_weights(family: &str, text: &str) -> Result<Vec<f64>> {
    let ids: Vec<String> = blocks(family).into_iter().map(|b| b.id).collect();
    let Some(layout) = layout(family).filter(|_| !ids.is_empty()) else {
        return Err(Error::new(Kind::Unsupported, "This model family is not cut into blocks")
            .found(family)
            .hint("Leave the block weights out, or choose modules by their names."));
    };
    let typed = Typed { layout, ids: &ids };
    typed.read(text).map_err(|e| e.key("block weights"))
}

/// Names of the presets that [`block_weights`] knows for a family; none for families that are not cut into blocks.
pub fn block_presets(family: &str) -> Vec<&'static str> {
    layout(family).map(preset_names).unwrap_or_default()
}

/// How many numbers a list for a family's blocks may have, ascending.
pub fn block_list_lengths(family: &str) -> Vec<usize> {
    layout(family).map(|l| l.schemes.iter().map(|s| s.count).collect()).unwrap_or_default()
}

fn preset_names(layout: &Layout) -> Vec<&'static str> {
    if matches!(layout.slots, Slots::None) {
        return Vec::new();
    }
    EVERYWHERE.iter().map(|(name, _)| *name).chain(layout.presets.iter().map(|p| p.name)).collect()
}

/// What reading a text needs to know.
struct Typed<'a> {
    layout: &'static Layout,
    ids: &'a [String],
}

impl Typed<'_> {
    fn read(&self, text: &str) -> Result<Vec<f64>> {
        let text = text.trim();
        if text.len() > 16 << 10 {
            return Err(Error::new(Kind::Parameter, "The block weights are too long")
                .expected("at most 16384 characters")
                .found(text.len().to_string()));
        }
        let text = text.strip_prefix("lbw=").or_else(|| text.strip_prefix("LBW=")).unwrap_or(text);
        let inner = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
        let separator = |c: char| matches!(c, ',' | ';') || c.is_whitespace();
        let items: Vec<&str> = inner.split(separator).filter(|item| !item.is_empty()).collect();
        let Some(first) = items.first() else {
            return Err(Error::new(Kind::Parameter, "No block weights were given").expected(self.forms()));
        };
        if first.parse::<f64>().is_ok() {
            return self.list(&items);
        }
        let (mut weights, named) = match first.contains('=') {
            true => (vec![1.0; self.ids.len()], &items[..]),
            false => (self.preset(first)?, &items[1..]),
        };
        for item in named {
            let Some((names, value)) = item.split_once('=') else {
                return Err(Error::new(Kind::Parameter, "A block weight has no name")
                    .expected("NAME=number")
                    .found(*item)
                    .hint("Give numbers alone, or a name for every number."));
            };
            let value = number(value)?;
            for index in self.named(names)? {
                weights[index] = value;
            }
        }
        Ok(weights)
    }

    /// A list of numbers.
    fn list(&self, items: &[&str]) -> Result<Vec<f64>> {
        let Some(scheme) = self.layout.schemes.iter().find(|s| s.count == items.len()) else {
            let what = format!("A list of block weights for {} has a wrong length", self.layout.title);
            let error =
                Error::new(Kind::Parameter, what).expected(self.forms()).found(format!("{} numbers", items.len()));
            return Err(error.hint("Give as many numbers as one of these lists has, or name the blocks: NAME=number."));
        };
        let values = items.iter().map(|item| number(item)).collect::<Result<Vec<f64>>>()?;
        let mut weights: Vec<Option<f64>> = vec![None; self.ids.len()];
        for line in scheme.lines {
            for (names, value) in self.places(line)?.into_iter().zip(&values) {
                let Some(place) = names else { continue };
                if weights[place].is_some_and(|w| w != *value) {
                    let what = format!("Two numbers of this list are for one block, {}", self.ids[place]);
                    return Err(Error::new(Kind::Parameter, what)
                        .expected("the same number twice")
                        .found(format!("{value} too"))
                        .hint("The text encoders have one weight, and so have the modules outside the blocks."));
                }
                weights[place] = Some(*value);
            }
        }
        Ok(weights.into_iter().map(|w| w.unwrap_or(1.0)).collect())
    }

    /// The blocks of a scheme's line, in its order; `None` for one that this family does not have.
    fn places(&self, line: &str) -> Result<Vec<Option<usize>>> {
        let mut out = Vec::new();
        for names in line.split(',') {
            match names {
                "-" => out.push(None),
                names => out.extend(self.named(names)?.into_iter().map(Some)),
            }
        }
        Ok(out)
    }

    /// A preset.
    fn preset(&self, name: &str) -> Result<Vec<f64>> {
        if let Some((_, weight)) = EVERYWHERE.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)) {
            return Ok(vec![*weight; self.ids.len()]);
        }
        let Some(preset) = self.layout.presets.iter().find(|p| p.name.eq_ignore_ascii_case(name)) else {
            return Err(Error::new(Kind::Parameter, "This preset of block weights is not known")
                .expected(preset_names(self.layout).join(", "))
                .found(name)
                .hint(format!("{} has these presets; blocks can also be named: NAME=number.", self.layout.title)));
        };
        let mut weights = vec![0.0; self.ids.len()];
        for names in preset.keeps.split(',') {
            for index in self.named(names)? {
                weights[index] = 1.0;
            }
        }
        Ok(weights)
    }

    /// The blocks that a name, a range `A-B` or a pattern with `*` stands for.
    fn named(&self, names: &str) -> Result<Vec<usize>> {
        if let Some((from, to)) = names.split_once('-') {
            let (from, to) = (self.one(from)?, self.one(to)?);
            return Ok((from.min(to)..=from.max(to)).collect());
        }
        if !names.contains('*') {
            return Ok(vec![self.one(names)?]);
        }
        let fits = |id: &String| glob(names.as_bytes(), id.as_bytes());
        let found: Vec<usize> = (0..self.ids.len()).filter(|i| fits(&self.ids[*i])).collect();
        if found.is_empty() { Err(self.unknown(names)) } else { Ok(found) }
    }

    fn one(&self, name: &str) -> Result<usize> {
        let name = match name.trim() {
            n if n.eq_ignore_ascii_case("MID") => "M00",
            n if n.eq_ignore_ascii_case("TE") => "BASE",
            n => n,
        };
        self.ids.iter().position(|id| id.eq_ignore_ascii_case(name)).ok_or_else(|| self.unknown(name))
    }

    fn unknown(&self, name: &str) -> Error {
        let letter = |id: &String| id.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
        let mut spans: Vec<String> = Vec::new();
        for run in self.ids.chunk_by(|a, b| letter(a) == letter(b)) {
            spans.push(match run {
                [first, .., last] => format!("{first}-{last}"),
                run => run.concat(),
            });
        }
        Error::new(Kind::Parameter, format!("{} has no block of this name", self.layout.title))
            .expected(spans.join(", "))
            .found(name)
            .hint("Name a block, a range such as A-B, or use * for anything.")
    }

    /// What may be typed, for errors.
    fn forms(&self) -> String {
        let counts: Vec<String> = self.layout.schemes.iter().map(|s| s.count.to_string()).collect();
        match counts.split_last() {
            None => "a preset or named blocks, such as ALL or L00-L07=0.5; this family has no lists".to_owned(),
            Some((last, [])) => format!("{last} numbers"),
            Some((last, more)) => format!("{} or {last} numbers", more.join(", ")),
        }
    }
}

/// A weight.
fn number(text: &str) -> Result<f64> {
    let value = text.parse::<f64>().ok().filter(|v| v.abs() <= LARGEST);
    value.ok_or_else(|| {
        Error::new(Kind::Parameter, "This is no weight of a block")
            .expected(format!("a number from -{LARGEST} to {LARGEST}"))
            .found(text)
            .hint("Write a decimal number, such as 0.5; random weights (R, U) are not supported.")
    })
}

/// Does `name` fit `pattern`, whose `*` stands for anything? Letters of any case.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    let Some((c, rest)) = pattern.split_first() else { return name.is_empty() };
    if *c == b'*' {
        let rest = &rest[rest.iter().take_while(|c| **c == b'*').count()..];
        return rest.is_empty() || (0..=name.len()).any(|n| glob(rest, &name[n..]));
    }
    name.first().is_some_and(|n| n.eq_ignore_ascii_case(c)) && glob(rest, &name[1..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::LAYOUTS;

    #[test]
    fn every_list_has_its_places_and_every_preset_its_blocks() {
        for layout in LAYOUTS {
            let ids: Vec<String> = blocks(layout.id).into_iter().map(|b| b.id).collect();
            let typed = Typed { layout, ids: &ids };
            for scheme in layout.schemes {
                let places = |line: &&str| typed.places(line).unwrap().len();
                assert!(scheme.lines.iter().all(|line| places(line) == scheme.count), "{} {}", layout.id, scheme.count);
            }
            assert!(block_list_lengths(layout.id).is_sorted(), "{}", layout.id);
            for preset in block_presets(layout.id) {
                assert_eq!(block_weights(layout.id, preset).unwrap().len(), ids.len(), "{} {preset}", layout.id);
            }
        }
        assert!(block_presets("unknown").is_empty() && block_list_lengths("unknown").is_empty());
    }

    #[test]
    fn globs() {
        let fits = |pattern: &str, name: &str| glob(pattern.as_bytes(), name.as_bytes());
        assert!(
            fits("*", "") && fits("in*", "IN04") && fits("*0*", "D10") && fits("**4", "IN04") && fits("IN04", "in04")
        );
        assert!(!fits("in*", "M00") && !fits("", "a") && !fits("IN0", "IN04") && !fits("*5", "IN04"));
    }
}
