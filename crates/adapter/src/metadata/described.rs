//! What a file says of itself, for people: title, licence, trigger words, tags, training.
//!
//! | what | told by, first come first |
//! |---|---|
//! | title | `modelspec.title`, `ss_output_name`, `name` |
//! | licences | `modelspec.license`, `license`, `licence`: every line |
//! | trigger words | `modelspec.trigger_phrase`; tags that nine in ten images have; concepts in folder names |
//! | base model | `ss_sd_model_name`, `lora_adapter_metadata`; `ss_base_model_version`; `modelspec.architecture` |
//! | software | `software`: text, or JSON with `name` and `version` |
//!
//! Nothing here is believed: the base model named may be a path on someone's disk, and ranks are taken from tensors.
//! Every text is made safe to show and cut to a length.

use super::tags::{Dataset, Tags, common_tags, datasets, tag_frequency, tags};
use super::thumbnail::{Thumbnail, thumbnail};
use super::training::{Training, training};
use crate::config::PeftConfig;
use crate::display::clean;
use crate::limits::Limits;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Where licences stand.
pub(super) const LICENCE_KEYS: [&str; 3] = ["modelspec.license", "license", "licence"];

/// Most trigger words told.
const TRIGGERS: usize = 8;

/// What a file says of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Described {
    /// Its name for people.
    pub title: Option<String>,
    /// Who made it.
    pub author: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// How to use it.
    pub usage_hint: Option<String>,
    /// Its licences, each once.
    pub licences: Vec<String>,
    /// Words that call its effect up, at most 8.
    pub triggers: Vec<String>,
    /// Where `triggers` are from.
    pub triggers_from: Option<TriggersFrom>,
    /// The base model it names.
    pub base: BaseModel,
    /// Titles of what it was merged from.
    pub merged_from: Option<String>,
    /// What trained or wrote it.
    pub software: Option<String>,
    /// Tags of the training images.
    pub tags: Option<Tags>,
    /// Folders of training images, at most 100.
    pub datasets: Vec<Dataset>,
    /// How it was trained.
    pub training: Option<Training>,
    /// PEFT configurations inside the metadata (`lora_adapter_metadata`), one for each part of the model.
    pub configs: Vec<InnerConfig>,
    /// Its picture, if that may be shown.
    pub thumbnail: Option<Thumbnail>,
}

/// How trigger words were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TriggersFrom {
    /// The file names them.
    Stated,
    /// Nearly all training images have these tags.
    Tags,
    /// The folders of training images are called so.
    Folders,
}

/// The base model as the file names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BaseModel {
    /// Name, file or path.
    pub name: Option<String>,
    /// kohya's version word, such as `sdxl_base_v1-0`.
    pub version: Option<String>,
    /// The metadata standard's word, such as `flux-1-dev/lora`.
    pub architecture: Option<String>,
    /// Hash of its file, as kohya's trainer takes it.
    pub hash: Option<String>,
}

/// A PEFT configuration inside the metadata.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InnerConfig {
    /// Part of the model, such as `transformer`; empty when none is named.
    pub part: String,
    /// Default rank.
    pub rank: u64,
    /// Default alpha.
    pub alpha: f64,
    /// The scale is alpha/√rank instead of alpha/rank.
    pub rslora: bool,
    /// Name or path of the base model.
    pub base: Option<String>,
}

/// Reads what `metadata` says. What cannot be read is left out.
pub fn describe(metadata: &BTreeMap<String, String>) -> Described {
    let first = |keys: &[&str], most: usize| keys.iter().find_map(|key| text(metadata, key, most));
    let frequency = metadata.get("ss_tag_frequency").map(|text| tag_frequency(text)).unwrap_or_default();
    let datasets = datasets(metadata);
    let configs = configs(metadata);
    let stated = metadata.get("modelspec.trigger_phrase").map(|text| words(text.split(','))).unwrap_or_default();
    let concepts = || words(datasets.iter().filter_map(|set| set.concept.as_deref()));
    let found = [
        (TriggersFrom::Stated, stated),
        (TriggersFrom::Tags, common_tags(&frequency, &datasets, TRIGGERS)),
        (TriggersFrom::Folders, concepts()),
    ];
    let (triggers_from, triggers) = match found.into_iter().find(|(_, triggers)| !triggers.is_empty()) {
        Some((from, triggers)) => (Some(from), triggers),
        None => (None, Vec::new()),
    };
    let inner = || configs.iter().find_map(|c| c.base.clone());
    Described {
        title: first(&["modelspec.title", "ss_output_name", "name"], 200),
        author: first(&["modelspec.author", "author"], 200),
        description: first(&["modelspec.description", "description"], 4000),
        usage_hint: first(&["modelspec.usage_hint"], 1000),
        licences: words(LICENCE_KEYS.iter().filter_map(|key| metadata.get(*key)).flat_map(|text| text.lines())),
        triggers,
        triggers_from,
        base: BaseModel {
            name: first(&["ss_sd_model_name"], 200).or_else(inner),
            version: first(&["ss_base_model_version"], 80),
            architecture: first(&["modelspec.architecture"], 80),
            hash: first(&["ss_new_sd_model_hash", "ss_sd_model_hash"], 80),
        },
        merged_from: first(&["modelspec.merged_from"], 1000),
        software: metadata.get("software").and_then(|text| software(text)),
        tags: tags(&frequency),
        training: training(metadata),
        thumbnail: thumbnail(metadata),
        datasets,
        configs,
    }
}

/// An entry as one line of at most `most` characters; none where it is empty or Python's `None`.
pub(super) fn text(metadata: &BTreeMap<String, String>, key: &str, most: usize) -> Option<String> {
    let value = metadata.get(key)?;
    let mut line = String::new();
    for word in value.split_whitespace() {
        if line.len() > 4 * most {
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    (!line.is_empty() && line != "None").then(|| clean(&line, most))
}

/// At most eight words or lines, trimmed, each once.
fn words<'a>(parts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
        let word = clean(part, 200);
        if out.len() < TRIGGERS && !out.contains(&word) {
            out.push(word);
        }
    }
    out
}

/// ai-toolkit writes JSON, others plain text.
fn software(text: &str) -> Option<String> {
    let json = super::combine::object(text);
    let field = |key: &str| json.as_ref().and_then(|map| map.get(key)).and_then(Value::as_str);
    let plain = json.is_none().then_some(text);
    let name = field("name").or(plain).map(str::trim).filter(|name| !name.is_empty())?;
    let version = field("version").map(|v| format!(" {v}")).unwrap_or_default();
    Some(clean(&format!("{name}{version}"), 120))
}

fn configs(metadata: &BTreeMap<String, String>) -> Vec<InnerConfig> {
    let text = metadata.get("lora_adapter_metadata").map(String::as_str).unwrap_or_default();
    let parts = PeftConfig::parse_metadata(text, &Limits::default()).unwrap_or_default();
    let config = |(part, c): (String, PeftConfig)| InnerConfig {
        part: clean(&part, 80),
        rank: c.r,
        alpha: c.lora_alpha,
        rslora: c.use_rslora,
        base: c.base_model.map(|name| clean(&name, 200)),
    };
    parts.into_iter().map(config).collect()
}
