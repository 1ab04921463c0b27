//! Other forms of a recipe: read whatever holds one, and write it as other tools and people have it.
//!
//! | form | read | written | says |
//! |---|---|---|---|
//! | JSON | [`Recipe::parse`] | [`Recipe::to_json`] | all |
//! | link, or an address with one | [`Recipe::from_link`] | [`Recipe::link`] | all but what makes no difference |
//! | a prompt's `<lora:…>` tags | `prompt.rs` | [`Recipe::to_prompt`] | names and weights of a sum |
//! | YAML, ours or like mergekit's | `yaml/` | [`Recipe::to_yaml`] | all |
//! | a command line | – | [`Recipe::to_command`] | all |
//! | a Python script | – | [`Recipe::to_python`] | all |
//! | a QR code of a link | – | [`qr`] | all |
//!
//! Names in a recipe are hostile: each form quotes them in its own way.

mod command;
mod prompt;
mod python;
mod qr;
mod settle;
mod yaml;

pub use qr::{Qr, qr};
pub(crate) use settle::waiting;
pub use settle::{WAITING, settle, typed};

use crate::parse::fits;
use crate::recipe::Recipe;
use rankweave_adapter::{Error, Warning};
use serde_json::Value;

/// A recipe that was read, and what was left out or guessed.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The recipe. Its meaning is not checked yet: see [`Recipe::problems`].
    pub recipe: Recipe,
    /// What its form said that a recipe does not hold, or left open.
    pub warnings: Vec<Warning>,
}

impl From<Recipe> for Imported {
    fn from(recipe: Recipe) -> Imported {
        Imported { recipe, warnings: Vec::new() }
    }
}

/// Reads a recipe in any form: JSON, a link or an address with one, a prompt with `<lora:…>` tags, YAML of ours or like
/// mergekit's. Costs a look at the text, which is at most 1 MiB.
///
/// # Errors
/// `Limit` for what is too large, too deep or too much; `Malformed` for what is none of these forms; `Parameter` and
/// `Unsupported` for what is not known, with its JSON pointer; all at once where they can be told at once.
pub fn read(text: &str) -> Result<Imported, Vec<Error>> {
    fits(text)?;
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.starts_with('{') {
        return match serde_json::from_str::<Value>(text) {
            Ok(value) if value.get("recipe").is_none() && value.get("merge_method").is_some() => yaml::foreign(&value),
            _ => Recipe::parse(text).map(Imported::from),
        };
    }
    if !text.contains('\n') && Recipe::is_link(text) {
        return Recipe::from_link(text).map(Imported::from);
    }
    if prompt::is_prompt(text) { prompt::read(text) } else { yaml::read(text) }
}

/// The name of a source's file, for forms that need one: its label, else its id.
fn file_name(recipe: &Recipe, id: &str) -> String {
    let source = recipe.sources.iter().find(|source| source.id == id);
    let label = source.and_then(|source| source.label.clone()).filter(|label| !label.is_empty());
    label.unwrap_or_else(|| format!("{id}.safetensors"))
}

/// A warning of an imported form, at a place in it.
fn warning(code: &str, form: &str, key: &str, message: impl Into<String>) -> Warning {
    let warning = Warning::new(code, form, message);
    if key.is_empty() { warning } else { warning.key(key) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rankweave_adapter::Kind;

    #[test]
    fn forms_are_told_apart() {
        let recipe = Recipe::blank(2);
        let (id, sources) = (recipe.id(), recipe.sources.len());
        let json = serde_json::to_string_pretty(&recipe).unwrap();
        let link = recipe.link();
        let address = format!("https://example.org/?q=<lora:x:1>#r={link}&view=blocks");
        let own = "recipe: 1\nsources: [{id: a}, {id: b}]\nmix: [{src: a}, {src: b}]\nmethod: {id: sum}\n\
                   output: {rank: {mode: exact}, dtype: f32}\n";
        for text in [&format!("\u{feff}\n{json}"), &link, &address, &format!("{own}# <lora:x:1>"), &recipe.to_yaml()] {
            let read = read(text).unwrap();
            assert_eq!((read.recipe.id(), read.warnings.len()), (id.clone(), 0), "{text}");
        }
        let prompt = read("a cat <lora:x:0.5>, <lora:y:1>").unwrap().recipe;
        assert_eq!((prompt.sources.len(), prompt.mix[0].weight), (sources, 0.5));
        let kit = r#"{"merge_method":"task_arithmetic","dtype":"float16",
            "models":[{"model":"x","parameters":{"weight":1}}]}"#;
        assert_eq!(read(kit).unwrap().recipe.output.dtype, "f16");
    }

    #[test]
    fn what_is_no_recipe_is_told() {
        for text in ["", "hello", "- a\n- b", "1", "a: 1", "{", "[1]", "<p>hello</p>", "#r=", "key: [", "\u{0}"] {
            let errors = read(text).unwrap_err();
            assert!(!errors.is_empty() && errors.iter().all(|e| !e.hint.is_empty()), "{text}");
        }
        assert_eq!(read(&" ".repeat((1 << 20) + 1)).unwrap_err()[0].kind, Kind::Limit);
    }
}
