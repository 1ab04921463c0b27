//! Writing adapter_config.json so that every loader computes scale 1.
//!
//! lora_alpha equals r, and modules of another rank have their own entry in `rank_pattern` and `alpha_pattern`, again
//! equal. PEFT reads a key as the end of a path, and the first that fits decides: so keys are whole paths, longer ones
//! first, and a module that another's key would catch gets an entry too.

use crate::config::PeftConfig;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Text of an adapter_config.json for which every loader computes scale 1.
///
/// `ranks` holds each module's dotted path (without `base_model.model.`) and its rank; `saved` names whole modules kept
/// in the file; `inputs` are the configurations of the merged adapters, whose base model and task are carried over from
/// the first. Rows of the text are sorted: same input, same bytes.
pub fn peft_config(ranks: &[(String, usize)], saved: &[String], inputs: &[&PeftConfig]) -> String {
    let r = most_common(ranks);
    let patterns = pattern_entries(ranks, r);
    let first = |key: &str| inputs.first().and_then(|c| c.fields.get(key)).cloned().unwrap_or(Value::Null);
    let fields: [(&str, String); 18] = [
        ("alpha_pattern", object(&patterns)),
        ("base_model_name_or_path", json!(inputs.first().and_then(|c| c.base_model.as_ref())).to_string()),
        ("bias", json!("none").to_string()),
        ("fan_in_fan_out", inputs.first().is_some_and(|c| c.fan_in_fan_out).to_string()),
        ("inference_mode", "true".to_owned()),
        ("init_lora_weights", "true".to_owned()),
        ("layer_replication", first("layer_replication").to_string()),
        ("lora_alpha", r.to_string()),
        ("lora_dropout", "0.0".to_owned()),
        ("modules_to_save", if saved.is_empty() { Value::Null } else { json!(saved) }.to_string()),
        ("peft_type", json!("LORA").to_string()),
        ("r", r.to_string()),
        ("rank_pattern", object(&patterns)),
        ("revision", first("revision").to_string()),
        ("target_modules", json!(targets(ranks, inputs)).to_string()),
        ("task_type", first("task_type").to_string()),
        ("use_dora", "false".to_owned()),
        ("use_rslora", "false".to_owned()),
    ];
    let rows: Vec<String> = fields.iter().map(|(key, value)| format!("  \"{key}\": {value}")).collect();
    format!("{{\n{}\n}}\n", rows.join(",\n"))
}

/// The rank most modules have; the smaller one on a tie.
fn most_common(ranks: &[(String, usize)]) -> usize {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for (_, r) in ranks {
        *counts.entry(*r).or_default() += 1;
    }
    counts.iter().max_by_key(|(r, n)| (**n, std::cmp::Reverse(**r))).map_or(8, |(r, _)| *r)
}

/// Entries for every module whose rank is not `r`, and for those that another entry's key would catch.
fn pattern_entries(ranks: &[(String, usize)], r: usize) -> Vec<(&str, usize)> {
    let mut own: Vec<(&str, usize)> = ranks.iter().filter(|(_, n)| *n != r).map(|(p, n)| (p.as_str(), *n)).collect();
    let keys: std::collections::BTreeSet<&str> = own.iter().map(|(p, _)| *p).collect();
    let caught = |path: &str| path.match_indices('.').any(|(i, _)| keys.contains(&path[i + 1..]));
    own.extend(ranks.iter().filter(|(p, n)| *n == r && caught(p)).map(|(p, n)| (p.as_str(), *n)));
    own.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then(a.0.cmp(b.0)));
    own
}

/// The inputs' short target names when they cover every module, else every module's path.
fn targets(ranks: &[(String, usize)], inputs: &[&PeftConfig]) -> Vec<String> {
    let restricted = |c: &&PeftConfig| c.fields.get("layers_to_transform").is_some_and(|v| !v.is_null());
    let lists: Option<Vec<&Vec<Value>>> =
        inputs.iter().map(|c| c.fields.get("target_modules").and_then(Value::as_array)).collect();
    let mut short: Vec<String> = lists
        .filter(|_| !inputs.iter().any(restricted))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|v| v.as_str().map(str::to_owned))
        .collect();
    short.sort();
    short.dedup();
    let covered = |path: &str| short.iter().any(|t| path == t || path.ends_with(&format!(".{t}")));
    if !short.is_empty() && ranks.iter().all(|(p, _)| covered(p)) {
        return short;
    }
    let mut all: Vec<String> = ranks.iter().map(|(p, _)| p.clone()).collect();
    all.sort();
    all
}

/// A JSON object in the order given.
fn object(entries: &[(&str, usize)]) -> String {
    let rows: Vec<String> = entries.iter().map(|(k, v)| format!("{}: {v}", json!(k))).collect();
    format!("{{{}}}", rows.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    #[test]
    fn every_module_reads_back_with_scale_one() {
        let ranks: Vec<(String, usize)> = [("a.q", 4), ("b.a.q", 4), ("c.q", 4), ("q", 7), ("d.v", 9), ("c.d.v", 4)]
            .map(|(p, r)| (p.to_owned(), r))
            .to_vec();
        let text = peft_config(&ranks, &["classifier".to_owned()], &[]);
        let config = PeftConfig::parse(&text, &Limits::default()).unwrap();
        assert_eq!((config.r, config.lora_alpha, config.use_rslora), (4, 4.0, false));
        for (path, rank) in &ranks {
            assert_eq!(config.alpha_of(path).unwrap(), *rank as f64, "{path} in {text}");
        }
        assert_eq!(config.modules_to_save, ["classifier"]);
        assert_eq!(config.fields["rank_pattern"], config.fields["alpha_pattern"]);
    }

    #[test]
    fn base_task_and_short_targets_are_carried_over() {
        let like = r#"{"peft_type":"LORA","r":4,"target_modules":["v_proj","q_proj"],"task_type":"CAUSAL_LM",
            "base_model_name_or_path":"x/y","fan_in_fan_out":true}"#;
        let like = PeftConfig::parse(like, &Limits::default()).unwrap();
        let ranks = vec![("model.layers.0.q_proj".to_owned(), 4), ("model.layers.0.v_proj".to_owned(), 4)];
        let config = PeftConfig::parse(&peft_config(&ranks, &[], &[&like]), &Limits::default()).unwrap();
        assert_eq!(config.fields["target_modules"], json!(["q_proj", "v_proj"]));
        assert_eq!((config.base_model.as_deref(), config.task_type.as_deref()), (Some("x/y"), Some("CAUSAL_LM")));
        assert!(config.fan_in_fan_out);
        let more = vec![("model.layers.0.k_proj".to_owned(), 4)];
        let config = PeftConfig::parse(&peft_config(&more, &[], &[&like]), &Limits::default()).unwrap();
        assert_eq!(config.fields["target_modules"], json!(["model.layers.0.k_proj"]));
    }
}
