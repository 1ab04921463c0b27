//! Configurations as people write them.

use crate::forms::{Imported, read};
use rankweave_adapter::{Error, Kind};
use serde_json::json;

fn codes(imported: &Imported) -> Vec<&str> {
    imported.warnings.iter().map(|w| w.code.as_str()).collect()
}

fn wrong(text: &str) -> Vec<(String, Kind)> {
    let told = |e: Error| (e.place.key.unwrap_or_default(), e.kind);
    read(text).unwrap_err().into_iter().map(told).collect()
}

#[test]
fn a_usual_configuration_is_read() {
    let text = "
models:
  - model: mistral-7b
  - model: mistral-7b+orca/adapter
    parameters:
      density: 0.5
      weight: 0.5
  - model: mistral-7b
    lora: math.safetensors
    parameters:
      density: 0.5
      weight:
        - filter: mlp
          value: 0.25
        - filter: mlp.down[0]
          value: 4
        - value: 0.5
merge_method: ties
base_model: mistral-7b
parameters:
  normalize: false
  int8_mask: true
dtype: float16
tokenizer_source: union
";
    let imported = read(text).unwrap();
    let told =
        ["not-imported", "not-imported", "not-imported", "not-imported", "not-imported", "no-rank", "not-imported"];
    assert_eq!(codes(&imported), told, "{:?}", imported.warnings);
    let recipe = imported.recipe;
    assert_eq!(recipe.problems(), []);
    let labels: Vec<_> = recipe.sources.iter().map(|s| s.label.as_deref().unwrap()).collect();
    assert_eq!(labels, ["adapter", "math.safetensors"]);
    assert_eq!((recipe.mix[0].weight, recipe.mix[1].weight), (0.5, 0.5));
    let rules = serde_json::to_value(&recipe.mix[1].rules).unwrap();
    assert_eq!(rules, json!([{"match": "*mlp.down[[]0]*", "weight": 8.0}, {"match": "*mlp*", "weight": 0.5}]));
    let wanted =
        json!({"id": "ties", "params": {"variant": "mergekit", "density": 0.5, "combine": "sum", "lambda": 1.0}});
    assert_eq!(serde_json::to_value(&recipe.method).unwrap(), wanted);
    assert_eq!(serde_json::to_value(&recipe.output).unwrap(), json!({"rank": {"mode": "dense"}, "dtype": "f16"}));
}

#[test]
fn linear_divides_by_the_weights() {
    let text = "{merge_method: linear, dtype: bfloat16, models: [{model: a, parameters: {weight: 1}}, {model: b, parameters: {weight: 3}}]}";
    let text = format!("# flow\n{text}");
    let imported = read(&text).unwrap();
    assert_eq!(codes(&imported), ["normalised"]);
    assert_eq!(imported.recipe.mix.iter().map(|e| e.weight).collect::<Vec<_>>(), [0.25, 0.75]);
    assert_eq!(imported.recipe.method.id, "sum");
    let plain = read(&text.replace("dtype", "parameters: {normalize: false}, dtype")).unwrap();
    assert_eq!(plain.recipe.mix[1].weight, 3.0);
}

#[test]
fn a_base_of_zero_has_rules_of_its_own() {
    let text = "merge_method: task_arithmetic\ndtype: float32\nmodels:\n- model: a\n  parameters:\n    weight: [{value: 0.5, filter: attn}, {value: 0}]\n";
    let entry = &read(text).unwrap().recipe.mix[0];
    let rules = serde_json::to_value(&entry.rules).unwrap();
    assert_eq!(
        (entry.weight, rules),
        (1.0, json!([{"match": "*", "weight": 0.0}, {"match": "*attn*", "weight": 0.5}]))
    );
}

#[test]
fn slerp_begins_at_the_base_model() {
    let text =
        "merge_method: slerp\nbase_model: b\nparameters: {t: 0.25}\ndtype: float32\nmodels: [{model: a}, {model: b}]\n";
    let labels = |text: &str| -> Vec<_> {
        let recipe = read(text).unwrap().recipe;
        assert_eq!(recipe.problems(), []);
        recipe.sources.into_iter().filter_map(|s| s.label).collect()
    };
    assert_eq!(labels(text), ["b", "a"]);
    assert_eq!(labels(&text.replace("base_model: b", "base_model: a")), ["a", "b"]);
}

#[test]
fn what_is_not_known_or_cannot_be_done_has_its_place() {
    let models = "models: [{model: a, parameters: {weight: W}}, {model: b, parameters: {weight: 1}}]\ndtype: D\n";
    let text = |method: &str, weight: &str, more: &str| {
        format!("merge_method: {method}\n{more}\n{}", models.replace('W', weight).replace('D', "float16"))
    };
    for (text, key, kind) in [
        (text("ties", "[0, 0.5, 1]", ""), "/models/0/parameters/weight", Kind::Unsupported),
        (text("ties", "[{value: [0, 1]}]", ""), "/models/0/parameters/weight/0/value", Kind::Unsupported),
        (text("ties", "[{value: 1, filter: mlp}]", ""), "/models/0/parameters/weight", Kind::Parameter),
        (text("ties", "much", ""), "/models/0/parameters/weight", Kind::Parameter),
        (text("ties", "1", "parameters: {density: [0, 1]}"), "/parameters/density", Kind::Unsupported),
        (
            text("ties", "1", "parameters: {density: [{value: 1, filter: x}, {value: 0}]}"),
            "/parameters/density",
            Kind::Unsupported,
        ),
        (text("ties", "1", "parameters: {colour: 1}"), "/parameters/colour", Kind::Parameter),
        (text("tie", "1", ""), "/merge_method", Kind::Parameter),
        (text("passthrough", "1", ""), "/merge_method", Kind::Unsupported),
        (text("slerp", "1", "parameters: {t: 0.5}"), "/models/0/parameters/weight", Kind::Parameter),
        (text("ties", "1", "slices: []"), "/slices", Kind::Unsupported),
        (text("ties", "1", "colour: red"), "/colour", Kind::Parameter),
        (text("ties", "1", "").replace("float16", "int4"), "/dtype", Kind::Parameter),
        (text("linear", "[{value: 1, filter: x}, {value: 2}]", ""), "/parameters/normalize", Kind::Unsupported),
        (text("ties", "1, density: 0.5", ""), "/models/0/parameters/density", Kind::Unsupported),
        ("merge_method: ties\ndtype: float16\n".to_owned(), "/models", Kind::Parameter),
        (
            "models: [{parameters: {}}]\ndtype: float16\nmerge_method: ties".to_owned(),
            "/models/0/model",
            Kind::Parameter,
        ),
    ] {
        assert!(wrong(&text).contains(&(key.to_owned(), kind)), "{text}: {:?}", wrong(&text));
    }
}

#[test]
fn what_is_left_open_is_told() {
    let imported = read("merge_method: ties\nmodels: [{model: a}, {model: b}]\n").unwrap();
    assert_eq!(codes(&imported), ["no-weight", "no-weight", "no-type", "no-rank"]);
}
