//! Coefficients that are brought along, as JSON: adapter → pattern of module names → λ.
//!
//! ```text
//! {"1": {"*": 0.8, "*attn2*": [1, 1, 0.5, 0]},  "style.safetensors": 0.4}
//! ```
//!
//! An adapter is named by its label or by its place in the mix, from 1. Its value is a λ for all its modules or an
//! object of patterns ([`Glob`]); of several that fit a module the longest counts. A λ is a number, or a list with one
//! for each rank-one unit. What is not named has λ = 1.

use crate::glob::{Glob, Name};
use rankweave_adapter::{Error, Kind, Result};
use serde_json::{Map, Value};

/// Largest size of a λ: far more than is of use, far less than overflows a factor.
const LARGEST: f64 = 1e6;

/// λ of a module.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Lambda {
    /// One for all its units.
    One(f64),
    /// One for each.
    Units(Vec<f64>),
}

/// One pattern and its λ.
#[derive(Debug)]
pub(crate) struct Entry {
    pub pattern: Glob,
    pub lambda: Lambda,
}

/// The coefficients of every adapter, in the mix's order.
#[derive(Debug)]
pub(crate) struct Given(pub Vec<Vec<Entry>>);

impl Given {
    /// Reads the text for adapters of these labels; empty text gives none.
    ///
    /// # Errors
    /// `Parameter`, naming adapter and pattern.
    pub fn read(text: &str, labels: &[String]) -> Result<Given> {
        let mut given = Given(labels.iter().map(|_| Vec::new()).collect());
        if text.trim().is_empty() {
            return Ok(given);
        }
        let json: Map<String, Value> = serde_json::from_str(text)
            .map_err(|e| wrong("").expected("an object of adapters").found(e.to_string()).hint(HINT))?;
        for (name, value) in &json {
            let adapter = adapter(name, labels)?;
            if !given.0[adapter].is_empty() {
                return Err(wrong(name).expected("every adapter once").found("one that is named twice"));
            }
            match value {
                Value::Object(patterns) if patterns.is_empty() => {}
                Value::Object(patterns) => {
                    for (pattern, value) in patterns {
                        let place = [name, " → ", pattern].concat();
                        let pattern = Glob::new(pattern).map_err(|e| e.key(&place))?;
                        given.0[adapter].push(Entry { pattern, lambda: lambda(value, &place)? });
                    }
                }
                value => given.0[adapter].push(Entry { pattern: Glob::new("*")?, lambda: lambda(value, name)? }),
            }
        }
        Ok(given)
    }

    /// λ of an adapter's module: that of the longest pattern which fits.
    pub fn of(&self, adapter: usize, module: &Name) -> Option<&Lambda> {
        let fitting = self.0.get(adapter)?.iter().filter(|entry| entry.pattern.fits_name(module));
        fitting.max_by_key(|entry| entry.pattern.text().len()).map(|entry| &entry.lambda)
    }
}

const HINT: &str = "Write {\"1\": {\"*attn*\": 0.5}}: adapters by place or name, patterns of modules, numbers.";

fn wrong(place: &str) -> Error {
    let error = Error::new(Kind::Parameter, "The coefficients cannot be read").hint(HINT);
    if place.is_empty() { error.key("coefficients") } else { error.key(place) }
}

fn adapter(name: &str, labels: &[String]) -> Result<usize> {
    let found: Vec<usize> = (0..labels.len()).filter(|i| labels[*i] == name).collect();
    let place = name.parse::<usize>().ok().filter(|place| (1..=labels.len()).contains(place));
    match (&found[..], place) {
        ([one], _) => Ok(*one),
        ([], Some(place)) => Ok(place - 1),
        ([], None) => {
            Err(wrong(name).expected(format!("an adapter's name, or its place from 1 to {}", labels.len())).found(name))
        }
        _ => {
            Err(wrong(name).expected("a name that one adapter has").found(name).hint("Name adapters by their places."))
        }
    }
}

fn lambda(value: &Value, place: &str) -> Result<Lambda> {
    let number = |value: &Value| match value.as_f64() {
        Some(x) if x.abs() <= LARGEST => Ok(x),
        _ => Err(wrong(place).expected(format!("a number within ±{LARGEST}, or a list of them")).found(brief(value))),
    };
    match value {
        Value::Array(list) => Ok(Lambda::Units(list.iter().map(number).collect::<Result<_>>()?)),
        value => Ok(Lambda::One(number(value)?)),
    }
}

/// The first characters of what was found.
fn brief(value: &Value) -> String {
    value.to_string().chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rankweave_adapter::{Component, ModuleKey};

    fn labels() -> Vec<String> {
        ["face", "style", "2"].map(str::to_owned).to_vec()
    }

    #[test]
    fn names_places_and_the_longest_pattern() {
        let given = Given::read(r#"{"face": {"*": 0.5, "*attn*": 2, "*attn2*": [1, 0]}, "3": -1, "2": 7}"#, &labels());
        let error = given.unwrap_err();
        assert_eq!(error.place.key.as_deref(), Some("3"), "a label comes before a place: {error}");
        let given = Given::read(r#"{"face": {"*": 0.5, "*attn*": 2, "*attn2*": [1, 0]}, "2": 7}"#, &labels()).unwrap();
        let of = |adapter, path: &str| {
            given.of(adapter, &Name::new(&ModuleKey { component: Component::Unet, path: path.into() }))
        };
        assert_eq!(of(0, "ff"), Some(&Lambda::One(0.5)));
        assert_eq!(of(0, "attn1.q"), Some(&Lambda::One(2.0)));
        assert_eq!(of(0, "attn2.q"), Some(&Lambda::Units(vec![1.0, 0.0])));
        assert_eq!((of(1, "ff"), of(2, "ff")), (None, Some(&Lambda::One(7.0))));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, place) in [
            ("[1]", "coefficients"),
            ("{", "coefficients"),
            (r#"{"none": 1}"#, "none"),
            (r#"{"0": 1}"#, "0"),
            (r#"{"4": 1}"#, "4"),
            (r#"{"face": "1"}"#, "face"),
            (r#"{"face": 1e7}"#, "face"),
            (r#"{"face": {"*": {"a": 1}}}"#, "face → *"),
            (r#"{"face": {"*": [1, null]}}"#, "face → *"),
            (r#"{"face": {"[": 1}}"#, "face → ["),
        ] {
            let error = Given::read(text, &labels()).unwrap_err();
            assert_eq!(error.place.key.as_deref(), Some(place), "{text}: {error}");
        }
        assert!(Given::read(" ", &labels()).unwrap().0.iter().all(Vec::is_empty));
        assert!(Given::read(r#"{"face": {}}"#, &labels()).unwrap().0.iter().all(Vec::is_empty));
    }
}
