//! YAML: a recipe of ours, or a configuration like mergekit's.
//!
//! ```yaml
//! merge_method: ties
//! models:
//!   - model: ink.safetensors
//!     parameters: {weight: 0.8, density: 0.35}
//! dtype: bfloat16
//! rankweave: {sources: […], mix: […], output: {…}, seed: 42}
//! ```
//!
//! | key | holds |
//! |---|---|
//! | `recipe: 1` | a recipe of ours, key by key: nothing below applies |
//! | `merge_method`, `parameters`, `models`, `dtype` | what mergekit has a word for; these words count |
//! | `rankweave` | the rest: identities, text encoders, blocks, rules, rank, seed, …; mergekit does not look at it |

mod mergekit;
mod names;
mod text;
mod write;

use super::Imported;
use crate::recipe::Recipe;
use rankweave_adapter::{Error, Kind};
use serde_json::Value;

/// Where warnings and errors are.
const FORM: &str = "YAML";
/// The key that mergekit does not look at.
const OWN: &str = "rankweave";

/// Reads a recipe of ours or a configuration like mergekit's.
///
/// # Errors
/// As [`text::parse`] for what is not YAML of this kind; as [`Recipe::parse`] and [`foreign`].
pub(super) fn read(yaml: &str) -> Result<Imported, Vec<Error>> {
    let value = text::parse(yaml).map_err(|error| vec![error])?;
    if value.get("recipe").is_some() {
        return Recipe::from_value(value).map(Imported::from);
    }
    foreign(&value)
}

/// Reads a configuration like mergekit's.
///
/// # Errors
/// `Parameter` and `Unsupported` for what is not known or cannot be done, each with its pointer.
pub(super) fn foreign(value: &Value) -> Result<Imported, Vec<Error>> {
    if !value.is_object() || ["merge_method", "models", "slices"].iter().all(|key| value.get(key).is_none()) {
        return Err(vec![
            Error::new(Kind::Malformed, "This is no recipe")
                .expected(
                    "a recipe as JSON, YAML or link, a configuration like mergekit's, or a prompt with <lora:…> tags",
                )
                .hint("Copy the whole text."),
        ]);
    }
    mergekit::read(value)
}

fn wrong(what: impl Into<String>, key: impl Into<String>) -> Error {
    Error::new(Kind::Parameter, what).key(key)
}
