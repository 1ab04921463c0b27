//! PEFT's adapter_config.json: read for the scale, written so that every loader computes scale 1.
//!
//! PEFT keeps alpha in the configuration: scale = lora_alpha/r, or lora_alpha/√r with `use_rslora`; `alpha_pattern`
//! overrides lora_alpha for the modules its keys fit. diffusers stores the same fields inside a file's metadata,
//! `lora_adapter_metadata`, each with the part of the model before it: `transformer.lora_alpha`. MLX has a file of the
//! same name with other fields: the scale itself, `lora_parameters.scale`.

use crate::dialect::MERGE_INTO_BASE;
use crate::error::{Error, Kind, Result};
use crate::limits::Limits;
use crate::pattern::Pattern;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// The fields of adapter_config.json that matter here.
#[derive(Clone, Debug, PartialEq)]
pub struct PeftConfig {
    /// Default rank; ranks are taken from the tensors.
    pub r: u64,
    /// Default alpha: `lora_alpha`, or `alpha` in LoHa's and LoKr's configurations.
    pub lora_alpha: f64,
    /// The scale is alpha/√r instead of alpha/r.
    pub use_rslora: bool,
    /// The scale as MLX states it, in place of alpha.
    pub mlx_scale: Option<f64>,
    /// Name or path of the base model.
    pub base_model: Option<String>,
    /// Task, such as `CAUSAL_LM`.
    pub task_type: Option<String>,
    /// The base stores its weights transposed, in×out. The adapter's own are not.
    pub fan_in_fan_out: bool,
    /// Modules whose weights are stored whole.
    pub modules_to_save: Vec<String>,
    /// Every field as it stands.
    pub fields: BTreeMap<String, Value>,
    /// Keys of `alpha_pattern` in their order, compiled, with their alphas.
    alphas: Vec<(Pattern, f64)>,
    /// Those of `rank_pattern`, as they stand: few modules need them.
    ranks: Ordered,
}

impl PeftConfig {
    /// Parses adapter_config.json.
    ///
    /// # Errors
    /// `Malformed` for broken JSON or fields of the wrong kind, `Limit` for an overlong text, `Unsupported`, with the
    /// reason, for types of adapters that are not read.
    pub fn parse(text: &str, limits: &Limits) -> Result<PeftConfig> {
        let fields: BTreeMap<String, Value> = parse_json(text, limits)?;
        let order: Patterns = parse_json(text, limits)?;
        Self::from_fields(fields, order)
    }

    /// The configurations inside a file's `lora_adapter_metadata`, by part of the model (`""` when none is named).
    pub(crate) fn parse_metadata(text: &str, limits: &Limits) -> Result<BTreeMap<String, PeftConfig>> {
        let fields: BTreeMap<String, Value> = parse_json(text, limits)?;
        let mut parts: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
        for (key, value) in fields {
            let (part, field) = key.split_once('.').unwrap_or(("", &key));
            parts.entry(part.to_owned()).or_default().insert(field.to_owned(), value);
        }
        // The order of keys is lost here; diffusers writes whole paths, of which only one can fit.
        let pattern = |fields: &BTreeMap<String, Value>, key: &str| {
            let map = fields.get(key).and_then(Value::as_object);
            Ordered(map.into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect())
        };
        let config = |(part, fields): (String, BTreeMap<String, Value>)| {
            let (alpha_pattern, rank_pattern) = (pattern(&fields, "alpha_pattern"), pattern(&fields, "rank_pattern"));
            Ok((part, Self::from_fields(fields, Patterns { alpha_pattern, rank_pattern })?))
        };
        parts.into_iter().filter(|(_, f)| f.contains_key("r") || f.contains_key("lora_alpha")).map(config).collect()
    }

    fn from_fields(fields: BTreeMap<String, Value>, patterns: Patterns) -> Result<PeftConfig> {
        refuse_others(&fields)?;
        let get = |key: &str| fields.get(key).filter(|v| !v.is_null());
        let text = |key: &str| get(key).and_then(Value::as_str).map(str::to_owned);
        let mlx = get("lora_parameters").filter(|_| get("peft_type").is_none()).and_then(Value::as_object);
        let own = mlx.map_or(get("r"), |fields| fields.get("rank"));
        let r = number(own, "r")?.unwrap_or(8.0);
        let alpha = if get("lora_alpha").is_none() { "alpha" } else { "lora_alpha" };
        if !(r >= 0.0 && r <= f64::from(u32::MAX)) {
            return Err(wrong("r", "a positive number", r.to_string()));
        }
        let saved = get("modules_to_save").and_then(Value::as_array).into_iter().flatten();
        Ok(PeftConfig {
            r: r as u64,
            lora_alpha: number(get(alpha), alpha)?.unwrap_or(8.0),
            use_rslora: flag(&fields, "use_rslora"),
            mlx_scale: mlx.map(mlx_scale).transpose()?,
            base_model: text(if mlx.is_some() { "model" } else { "base_model_name_or_path" }),
            task_type: text("task_type"),
            fan_in_fan_out: flag(&fields, "fan_in_fan_out"),
            modules_to_save: saved.filter_map(|v| v.as_str().map(str::to_owned)).collect(),
            alphas: compiled(&patterns.alpha_pattern, "alpha_pattern")?,
            ranks: patterns.rank_pattern,
            fields,
        })
    }

    /// The alpha in force for the module at `path` (without `base_model.model.`).
    ///
    /// # Errors
    /// `Unsupported` when a pattern takes absurdly long to match.
    pub fn alpha_of(&self, path: &str) -> Result<f64> {
        Ok(first_fit(&self.alphas, path)?.unwrap_or(self.lora_alpha))
    }

    /// The rank stated for the module at `path`, for modules whose tensors do not tell it.
    ///
    /// # Errors
    /// `Malformed` and `Unsupported` for patterns that cannot be read.
    pub fn rank_of(&self, path: &str) -> Result<u64> {
        let ranks = compiled(&self.ranks, "rank_pattern")?;
        Ok(first_fit(&ranks, path)?.map_or(self.r, |rank| rank.clamp(0.0, f64::from(u32::MAX)) as u64))
    }
}

/// Keys of a pattern in their order, with their numbers.
fn compiled(pattern: &Ordered, name: &str) -> Result<Vec<(Pattern, f64)>> {
    let one = |(key, value): &(String, Value)| Ok((Pattern::new(key)?, number(Some(value), name)?.unwrap_or(0.0)));
    pattern.0.iter().map(one).collect()
}

/// The value of the first pattern that fits.
fn first_fit(patterns: &[(Pattern, f64)], path: &str) -> Result<Option<f64>> {
    for (pattern, value) in patterns {
        if pattern.fits(path)? {
            return Ok(Some(*value));
        }
    }
    Ok(None)
}

/// The types whose tensors are read.
const READ: [&str; 7] = ["LORA", "ADALORA", "LOHA", "LOKR", "VERA", "IA3", "OFT"];

/// The types that depend on the base model's weights in a way that is not read.
const NEEDS_BASE: [&str; 11] = ["BOFT", "BONE", "DEFT", "GLORA", "HIRA", "HRA", "LOFT", "MISS", "OSF", "PSOFT", "ROAD"];

/// Refuses configurations whose factor pairs are not the change of the original weights.
fn refuse_others(fields: &BTreeMap<String, Value>) -> Result<()> {
    let refuse = |what: String, key: &str, hint: &str| Err(Error::new(Kind::Unsupported, what).key(key).hint(hint));
    let later = "Convert the adapter to LoRA with PEFT.";
    if let Some(kind) = fields.get("peft_type").and_then(Value::as_str)
        && !READ.iter().any(|known| kind.eq_ignore_ascii_case(known))
    {
        return refuse(
            format!("This is a PEFT adapter of type {kind}, which Rankweave does not read"),
            "peft_type",
            if NEEDS_BASE.iter().any(|known| kind.eq_ignore_ascii_case(known)) { MERGE_INTO_BASE } else { later },
        );
    }
    if fields.get("fine_tune_type").and_then(Value::as_str) == Some("dora") {
        let what = "This is a DoRA adapter of MLX, which Rankweave does not read".to_owned();
        return refuse(what, "fine_tune_type", MERGE_INTO_BASE);
    }
    if flag(fields, "use_qalora") {
        return refuse("This is a QA-LoRA adapter, which Rankweave does not read".to_owned(), "use_qalora", later);
    }
    let init = fields.get("init_lora_weights").and_then(Value::as_str).unwrap_or_default().to_lowercase();
    if ["pissa", "olora", "corda", "loftq", "lora_ga"].iter().any(|name| init.starts_with(name)) {
        let hint = "Save it with PEFT's path_initial_model_for_weight_conversion, which turns it into a plain LoRA.";
        let what = format!(
            "This adapter was trained from {init} weights: its base was changed, so the pair alone is not the change"
        );
        return refuse(what, "init_lora_weights", hint);
    }
    match fields.get("target_parameters") {
        Some(Value::Array(list)) if !list.is_empty() => refuse(
            "This adapter changes expert parameters, which are not read yet".to_owned(),
            "target_parameters",
            later,
        ),
        _ => Ok(()),
    }
}

/// The scale in MLX's `lora_parameters`, which its loader does not do without either.
fn mlx_scale(parameters: &serde_json::Map<String, Value>) -> Result<f64> {
    let missing = || wrong("lora_parameters", "a number named scale", "none".to_owned());
    number(parameters.get("scale"), "scale")?.ok_or_else(missing)
}

fn flag(fields: &BTreeMap<String, Value>, key: &str) -> bool {
    fields.get(key).and_then(Value::as_bool).unwrap_or(false)
}

fn number(value: Option<&Value>, key: &str) -> Result<Option<f64>> {
    value.map(|v| v.as_f64().ok_or_else(|| wrong(key, "a number", v.to_string()))).transpose()
}

fn wrong(key: &str, expected: &str, found: String) -> Error {
    let error = Error::new(Kind::Malformed, "A field of the configuration has a wrong value");
    error.key(key).expected(expected).found(found)
}

fn parse_json<'de, T: Deserialize<'de>>(text: &'de str, limits: &Limits) -> Result<T> {
    if text.len() > limits.config_bytes {
        return Err(Error::new(Kind::Limit, "The PEFT configuration is too long")
            .expected(format!("at most {} bytes", limits.config_bytes))
            .found(format!("{} bytes", text.len())));
    }
    serde_json::from_str(text).map_err(|e| {
        Error::new(Kind::Malformed, "The PEFT configuration is not valid JSON")
            .found(e.to_string())
            .hint("Is this the adapter_config.json that belongs to the file?")
    })
}

/// Patterns with their keys in order, since the first that fits decides.
#[derive(serde::Deserialize)]
struct Patterns {
    #[serde(default)]
    alpha_pattern: Ordered,
    #[serde(default)]
    rank_pattern: Ordered,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Ordered(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Ordered;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a pattern to be an object or null")
            }
            fn visit_unit<E>(self) -> std::result::Result<Ordered, E> {
                Ok(Ordered::default())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Ordered, A::Error> {
                let mut out = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    out.push(entry);
                }
                Ok(Ordered(out))
            }
        }
        d.deserialize_any(List)
    }
}
