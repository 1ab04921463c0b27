//! The models of a configuration, and the adapters that they stand for.

use super::{Found, mapping};
use crate::forms::yaml::wrong;
use rankweave_adapter::Error;
use serde_json::{Map, Value};

/// Methods for which the base model is one of the models.
const BETWEEN: [&str; 5] = ["slerp", "linear", "karcher", "multislerp", "nuslerp"];

/// A model of the configuration.
pub(super) struct Model<'a> {
    /// Its place in the list.
    pub at: usize,
    pub label: String,
    pub params: Map<String, Value>,
    entry: &'a Value,
}

/// The models, without the base model where it only says what the others are compared with.
pub(super) fn models<'a>(value: &'a Value, method: &str, whole: bool, found: &mut Found) -> Vec<Model<'a>> {
    let base = value.get("base_model").and_then(Value::as_str);
    let Some(entries) = value.get("models").and_then(Value::as_array).filter(|models| !models.is_empty()) else {
        found
            .errors
            .push(wrong("The configuration names no models", "/models").expected("a list of {model, parameters}"));
        return Vec::new();
    };
    let mut models = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let place = format!("/models/{at}");
        for key in entry.as_object().into_iter().flat_map(Map::keys) {
            if !["model", "lora", "parameters"].contains(&key.as_str()) {
                found.errors.push(wrong("This key of a model is not known", format!("{place}/{key}")));
            }
        }
        let Some(label) = found.take(label(entry, &place, whole)) else { continue };
        let params = mapping(entry.get("parameters"), &format!("{place}/parameters"), found);
        if base.is_some() && base == named(entry) && params.is_empty() && !BETWEEN.contains(&method) {
            found.warn("not-imported", &place, format!("{label} is left out: it is the base model"));
            continue;
        }
        models.push(Model { at, label, params, entry });
    }
    // t = 0 is the base model.
    if method == "slerp" && models.len() == 2 && base.is_some() && base == named(models[1].entry) {
        models.reverse();
    }
    for Model { at, label, entry, .. } in &models {
        let text = named(entry).unwrap_or_default();
        if lora(entry).is_some() || !whole && text.contains('+') {
            let message = format!("of this model {label} alone is taken, without its base");
            found.warn("not-imported", &format!("/models/{at}/model"), message);
        }
    }
    models
}

/// What the configuration calls a model.
fn named(entry: &Value) -> Option<&str> {
    entry.get("model").and_then(path)
}

fn lora(entry: &Value) -> Option<&Value> {
    entry.get("lora").or_else(|| entry.get("model")?.get("lora")).filter(|lora| !lora.is_null())
}

fn path(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("path")?.as_str())
}

/// The adapter's file or folder: what stands after a + or under `lora`, without the folders before it. `whole` names are
/// not cut.
fn label(entry: &Value, place: &str, whole: bool) -> Result<String, Error> {
    let text = lora(entry).map_or_else(|| named(entry), path).unwrap_or_default();
    let own = if whole { text } else { text.split_once('+').map_or(text, |(_, lora)| lora) };
    let own = if whole { own } else { own.trim_end_matches('/').rsplit('/').next().unwrap_or_default() };
    if own.is_empty() {
        let error = wrong("A model has no name", format!("{place}/model"));
        return Err(error.expected("model: FILE, base+FILE, or model: base and lora: FILE"));
    }
    Ok(own.to_owned())
}
