//! The published schema and the types say the same.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rankweave_recipe::{Output, Recipe};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../www/recipe.schema.json")).unwrap()
}

/// A recipe that says everything that can be said.
fn full() -> Value {
    let hash = format!("sha256:{}", "0".repeat(64));
    json!({
        "recipe": 1, "name": "n", "note": "t", "engine": {"name": "Rankweave", "version": "1", "math": 1},
        "sources": [{"id": "a", "label": "a", "data": hash, "file": hash, "size": 9, "at": ["hf:u/r@0/f"], "dora": "direction"}],
        "mix": [{"src": "a", "weight": 0.5, "te": 0.25,
            "blocks": {"scheme": "sd15", "preset": "OUTALL", "values": [1.0]},
            "rules": [{"match": "*", "weight": 0.5, "drop": true}]}],
        "method": {"id": "ties", "params": {"density": 0.35}}, "base": {"label": "b", "size": 1}, "seed": 7,
        "output": {"rank": {"mode": "energy", "value": 0.5, "max": 8}, "dtype": "f16", "keys": "kohya", "metadata": "none",
            "alpha": "keep-first", "title": "t"},
        "expect": {"data": hash, "backend": "cpu"}
    })
}

/// Paths of all keys; indices are `*`.
fn paths(value: &Value, at: &str, out: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            let path = format!("{at}/{key}");
            // Parameters are the methods'.
            if path != "/method/params" {
                paths(value, &path, out);
            }
            out.insert(path);
        }),
        Value::Array(items) => items.iter().for_each(|item| paths(item, &format!("{at}/*"), out)),
        _ => {}
    }
}

/// Paths of all properties of a schema.
fn described(schema: &Value, at: &str, out: &mut BTreeSet<String>) {
    for (key, value) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{at}/{key}");
        described(value, &path, out);
        out.insert(path);
    }
    if schema["items"].is_object() {
        described(&schema["items"], &format!("{at}/*"), out);
    }
    for one in schema["oneOf"].as_array().into_iter().flatten() {
        described(one, at, out);
    }
}

#[test]
fn every_field_is_described_and_read() {
    let (mut said, mut known) = (BTreeSet::new(), BTreeSet::new());
    paths(&full(), "", &mut said);
    described(&schema(), "", &mut known);
    assert_eq!(said, known);
    let recipe = Recipe::from_value(full()).unwrap();
    // What were not read would be kept among the others.
    let others = [&recipe.other, &recipe.sources[0].other, &recipe.mix[0].other, &recipe.output.other];
    assert!(others.into_iter().all(serde_json::Map::is_empty), "{recipe:?}");
    let back = serde_json::to_value(&recipe).unwrap();
    assert_eq!(back, full());
}

#[test]
fn what_must_be_there_is_said_to_be_required() {
    for (pointer, required) in
        [("", &schema()["required"]), ("/sources/0", &schema()["properties"]["sources"]["items"]["required"])]
    {
        for field in required.as_array().unwrap() {
            let mut less = full();
            less.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(field.as_str().unwrap());
            assert!(Recipe::from_value(less).is_err(), "{pointer}/{field}");
        }
    }
    for field in ["name", "note", "engine", "base", "seed", "expect"] {
        let mut less = full();
        less.as_object_mut().unwrap().remove(field);
        assert!(Recipe::from_value(less).is_ok(), "{field}");
    }
}

#[test]
fn types_of_the_output_are_those_that_are_written() {
    let told: Vec<String> =
        serde_json::from_value(schema()["properties"]["output"]["properties"]["dtype"]["enum"].clone()).unwrap();
    assert_eq!(told, Output::DTYPES.map(|(id, _)| id));
}

/// Links that were given out stay good.
#[test]
fn links_of_older_versions_are_read_for_ever() {
    for line in include_str!("links.txt").lines().filter(|line| !line.starts_with('#')) {
        let (id, link) = line.split_once(' ').unwrap();
        let recipe = Recipe::from_link(link).unwrap();
        assert_eq!(recipe.problems(), [], "{link}");
        assert_eq!(recipe.id(), id, "{link}");
    }
}
