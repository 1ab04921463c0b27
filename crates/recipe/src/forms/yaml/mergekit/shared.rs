//! The parameters that all models have alike, and where each was given.

use super::Found;
use super::models::Model;
use crate::forms::yaml::names::number;
use crate::pointer::pointer;
use rankweave_adapter::{Error, Kind};
use serde_json::{Map, Value};

/// The parameters that hold for all models, without weights.
pub(super) fn shared(models: &[Model], global: &Map<String, Value>, found: &mut Found) -> Map<String, Value> {
    let mut given = Map::new();
    let mut names: Vec<&String> = models.iter().flat_map(|model| model.params.keys()).chain(global.keys()).collect();
    names.sort();
    names.dedup();
    for name in names.into_iter().filter(|name| *name != "weight") {
        let mut values = models.iter().map(|model| model.params.get(name).or(global.get(name)));
        let first = values.next().flatten().or(global.get(name));
        let same = values
            .all(|value| value.and_then(number).zip(first.and_then(number)).map_or(value == first, |(a, b)| a == b));
        let at = place(models, global, name);
        let value = match first.filter(|_| same) {
            None => {
                let what = format!("{name} is not the same for all models, which cannot be done");
                let error = Error::new(Kind::Unsupported, what).key(at);
                found.errors.push(error.hint("Give it once, under parameters."));
                continue;
            }
            Some(Value::Array(items)) if items.iter().all(|item| number(item).is_some()) => Err(gradient(&at)),
            Some(Value::Array(items)) if items.len() == 1 => unfiltered(&items[0], &at),
            Some(Value::Array(_)) => Err(by_module(name, &at)),
            Some(object @ Value::Object(_)) => unfiltered(object, &at),
            Some(value) => Ok(value.clone()),
        };
        if let Some(value) = found.take(value) {
            given.insert(name.clone(), value);
        }
    }
    given
}

/// The value of `{value: 1}`.
fn unfiltered(item: &Value, at: &str) -> Result<Value, Error> {
    let everywhere = item.get("filter").is_none_or(|filter| filter.is_null() || filter == "*");
    match item.get("value") {
        Some(Value::Array(_)) => Err(gradient(at)),
        Some(value) if everywhere => Ok(value.clone()),
        _ => Err(by_module("this parameter", at)),
    }
}

fn by_module(name: &str, at: &str) -> Error {
    let error = Error::new(Kind::Unsupported, format!("{name} by module cannot be done")).key(at);
    error.hint("Only weights can have filters; give one value.")
}

/// The refusal of numbers from the first layer to the last.
pub(super) fn gradient(at: &str) -> Error {
    let error = Error::new(Kind::Unsupported, "Gradients over layers cannot be done").key(at);
    error.hint("Give one value, or a weight by module: a list of {value, filter}.")
}

/// Where a parameter is given first.
pub(super) fn place(models: &[Model], global: &Map<String, Value>, key: &str) -> String {
    match models.iter().find(|model| model.params.contains_key(key)) {
        Some(model) if !global.contains_key(key) => pointer(&["models", &model.at.to_string(), "parameters", key]),
        _ => pointer(&["parameters", key]),
    }
}
