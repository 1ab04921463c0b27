//! A recipe in the form of a mergekit configuration.
//!
//! Every text is quoted unless it is a plain word in all versions of YAML, and numbers are written as YAML 1.1, which most
//! programs read, takes them too.

use super::OWN;
use super::mergekit::DTYPES;
use super::names::name_of;
use crate::canonical::canonical;
use crate::forms::file_name;
use crate::recipe::Recipe;
use serde_json::{Map, Value};

/// Parameters that mergekit has for each model.
const OF_MODELS: [&str; 3] = ["density", "epsilon", "gamma"];
/// Words that are no texts in some version of YAML.
const RESERVED: [&str; 12] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf", "e"];

const HEAD: &str = "# A merge of LoRA adapters by Rankweave, in the form of a mergekit configuration.
# rankweave merge --recipe THIS.yaml FILES -o merged.safetensors makes it.
# mergekit merges whole models: for it write each model as base+adapter and name the base_model. It does not look at what
# stands under rankweave.
";

impl Recipe {
    /// YAML like mergekit's, with what mergekit has no word for under a key of its own. [`crate::forms::read`] gives the same
    /// recipe back.
    pub fn to_yaml(&self) -> String {
        let recipe = self.normal();
        let plain = recipe.mix.iter().all(|entry| entry.weight == 1.0);
        let (method, params) = name_of(&recipe.method.id, &recipe.method.params, plain);
        let weighted = !plain || super::names::weighted(&method);
        let (of_models, global): (Map<_, _>, Map<_, _>) =
            params.into_iter().partition(|(name, _)| OF_MODELS.contains(&name.as_str()) && !method.contains(':'));
        let models = recipe.mix.iter().map(|entry| {
            let mut params = of_models.clone();
            if weighted {
                params.insert("weight".to_owned(), entry.weight.into());
            }
            let mut model = Map::from_iter([("model".to_owned(), file_name(&recipe, &entry.src).into())]);
            if !params.is_empty() {
                model.insert("parameters".to_owned(), params.into());
            }
            Value::Object(model)
        });
        let dtype = DTYPES.iter().find(|(_, ours)| *ours == recipe.output.dtype).map_or("", |(theirs, _)| *theirs);
        let mut parts = vec![("merge_method", Value::from(method)), ("models", Value::Array(models.collect()))];
        if !global.is_empty() {
            parts.push(("parameters", global.into()));
        }
        parts.extend([("dtype", dtype.into()), (OWN, own(&recipe))]);
        let mut out = format!("{HEAD}# As a link: {}\n", self.link());
        for (key, value) in parts {
            entry(key, &value, 0, &mut out);
        }
        out
    }
}

/// What mergekit has no word for.
fn own(recipe: &Recipe) -> Value {
    let mut whole = serde_json::to_value(recipe).unwrap_or_default();
    let Some(map) = whole.as_object_mut() else { return whole };
    map.remove("recipe");
    map.remove("method");
    for entry in map.get_mut("mix").and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
    {
        entry.remove("weight");
    }
    if let Some(output) = map.get_mut("output").and_then(Value::as_object_mut) {
        output.remove("dtype");
    }
    whole
}

/// `key: value`, with what lies in it below.
fn entry(key: &str, value: &Value, indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', indent));
    out.push_str(&text(key));
    out.push(':');
    below(value, indent + 2, out);
}

/// A value behind a colon, and the end of the line.
fn below(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            map.iter().for_each(|(key, value)| entry(key, value, indent, out));
        }
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            out.push('\n');
            for item in items {
                let mut lines = String::new();
                match item {
                    Value::Object(map) if !map.is_empty() => {
                        map.iter().for_each(|(key, value)| entry(key, value, indent + 2, &mut lines));
                        lines.replace_range(indent..=indent, "-");
                    }
                    other => {
                        lines.extend(std::iter::repeat_n(' ', indent));
                        lines.push('-');
                        below(other, indent + 2, &mut lines);
                    }
                }
                out.push_str(&lines);
            }
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(scalar).collect();
            out.push_str(&format!(" [{}]\n", items.join(", ")));
        }
        other => {
            out.push(' ');
            out.push_str(&scalar(other));
            out.push('\n');
        }
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(own) => text(own),
        Value::Number(_) => {
            let number = canonical(value);
            // YAML 1.1 wants a point before the exponent.
            if number.contains('.') { number } else { number.replacen('e', ".0e", 1) }
        }
        other => other.to_string(),
    }
}

/// A plain word, or a text in double quotes, which is JSON's with more escapes.
fn text(text: &str) -> String {
    let mut letters = text.chars();
    let plain = letters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
        && !RESERVED.contains(&text.to_ascii_lowercase().as_str());
    if plain {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in serde_json::to_string(text).unwrap_or_default().chars() {
        // What editors take for the end of a line, do not show or turn around.
        match c {
            '\u{7f}'..='\u{9f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                out.push_str(&format!("\\u{:04x}", c as u32));
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forms::read;
    use serde_json::json;

    #[test]
    fn a_recipe_in_mergekits_words() {
        let mut recipe = Recipe::blank(2);
        recipe.sources[0].label = Some("ink.safetensors".into());
        recipe.sources[1].label = Some("a: \"b\" # c\u{2028}é".into());
        (recipe.mix[0].weight, recipe.mix[1].te) = (0.8, Some(0.0));
        recipe.method.id = "ties".into();
        recipe.method.params = json!({"variant": "mergekit", "density": 0.35}).as_object().unwrap().clone();
        recipe.seed = Some(42);
        recipe.output.dtype = "bf16".into();
        let yaml = recipe.to_yaml();
        let (head, body) = yaml.split_once("\nmerge_method").unwrap();
        assert!(head.lines().all(|line| line.starts_with('#')) && head.ends_with(&recipe.link()));
        let wanted = r#": ties
models:
  - model: ink.safetensors
    parameters:
      density: 0.35
      weight: 0.8
  - model: "a: \"b\" # c\u2028é"
    parameters:
      density: 0.35
      weight: 1
dtype: bfloat16
rankweave:
  mix:
    - src: a
    - src: b
      te: 0
  output:
    rank:
      mode: exact
  seed: 42
  sources:
    - id: a
      label: ink.safetensors
    - id: b
      label: "a: \"b\" # c\u2028é"
"#;
        assert_eq!(body, wanted);
        let back = read(&yaml).unwrap();
        assert_eq!((back.recipe.normal(), back.warnings), (recipe.normal(), Vec::new()));
        // What the words of mergekit say counts.
        let changed = read(&yaml.replace("0.35", "0.5").replace("0.8", "-2")).unwrap().recipe;
        assert_eq!((changed.mix[0].weight, changed.method.params["density"].as_f64()), (-2.0, Some(0.5)));
        let other = read(&yaml.replacen("model: ink", "model: oil", 1)).unwrap_err();
        assert_eq!(other[0].place.key.as_deref(), Some("/models/0/model"));
    }

    #[test]
    fn texts_and_numbers_stay_what_they_are() {
        for (value, wanted) in [
            (json!("yes"), "\"yes\""),
            (json!("1"), "\"1\""),
            (json!("-x"), "\"-x\""),
            (json!("a_b-c.d"), "a_b-c.d"),
            (json!(1e-7), "1.0e-7"),
            (json!(-2.5e-9), "-2.5e-9"),
            (json!(0.8), "0.8"),
            (json!(null), "null"),
        ] {
            assert_eq!(scalar(&value), wanted);
        }
    }
}
