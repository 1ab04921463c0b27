//! A configuration like mergekit's as a recipe.
//!
//! | there | here |
//! |---|---|
//! | `model: base+adapter`, or `model: base` and `lora: adapter` | the adapter, by the name of its file or folder; the base is left out, with a warning |
//! | `weight: 0.8` | the weight |
//! | `weight: [{value: 0.5, filter: mlp}, {value: 0.8}]` | weight 0.8, and a rule for `*mlp*`: there the first that fits decides, here the last |
//! | `weight: [0, 0.5, 1]` | refused: a gradient over layers |
//! | other parameters | the method's; they have to be the same for all models |
//! | `tokenizer`, `chat_template`, … | left out, with a warning |
//! | no rank: a merge of whole models loses nothing | `exact`, or `dense` for methods whose result has full rank |

mod models;
mod shared;
#[cfg(test)]
mod tests;
mod weights;

use super::names::{self, Named};
use super::{FORM, OWN, wrong};
use crate::forms::{Imported, warning};
use crate::recipe::{Output, Recipe};
use models::{Model, models};
use rankweave_adapter::{Error, Kind, Warning};
use rankweave_merge::find;
use serde_json::{Map, Value, json};
use shared::{place, shared};
use weights::{weigh, weights};

/// Keys that are read.
const READ: [&str; 6] = ["merge_method", "models", "parameters", "dtype", "out_dtype", OWN];
/// Keys of whole models, which an adapter has no place for.
const LEFT_OUT: [&str; 6] = ["base_model", "tokenizer", "tokenizer_source", "chat_template", "name", "allow_crimes"];
/// Types: mergekit's names, ours.
pub(super) const DTYPES: [(&str, &str); 5] = [
    ("float32", "f32"),
    ("float16", "f16"),
    ("bfloat16", "bf16"),
    ("float8_e4m3fn", "f8_e4m3"),
    ("float8_e5m2", "f8_e5m2"),
];

/// What was found on the way.
#[derive(Default)]
struct Found {
    errors: Vec<Error>,
    warnings: Vec<Warning>,
}

impl Found {
    fn warn(&mut self, code: &str, key: &str, message: impl Into<String>) {
        self.warnings.push(warning(code, FORM, key, message));
    }

    /// The value, or nothing and one error more.
    fn take<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.errors.push(error)).ok()
    }
}

/// Reads a configuration.
///
/// # Errors
/// All that is not known or cannot be done, each with its pointer.
pub(super) fn read(value: &Value) -> Result<Imported, Vec<Error>> {
    let mut found = Found::default();
    keys(value, &mut found);
    let name = value.get("merge_method").and_then(Value::as_str);
    if name.is_none() {
        found.errors.push(wrong("The configuration names no merge_method", "/merge_method").expected("such as ties"));
    }
    let own = match value.get(OWN) {
        None => None,
        Some(Value::Object(own)) => Some(own),
        Some(_) => {
            found.errors.push(wrong("This part of the configuration is no mapping", format!("/{OWN}")));
            None
        }
    };
    let models = models(value, name.unwrap_or_default(), own.is_some(), &mut found);
    let global = mapping(value.get("parameters"), "/parameters", &mut found);
    let given = shared(&models, &global, &mut found);
    let at = |key: &str| place(&models, &global, key);
    let method =
        name.and_then(|name| names::named(name, &given, &at).map_err(|errors| found.errors.extend(errors)).ok());
    let weights = weights(&models, &global, method.as_ref(), &mut found);
    let output = output(value, own, method.as_ref(), &mut found);
    let (sources, mut mix) = listed(&models, own, &mut found);
    let Some(method) = method.filter(|_| found.errors.is_empty()) else { return Err(found.errors) };
    for param in &method.idle {
        found.warn("not-imported", &at(param), format!("{param} is left out: it changes nothing here"));
    }
    for (i, (entry, weight)) in mix.iter_mut().zip(&weights).enumerate() {
        if let Err(error) = weigh(entry, weight, models[i].at) {
            found.errors.push(error);
        }
    }
    if !found.errors.is_empty() {
        return Err(found.errors);
    }
    let mut whole = own.cloned().unwrap_or_default();
    whole.extend([
        ("recipe".to_owned(), json!(1)),
        ("sources".to_owned(), sources),
        ("mix".to_owned(), Value::from(mix)),
        ("method".to_owned(), json!({"id": method.id, "params": method.params})),
        ("output".to_owned(), output),
    ]);
    let recipe = Recipe::from_value(Value::Object(whole))
        .map_err(|errors| errors.into_iter().map(inside).collect::<Vec<_>>())?;
    Ok(Imported { recipe, warnings: found.warnings })
}

/// What is wrong with the part that is ours stands under its key.
fn inside(mut error: Error) -> Error {
    error.place.key = error.place.key.map(|key| format!("/{OWN}{key}"));
    error
}

fn keys(value: &Value, found: &mut Found) {
    for key in value.as_object().into_iter().flat_map(Map::keys) {
        let at = format!("/{key}");
        match key.as_str() {
            "slices" | "modules" => {
                let error = Error::new(Kind::Unsupported, format!("{key} cannot be done: adapters are merged whole"));
                found.errors.push(
                    error.key(at).hint("Name the adapters in models; weights by layer are {value, filter} lists."),
                );
            }
            key if LEFT_OUT.contains(&key) => {
                found.warn(
                    "not-imported",
                    &at,
                    format!("{key} is left out: adapters are merged, without the base model"),
                );
            }
            key if READ.contains(&key) => {}
            _ => found.errors.push(wrong("This key of the configuration is not known", at).expected(READ.join(", "))),
        }
    }
}

fn mapping(value: Option<&Value>, at: &str, found: &mut Found) -> Map<String, Value> {
    match value {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(map)) => map.clone(),
        Some(_) => {
            found.errors.push(wrong("Parameters are no mapping", at).expected("names and values"));
            Map::new()
        }
    }
}

/// Type, and rank where ours says it; where not, the one at which nothing is lost.
fn output(value: &Value, own: Option<&Map<String, Value>>, method: Option<&Named>, found: &mut Found) -> Value {
    let mut output = own.and_then(|own| own.get("output")).and_then(Value::as_object).cloned().unwrap_or_default();
    let given =
        ["out_dtype", "dtype"].into_iter().find_map(|key| Some((key, value.get(key).filter(|v| !v.is_null())?)));
    let dtype = match given {
        None => {
            found.warn("no-type", "/dtype", "the configuration names no dtype: float32 is taken, which loses nothing");
            "f32"
        }
        Some((key, text)) => {
            let name = text.as_str().unwrap_or_default().trim_start_matches("torch.");
            let fitting = DTYPES.iter().find(|(theirs, _)| *theirs == name).map(|(_, ours)| *ours);
            fitting.filter(|ours| Output::DTYPES.iter().any(|(id, _)| id == ours)).unwrap_or_else(|| {
                let error = wrong("The type is not known", format!("/{key}")).found(text.to_string());
                found.errors.push(error.expected(DTYPES.map(|(theirs, _)| theirs).join(", ")));
                "f32"
            })
        }
    };
    output.insert("dtype".to_owned(), json!(dtype));
    if !output.contains_key("rank") {
        let full = method.and_then(|method| find(&method.id)).is_some_and(|method| method.full_rank());
        if full {
            let message = "the configuration names no rank, and the result has full rank: whole differences are written; choose a \
                           rank for a small file";
            found.warn("no-rank", "/merge_method", message);
        }
        output.insert("rank".to_owned(), json!({"mode": if full { "dense" } else { "exact" }}));
    }
    Value::Object(output)
}

/// Sources, and the mix without weights: those of ours, or one for each model.
fn listed(models: &[Model], own: Option<&Map<String, Value>>, found: &mut Found) -> (Value, Vec<Value>) {
    let part = |key: &str| own.and_then(|own| own.get(key)).and_then(Value::as_array);
    let (Some(sources), Some(mix)) = (part("sources"), part("mix")) else {
        let blank = Recipe::blank(models.len());
        let ids = blank.sources.iter().map(|source| source.id.as_str());
        let sources: Vec<Value> =
            ids.clone().zip(models).map(|(id, model)| json!({"id": id, "label": model.label})).collect();
        return (Value::from(sources), ids.map(|id| json!({"src": id})).collect());
    };
    let hint = format!("Change both, or leave sources and mix out of {OWN}.");
    if mix.len() != models.len() {
        let error =
            wrong("The models are not those of the mix", format!("/{OWN}/mix")).expected(models.len().to_string());
        found.errors.push(error.found(mix.len().to_string()).hint(&hint));
    }
    for (model, entry) in models.iter().zip(mix) {
        let id = entry.get("src").and_then(Value::as_str).unwrap_or_default();
        let source = sources.iter().find(|source| source.get("id").and_then(Value::as_str) == Some(id));
        let label =
            source.and_then(|source| source.get("label")).and_then(Value::as_str).filter(|label| !label.is_empty());
        let label = label.map_or_else(|| format!("{id}.safetensors"), str::to_owned);
        if label != model.label {
            let error = wrong("A model is not that of the mix", format!("/models/{}/model", model.at)).expected(label);
            found.errors.push(error.found(&model.label).hint(&hint));
        }
    }
    (Value::from(sources.clone()), mix.clone())
}
