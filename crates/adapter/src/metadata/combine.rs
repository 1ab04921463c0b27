//! The inputs' metadata put together, as a [`MetadataMode`] asks for it.
//!
//! | key | merge-tags, keep-all | keep-first |
//! |---|---|---|
//! | `ss_tag_frequency` | counts added up, per data set and tag | the first's |
//! | `ss_dataset_dirs` | all folders; of one name, the first | the first's |
//! | `modelspec.trigger_phrase`, `modelspec.tags`, `modelspec.author` | parts between commas, each once | the first's |
//! | licences | lines, each once | lines, each once |
//! | others | – | the first's |
//!
//! Nothing that speaks of an input's own tensors gets through: ranks, alphas and hashes would be wrong in the merged
//! file, and a wrong alpha changes how strongly it acts.

use super::MetadataMode;
use super::described::LICENCE_KEYS;
use super::tags::tag_frequency;
use crate::error::Warning;
use crate::limits::Limits;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

type Metadata = BTreeMap<String, String>;

/// Keys that hold for the tensors they came with, or for the moment they were written at.
const OWN: [&str; 16] = [
    "format",
    "lora_adapter_metadata",
    "modelspec.hash_sha256",
    "modelspec.date",
    "modelspec.merged_from",
    "ss_network_module",
    "ss_network_dim",
    "ss_network_alpha",
    "ss_network_args",
    "ss_network_dropout",
    "unet",
    "text_encoder",
    "rank",
    "alpha",
    "lora_rank",
    "lora_alpha",
];

/// What the inputs contribute. The merged file's own entries are written over it.
pub(super) fn kept(mode: MetadataMode, inputs: &[&Metadata]) -> Metadata {
    let mut out = match mode {
        MetadataMode::Minimal | MetadataMode::None => return Metadata::new(),
        MetadataMode::KeepFirst => first(inputs),
        MetadataMode::MergeTags => merged_tags(inputs),
        MetadataMode::KeepAll => {
            let mut out = merged_tags(inputs);
            for (n, input) in inputs.iter().enumerate() {
                out.extend(input.iter().map(|(k, v)| (format!("rankweave.source.{}.{k}", n + 1), v.clone())));
            }
            out
        }
    };
    let licences = inputs.iter().flat_map(|m| LICENCE_KEYS.iter().filter_map(|k| m.get(*k)));
    let licences = once(licences.flat_map(|text| text.lines()));
    if !licences.is_empty() {
        out.insert("modelspec.license".to_owned(), licences.join("\n"));
    }
    out
}

/// A warning `tags-left-out` where tag counts or data sets cannot be read, and so not be merged either.
pub fn combine_warnings(mode: MetadataMode, label: &str, metadata: &BTreeMap<String, String>) -> Vec<Warning> {
    let merges = matches!(mode, MetadataMode::MergeTags | MetadataMode::KeepAll);
    let nothing = |text: &str| text.is_empty() || text == "None";
    let unread = |key: &&str| metadata.get(*key).is_some_and(|text| !nothing(text) && object(text).is_none());
    let message = "The entry is not the JSON it should be, or too long; it is left out of the merged metadata.";
    let keys = ["ss_tag_frequency", "ss_dataset_dirs"].into_iter().filter(unread).filter(|_| merges);
    keys.map(|key| Warning::new("tags-left-out", label, message).key(key)).collect()
}

fn first(inputs: &[&Metadata]) -> Metadata {
    let of_tensors = |key: &str, value: &str| {
        OWN.contains(&key)
            || key.starts_with("sshs_")
            || key.starts_with("rankweave.")
            || key.ends_with(":rank")
            || value == "<embed>"
    };
    let all = inputs.first().into_iter().flat_map(|m| m.iter());
    all.filter(|(k, v)| !of_tensors(k, v)).map(|(k, v)| (k.clone(), v.clone())).collect()
}

fn merged_tags(inputs: &[&Metadata]) -> Metadata {
    let mut out = Metadata::new();
    let mut put = |key: &str, value: String| {
        if !value.is_empty() {
            out.insert(key.to_owned(), value);
        }
    };
    let texts = |key: &'static str| inputs.iter().filter_map(move |m| m.get(key)).map(String::as_str);
    let mut tags = Map::new();
    texts("ss_tag_frequency").for_each(|text| add(&mut tags, tag_frequency(text)));
    put("ss_tag_frequency", text_of(tags));
    let mut folders = Map::new();
    for (name, facts) in texts("ss_dataset_dirs").filter_map(object).flatten() {
        folders.entry(name).or_insert(facts);
    }
    put("ss_dataset_dirs", text_of(folders));
    for key in ["modelspec.trigger_phrase", "modelspec.tags", "modelspec.author"] {
        put(key, once(texts(key).flat_map(|text| text.split(','))).join(", "));
    }
    out
}

/// Adds tag counts to tag counts.
fn add(sums: &mut Map<String, Value>, more: Map<String, Value>) {
    for (set, counts) in more {
        let sum = sums.entry(set).or_insert_with(|| Value::Object(Map::new()));
        if let (Value::Object(sum), Value::Object(counts)) = (sum, counts) {
            for (tag, count) in counts {
                let before = sum.get(&tag).and_then(Value::as_u64).unwrap_or(0);
                sum.insert(tag, Value::from(before.saturating_add(count.as_u64().unwrap_or(0))));
            }
        }
    }
}

/// Trimmed parts without the empty ones and without doubles (whatever the case), in order.
fn once<'a>(parts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = std::collections::BTreeSet::new();
    parts.map(str::trim).filter(|part| !part.is_empty() && seen.insert(part.to_lowercase())).collect()
}

/// A JSON object inside metadata, unless it is too long.
pub(super) fn object(text: &str) -> Option<Map<String, Value>> {
    let short = text.len() <= Limits::default().config_bytes;
    short.then(|| serde_json::from_str(text).ok())?
}

fn text_of(map: Map<String, Value>) -> String {
    if map.is_empty() { String::new() } else { Value::Object(map).to_string() }
}
