//! Text to recipe. Everything in it is hostile until it is a [`Recipe`], and all that has a wrong form is told at once.

use crate::pointer::pointer;
use crate::recipe::Recipe;
use rankweave_adapter::{Error, Kind};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use serde_path_to_error::Segment;

/// Most bytes of a text.
const LARGEST: usize = 1 << 20;

/// How deep values may lie in each other.
pub(crate) const DEEPEST: usize = 16;

/// Most problems that are told.
const MOST: usize = 100;

impl Recipe {
    /// Reads JSON. Its meaning is checked later, against the adapters.
    ///
    /// # Errors
    /// `Limit` for a text of more than 1 MiB or of more than 16 levels; `Malformed` for what is not JSON; `Parameter` for
    /// all values of a wrong type, each with its JSON pointer.
    pub fn parse(text: &str) -> Result<Recipe, Vec<Error>> {
        fits(text)?;
        let value: Value = serde_json::from_str(text).map_err(|e| {
            let error = Error::new(Kind::Malformed, format!("The recipe cannot be read: {e}"));
            vec![error.hint("A recipe is JSON with recipe, sources, mix, method and output.")]
        })?;
        Recipe::from_value(value)
    }

    /// As [`Recipe::parse`], from JSON that was read.
    ///
    /// # Errors
    /// As [`Recipe::parse`].
    pub fn from_value(value: Value) -> Result<Recipe, Vec<Error>> {
        if deeper(&value, DEEPEST) {
            let error = Error::new(Kind::Limit, "The recipe's values lie too deep in each other");
            return Err(vec![error.expected(format!("at most {DEEPEST} levels"))]);
        }
        // A number instead of a recipe's version, and nothing else, says that it is for a later program.
        if let Some(version) = value.get("recipe").and_then(Value::as_u64).filter(|version| *version != 1) {
            return Err(vec![
                Error::new(Kind::Parameter, "The recipe is of another version")
                    .key("/recipe")
                    .expected("1")
                    .found(version.to_string())
                    .hint("Update Rankweave to use it."),
            ]);
        }
        shaped(value)
    }

    /// As [`Recipe::parse`], with the first problem alone.
    ///
    /// # Errors
    /// As [`Recipe::parse`].
    pub fn from_json(text: &str) -> Result<Recipe, Error> {
        Recipe::parse(text).map_err(|mut errors| errors.swap_remove(0))
    }
}

/// Refuses texts that are longer than any recipe.
pub(crate) fn fits(text: &str) -> Result<(), Vec<Error>> {
    if text.len() <= LARGEST {
        return Ok(());
    }
    let error = Error::new(Kind::Limit, "The recipe is too large").expected(format!("at most {LARGEST} bytes"));
    Err(vec![error.found(format!("{} bytes", text.len())).hint("A recipe holds names and numbers, no tensors.")])
}

fn deeper(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels == 0 || items.iter().any(|item| deeper(item, levels - 1)),
        Value::Object(map) => levels == 0 || map.values().any(|item| deeper(item, levels - 1)),
        _ => false,
    }
}

/// Reads `value` as a `T`. What is wrong or missing is told and mended for the rest of the search, so that all is found.
fn shaped<T: DeserializeOwned>(mut value: Value) -> Result<T, Vec<Error>> {
    let mut errors: Vec<Error> = Vec::new();
    let mut mended: Vec<Vec<String>> = Vec::new();
    loop {
        let problem = match serde_path_to_error::deserialize::<_, T>(&value) {
            Ok(read) if errors.is_empty() => return Ok(read),
            Ok(_) => return Err(errors),
            Err(problem) => problem,
        };
        let mut steps: Vec<String> = problem.path().iter().filter_map(step).collect();
        let told = problem.inner().to_string();
        let missing = told.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
        // A rank's form depends on its mode.
        if let Some(rank) = steps.iter().position(|step| step == "rank") {
            steps.truncate(rank + 1);
        }
        let pointer = pointer(&steps);
        let mut error = Error::new(Kind::Parameter, format!("The recipe has a wrong form: {told}"));
        error.place.key = Some(pointer.clone()).filter(|pointer| !pointer.is_empty());
        if missing.is_none() {
            error.found = value.pointer(&pointer).map(|value| short(&value.to_string()));
        }
        errors.push(error.hint("recipe.schema.json describes the form."));
        steps.extend(missing.filter(|_| steps.last().is_none_or(|last| last != "rank")).map(str::to_owned));
        if mended.contains(&steps) || errors.len() >= MOST || !mend(&mut value, &steps) {
            return Err(errors);
        }
        mended.push(steps);
    }
}

/// What may stand in a field so that its neighbours can be read: none for those that may be missing.
fn stand_in(field: &str) -> Option<Value> {
    Some(match field {
        "recipe" => Value::from(1),
        "sources" | "mix" => json!([]),
        "id" | "src" | "name" | "label" | "scheme" | "match" | "dtype" => Value::from(""),
        "method" => json!({"id": ""}),
        "rank" => json!({"mode": "exact"}),
        "output" => json!({"rank": {"mode": "exact"}, "dtype": ""}),
        _ => return None,
    })
}

/// One step of a path, as a JSON pointer has it.
fn step(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

/// Puts something else in the place of a value, or takes it away.
fn mend(value: &mut Value, steps: &[String]) -> bool {
    let Some((last, way)) = steps.split_last() else { return false };
    match value.pointer_mut(&pointer(way)) {
        Some(Value::Object(map)) => match stand_in(last) {
            Some(value) => {
                map.insert(last.clone(), value);
                true
            }
            None => map.remove(last).is_some(),
        },
        Some(Value::Array(items)) => {
            let stand_in = match way.last().map(String::as_str) {
                Some("sources") => json!({"id": ""}),
                Some("mix") => json!({"src": ""}),
                Some("rules") => json!({"match": ""}),
                Some("at") => Value::from(""),
                _ => Value::from(0),
            };
            last.parse().ok().and_then(|i: usize| items.get_mut(i)).map(|item| *item = stand_in).is_some()
        }
        _ => false,
    }
}

fn short(text: &str) -> String {
    const SHOWN: usize = 60;
    if text.chars().count() <= SHOWN { text.to_owned() } else { text.chars().take(SHOWN).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<String> {
        let errors = Recipe::parse(text).unwrap_err();
        errors.into_iter().map(|error| error.place.key.unwrap_or_default()).collect()
    }

    #[test]
    fn all_that_has_a_wrong_form_is_told_with_its_place() {
        let text = r#"{"recipe":1,"sources":[{"id":"a","size":-1},{"id":"b","label":7}],
            "mix":[{"src":"a","weight":"much"},{"src":"b","te":true,"blocks":{"scheme":"sd15","values":[1,"x",[]]}}],
            "method":{"id":"sum"},"seed":1.5,"output":{"rank":{"mode":"best"},"dtype":"f16","title":[]}}"#;
        let mut told = keys(text);
        told.sort();
        let wanted = [
            "/mix/0/weight",
            "/mix/1/blocks/values/1",
            "/mix/1/blocks/values/2",
            "/mix/1/te",
            "/output/rank",
            "/output/title",
            "/seed",
            "/sources/0/size",
            "/sources/1/label",
        ];
        assert_eq!(told, wanted);
    }

    #[test]
    fn what_is_missing_is_named() {
        let text =
            r#"{"recipe":1,"sources":[{"label":"x"},7],"method":{},"output":{"dtype":"f16","rank":{"mode":"fixed"}}}"#;
        let errors = Recipe::parse(text).unwrap_err();
        let told: Vec<_> =
            errors.iter().map(|e| (e.place.key.as_deref().unwrap_or_default(), e.what.contains("missing"))).collect();
        let wanted =
            [("/method", true), ("/output/rank", true), ("/sources/0", true), ("/sources/1", false), ("", true)];
        assert_eq!(told, wanted);
        assert_eq!(errors[3].found.as_deref(), Some("7"));
        assert_eq!(keys("{}").len(), 5);
        assert_eq!(keys("[]"), [""]);
    }

    #[test]
    fn texts_without_end_or_bottom_are_refused() {
        let deep = format!("{{\"recipe\":1,\"x\":{}1{}}}", "[".repeat(20), "]".repeat(20));
        assert_eq!(Recipe::parse(&deep).unwrap_err()[0].kind, Kind::Limit);
        assert_eq!(Recipe::parse(&" ".repeat(LARGEST + 1)).unwrap_err()[0].kind, Kind::Limit);
        assert_eq!(Recipe::parse(&"[".repeat(100_000)).unwrap_err()[0].kind, Kind::Malformed);
        assert_eq!(Recipe::parse("{\"recipe\":2}").unwrap_err()[0].place.key.as_deref(), Some("/recipe"));
    }
}
