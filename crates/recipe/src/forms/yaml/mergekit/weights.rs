//! The weight of each model, with its filters, and what they are here: a weight and rules.

use super::Found;
use super::models::Model;
use super::shared::{gradient, place};
use crate::forms::yaml::names::{Named, number};
use crate::forms::yaml::{OWN, wrong};
use rankweave_adapter::{Error, Kind};
use serde_json::{Map, Value, json};

/// A weight, and others for the modules whose names hold a text, the first that fits first.
pub(super) struct Weight {
    base: f64,
    filtered: Vec<(String, f64)>,
}

/// The weight of each model; 1 where there is none.
pub(super) fn weights(
    models: &[Model],
    global: &Map<String, Value>,
    method: Option<&Named>,
    found: &mut Found,
) -> Vec<Weight> {
    let mut weights = Vec::new();
    for model in models {
        // Here a model's own counts before what holds for all.
        let at = place(std::slice::from_ref(model), &Map::new(), "weight");
        let given = model.params.get("weight").or(global.get("weight"));
        if given.is_some() && method.is_some_and(|method| !method.weights) {
            found.errors.push(wrong("This method of mergekit has no weights", &at).hint("rankweave:ID takes them."));
        }
        if given.is_none() && method.is_some_and(|method| method.weights) {
            found.warn("no-weight", &at, format!("{} has no weight: 1 is taken", model.label));
        }
        weights.extend(
            found.take(given.map_or(Ok(Weight { base: 1.0, filtered: Vec::new() }), |given| weight(given, &at))),
        );
    }
    if method.is_some_and(|method| method.divide) {
        let sum: f64 = weights.iter().map(|weight| weight.base).sum();
        if weights.iter().any(|weight| !weight.filtered.is_empty()) {
            let error =
                Error::new(Kind::Unsupported, "Weights by module cannot be normalised").key("/parameters/normalize");
            found.errors.push(error.hint("Set normalize: false."));
        } else if sum.abs() > 1e-8 && sum != 1.0 {
            weights.iter_mut().for_each(|weight| weight.base /= sum);
            found.warn(
                "normalised",
                "/parameters/normalize",
                format!("the weights are divided by their sum, {sum}, as normalize says"),
            );
        }
    }
    weights
}

/// Reads a number, `{value, filter}`, or a list of those.
fn weight(given: &Value, at: &str) -> Result<Weight, Error> {
    let bad = |at: &str, value: &Value| {
        let error = wrong("A weight is no number", at).expected("a number, or a list of {value, filter}");
        error.found(value.to_string().chars().take(80).collect::<String>())
    };
    let one;
    let items = match given {
        Value::Array(items) if !items.is_empty() && items.iter().all(|item| number(item).is_some()) => {
            return Err(gradient(at));
        }
        Value::Array(items) => &items[..],
        Value::Object(_) => {
            one = [given.clone()];
            &one[..]
        }
        _ => {
            let base = number(given).ok_or_else(|| bad(at, given))?;
            return Ok(Weight { base, filtered: Vec::new() });
        }
    };
    let mut filtered = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let value = item.get("value").ok_or_else(|| bad(&format!("{at}/{i}"), item))?;
        if value.is_array() {
            return Err(gradient(&format!("{at}/{i}/value")));
        }
        let value = number(value).ok_or_else(|| bad(&format!("{at}/{i}/value"), value))?;
        match item.get("filter") {
            None | Some(Value::Null) => return Ok(Weight { base: value, filtered }),
            Some(Value::String(filter)) if filter == "*" => return Ok(Weight { base: value, filtered }),
            Some(Value::String(filter)) if !filter.is_empty() => filtered.push((filter.clone(), value)),
            Some(filter) => {
                return Err(wrong("A filter is no text", format!("{at}/{i}/filter")).found(filter.to_string()));
            }
        }
    }
    Err(wrong("The weight of modules that no filter fits is missing", at).expected("{value: 1} at the end of the list"))
}

/// Puts a weight into an entry of the mix. The rules' weights are factors of it.
pub(super) fn weigh(entry: &mut Value, weight: &Weight, at: usize) -> Result<(), Error> {
    let Some(entry) = entry.as_object_mut() else { return Ok(()) };
    let mut rules = Vec::new();
    let base = if weight.base == 0.0 && !weight.filtered.is_empty() { 1.0 } else { weight.base };
    if base != weight.base {
        rules.push(json!({"match": "*", "weight": weight.base}));
    }
    // There the first filter that fits decides, here the last rule.
    let filtered = weight.filtered.iter().rev();
    rules.extend(
        filtered.map(|(filter, value)| json!({"match": format!("*{}*", escaped(filter)), "weight": value / base})),
    );
    if !rules.is_empty() && entry.contains_key("rules") {
        return Err(wrong("This model has filters, and rules of ours too", format!("/models/{at}/parameters/weight"))
            .hint(format!("Leave one of them: the filters, or the rules in {OWN}.")));
    }
    entry.insert("weight".to_owned(), json!(base));
    if !rules.is_empty() {
        entry.insert("rules".to_owned(), Value::from(rules));
    }
    Ok(())
}

/// A text as a pattern that fits nothing else.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        if matches!(c, '*' | '?' | '[') {
            out.extend(['[', c, ']']);
        } else {
            out.push(c);
        }
        out
    })
}
