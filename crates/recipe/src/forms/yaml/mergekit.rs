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

use super::names::{self, Named, number};
use super::{FORM, OWN, wrong};
use crate::forms::{Imported, warning};
use crate::recipe::{Output, Recipe};
use rankweave_adapter::{Error, Kind, Warning};
use rankweave_merge::find;
use serde_json::{Map, Value, json};

/// Keys that are read.
const READ: [&str; 6] = ["merge_method", "models", "parameters", "dtype", "out_dtype", OWN];
/// Keys of whole models, which an adapter has no place for.
const LEFT_OUT: [&str; 6] = ["base_model", "tokenizer", "tokenizer_source", "chat_template", "name", "allow_crimes"];
/// Methods for which the base model is one of the models.
const BETWEEN: [&str; 5] = ["slerp", "linear", "karcher", "multislerp", "nuslerp"];
/// Types: mergekit's names, ours.
pub(super) const DTYPES: [(&str, &str); 5] = [
    ("float32", "f32"),
    ("float16", "f16"),
    ("bfloat16", "bf16"),
    ("float8_e4m3fn", "f8_e4m3"),
    ("float8_e5m2", "f8_e5m2"),
];

/// A model of the configuration.
struct Model<'a> {
    /// Its place in the list.
    at: usize,
    label: String,
    params: Map<String, Value>,
    entry: &'a Value,
}

/// A weight, and others for the modules whose names hold a text, the first that fits first.
struct Weight {
    base: f64,
    filtered: Vec<(String, f64)>,
}

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
    let at = |key: &str| pointer(&models, &global, key);
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

/// The models, without the base model where it only says what the others are compared with.
fn models<'a>(value: &'a Value, method: &str, whole: bool, found: &mut Found) -> Vec<Model<'a>> {
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

/// The parameters that hold for all models, without weights.
fn shared(models: &[Model], global: &Map<String, Value>, found: &mut Found) -> Map<String, Value> {
    let mut given = Map::new();
    let mut names: Vec<&String> = models.iter().flat_map(|model| model.params.keys()).chain(global.keys()).collect();
    names.sort();
    names.dedup();
    for name in names.into_iter().filter(|name| *name != "weight") {
        let mut values = models.iter().map(|model| model.params.get(name).or(global.get(name)));
        let first = values.next().flatten().or(global.get(name));
        let same = values
            .all(|value| value.and_then(number).zip(first.and_then(number)).map_or(value == first, |(a, b)| a == b));
        let at = pointer(models, global, name);
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

fn gradient(at: &str) -> Error {
    let error = Error::new(Kind::Unsupported, "Gradients over layers cannot be done").key(at);
    error.hint("Give one value, or a weight by module: a list of {value, filter}.")
}

/// Where a parameter is given first.
fn pointer(models: &[Model], global: &Map<String, Value>, key: &str) -> String {
    let name = key.replace('~', "~0").replace('/', "~1");
    match models.iter().find(|model| model.params.contains_key(key)) {
        Some(model) if !global.contains_key(key) => format!("/models/{}/parameters/{name}", model.at),
        _ => format!("/parameters/{name}"),
    }
}

fn weights(models: &[Model], global: &Map<String, Value>, method: Option<&Named>, found: &mut Found) -> Vec<Weight> {
    let mut weights = Vec::new();
    for model in models {
        let at = pointer(std::slice::from_ref(model), &Map::new(), "weight");
        let at = if model.params.contains_key("weight") { at } else { "/parameters/weight".to_owned() };
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
fn weigh(entry: &mut Value, weight: &Weight, at: usize) -> Result<(), Error> {
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

#[cfg(test)]
mod tests;
