//! PEFT's adapter_config.json.
use std::collections::BTreeMap;

/// The fields of adapter_config.json that matter here.
#[derive(Clone, Debug, PartialEq)]
pub struct PeftConfig {
    /// Default rank.
    pub r: u64,
    /// Default alpha.
    pub lora_alpha: f64,
    /// The scale is alpha/√r.
    pub use_rslora: bool,
    /// Name or path of the base model.
    pub base_model: Option<String>,
    /// Task, such as `CAUSAL_LM`.
    pub task_type: Option<String>,
    /// `fan_in_fan_out`: the base stores its weights transposed. It changes nothing here.
    pub fan_in_fan_out: bool,
    /// The whole file as text, to be carried over.
    pub raw: BTreeMap<String, serde_json::Value>,
}

/// Text of an adapter_config.json for which every loader computes scale 1.
///
/// `ranks` holds each module's dotted path (without `base_model.model.`) and its rank; `like` is the configuration
/// whose base model, task and other fields are carried over; `saved` names whole modules kept in the file.
pub fn peft_config(ranks: &[(String, usize)], saved: &[String], like: Option<&PeftConfig>) -> String {
    let _ = (ranks, saved, like);
    String::new()
}
