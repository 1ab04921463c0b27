//! Writing adapter_config.json so that every loader computes the scale that is meant.
//!
//! A merged adapter has lora_alpha = r, scale 1; one that is carried over keeps its alphas. Modules of another rank or
//! alpha have their own entries in `rank_pattern` and `alpha_pattern`. PEFT reads a key as the end of a path, and the
//! first that fits decides: so keys are whole paths, longer ones first, and a module that another's key would catch
//! gets an entry too.

use crate::config::PeftConfig;
use crate::kind::KindId;
use crate::peft_lycoris::PeftLycoris;
use serde_json::{Value, json};

/// One module of a PEFT adapter.
#[derive(Clone, Debug, PartialEq)]
pub struct PeftModule {
    /// Dotted path, without `base_model.model.`.
    pub path: String,
    /// Rank.
    pub rank: usize,
    /// Alpha: scale times rank.
    pub alpha: f64,
}

/// Text of the adapter_config.json for `modules`; `saved` names whole modules kept in the file; `biases` says
/// that up factors have biases; `lycoris` that the modules are LoHa's or LoKr's; `inputs` are the configurations of the
/// merged adapters, whose base model and task are carried over from the first. Rows of the text are sorted: same input,
/// same bytes.
pub fn peft_config(
    modules: &[PeftModule],
    saved: &[String],
    biases: bool,
    lycoris: Option<&PeftLycoris>,
    inputs: &[&PeftConfig],
) -> String {
    let ranks: Vec<(&str, f64)> = modules.iter().map(|m| (m.path.as_str(), m.rank as f64)).collect();
    let alphas: Vec<(&str, f64)> = modules.iter().map(|m| (m.path.as_str(), m.alpha)).collect();
    let (r, alpha) = (most_common(&ranks), most_common(&alphas));
    let first = |key: &str| inputs.first().and_then(|c| c.fields.get(key)).cloned().unwrap_or(Value::Null);
    let lokr = lycoris.is_some_and(|own| own.kind == KindId::Lokr);
    // What PEFT's types call their own fields; each knows only its own.
    let plain = ["bias", "fan_in_fan_out", "init_lora_weights", "layer_replication", "lora_alpha", "lora_bias"];
    let plain = [&plain[..], &["lora_dropout", "use_dora", "use_rslora"]].concat();
    let other = ["alpha", "init_weights", "module_dropout", "rank_dropout", "use_effective_conv2d"];
    let fields: [(&str, String); 26] = [
        ("alpha", number(alpha)),
        ("alpha_pattern", object(&pattern_entries(&alphas, alpha))),
        ("base_model_name_or_path", json!(inputs.first().and_then(|c| c.base_model.as_ref())).to_string()),
        ("bias", json!("none").to_string()),
        ("decompose_both", lycoris.is_some_and(|own| own.both).to_string()),
        ("decompose_factor", lycoris.map_or(-1, |own| own.factor).to_string()),
        ("fan_in_fan_out", inputs.first().is_some_and(|c| c.fan_in_fan_out).to_string()),
        ("inference_mode", "true".to_owned()),
        ("init_lora_weights", "true".to_owned()),
        ("init_weights", "true".to_owned()),
        ("layer_replication", first("layer_replication").to_string()),
        ("lora_alpha", number(alpha)),
        ("lora_bias", biases.to_string()),
        ("lora_dropout", "0.0".to_owned()),
        ("module_dropout", "0.0".to_owned()),
        ("modules_to_save", if saved.is_empty() { Value::Null } else { json!(saved) }.to_string()),
        ("peft_type", json!(lycoris.map_or("LORA", |_| if lokr { "LOKR" } else { "LOHA" })).to_string()),
        ("r", number(r)),
        ("rank_dropout", "0.0".to_owned()),
        ("rank_pattern", object(&pattern_entries(&ranks, r))),
        ("revision", first("revision").to_string()),
        ("target_modules", json!(targets(modules, inputs)).to_string()),
        ("task_type", first("task_type").to_string()),
        ("use_dora", "false".to_owned()),
        ("use_effective_conv2d", lycoris.is_some_and(|own| own.effective).to_string()),
        ("use_rslora", "false".to_owned()),
    ];
    // Older versions of PEFT refuse fields that they do not know.
    let knows = |key: &str| match key {
        "lora_bias" => biases && lycoris.is_none(),
        "decompose_both" | "decompose_factor" => lokr,
        _ if lycoris.is_some() => !plain.contains(&key),
        _ => !other.contains(&key),
    };
    let written = fields.iter().filter(|(key, _)| knows(key));
    let rows: Vec<String> = written.map(|(key, value)| format!("  \"{key}\": {value}")).collect();
    format!("{{\n{}\n}}\n", rows.join(",\n"))
}

/// A number as JSON, whole ones without a point.
fn number(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 { (value as i64).to_string() } else { json!(value).to_string() }
}

/// The value most modules have; the smaller one on a tie.
fn most_common(values: &[(&str, f64)]) -> f64 {
    let mut counts: Vec<(f64, usize)> = Vec::new();
    for (_, value) in values {
        match counts.iter_mut().find(|(own, _)| own == value) {
            Some((_, count)) => *count += 1,
            None => counts.push((*value, 1)),
        }
    }
    let best = counts.iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.total_cmp(&a.0)));
    best.map_or(8.0, |(value, _)| *value)
}

/// Entries for every module whose value is not `usual`, and for those that another entry's key would catch.
fn pattern_entries<'a>(values: &[(&'a str, f64)], usual: f64) -> Vec<(&'a str, f64)> {
    let mut own: Vec<(&str, f64)> = values.iter().filter(|(_, value)| *value != usual).copied().collect();
    let keys: std::collections::BTreeSet<&str> = own.iter().map(|(path, _)| *path).collect();
    let caught = |path: &str| path.match_indices('.').any(|(i, _)| keys.contains(&path[i + 1..]));
    own.extend(values.iter().filter(|(path, value)| *value == usual && caught(path)));
    own.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then(a.0.cmp(b.0)));
    own
}

/// The inputs' short target names when they cover every module, else every module's path.
fn targets(modules: &[PeftModule], inputs: &[&PeftConfig]) -> Vec<String> {
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
    if !short.is_empty() && modules.iter().all(|m| covered(&m.path)) {
        return short;
    }
    let mut all: Vec<String> = modules.iter().map(|m| m.path.clone()).collect();
    all.sort();
    all
}

/// A JSON object in the order given.
fn object(entries: &[(&str, f64)]) -> String {
    let rows: Vec<String> = entries.iter().map(|(k, v)| format!("{}: {}", json!(k), number(*v))).collect();
    format!("{{{}}}", rows.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    fn module(path: &str, rank: usize, alpha: f64) -> PeftModule {
        PeftModule { path: path.to_owned(), rank, alpha }
    }

    #[test]
    fn every_module_reads_back_with_its_rank_and_alpha() {
        for alphas in [[4.0, 4.0, 4.0, 7.0, 9.0, 4.0], [1.0, 2.5, 1.0, 1.0, -3.0, 1.0]] {
            let paths = [("a.q", 4), ("b.a.q", 4), ("c.q", 4), ("q", 7), ("d.v", 9), ("c.d.v", 4)];
            let modules: Vec<_> = paths.iter().zip(alphas).map(|((p, r), alpha)| module(p, *r, alpha)).collect();
            let text = peft_config(&modules, &["classifier".to_owned()], false, None, &[]);
            let config = PeftConfig::parse(&text, &Limits::default()).unwrap();
            assert_eq!((config.r, config.lora_alpha, config.use_rslora), (4, alphas[0], false));
            for module in &modules {
                assert_eq!(config.alpha_of(&module.path).unwrap(), module.alpha, "{} in {text}", module.path);
            }
            assert_eq!(config.modules_to_save, ["classifier"]);
        }
    }

    #[test]
    fn base_task_and_short_targets_are_carried_over() {
        let like = r#"{"peft_type":"LORA","r":4,"target_modules":["v_proj","q_proj"],"task_type":"CAUSAL_LM",
            "base_model_name_or_path":"x/y","fan_in_fan_out":true}"#;
        let like = PeftConfig::parse(like, &Limits::default()).unwrap();
        let modules = [module("model.layers.0.q_proj", 4, 4.0), module("model.layers.0.v_proj", 4, 4.0)];
        let config = PeftConfig::parse(&peft_config(&modules, &[], false, None, &[&like]), &Limits::default()).unwrap();
        assert_eq!(config.fields["target_modules"], json!(["q_proj", "v_proj"]));
        assert_eq!((config.base_model.as_deref(), config.task_type.as_deref()), (Some("x/y"), Some("CAUSAL_LM")));
        assert!(config.fan_in_fan_out);
        let more = [module("model.layers.0.k_proj", 4, 4.0)];
        let config = PeftConfig::parse(&peft_config(&more, &[], false, None, &[&like]), &Limits::default()).unwrap();
        assert_eq!(config.fields["target_modules"], json!(["model.layers.0.k_proj"]));
    }
}
