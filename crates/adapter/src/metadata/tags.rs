//! Tags and data sets as kohya's trainer counts them.
//!
//! ```text
//! ss_tag_frequency  {"10_sks dog": {"sks dog": 20, "grass": 7}, …}        folder → tag → captions that have it
//! ss_dataset_dirs   {"10_sks dog": {"n_repeats": 10, "img_count": 20}, …}  folder → facts
//! ```
//!
//! A folder's name is repeats, `_`, concept. Whatever does not fit this is left out.

use super::combine::object;
use crate::display::clean;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Most tags described; the file may count many thousands.
const SHOWN_TAGS: usize = 200;
/// Most data sets described.
const SHOWN_SETS: usize = 100;

/// The tags of all data sets together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tags {
    /// How many different tags there are.
    pub distinct: usize,
    /// The commonest, at most 200: most frequent first, equals by name.
    pub top: Vec<Tag>,
}

/// A tag and how many captions have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// The tag, made safe to show.
    pub tag: String,
    /// Captions that have it.
    pub count: u64,
}

/// One folder of training images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dataset {
    /// The folder's name.
    pub name: String,
    /// What it shows, when the name says so: `sks dog` of `10_sks dog`.
    pub concept: Option<String>,
    /// How often each image was shown in an epoch.
    pub repeats: Option<u64>,
    /// Images.
    pub images: Option<u64>,
}

/// The tag counts in `text`: data set → tag → count, nothing else. Empty where the text is none or too long.
pub fn tag_frequency(text: &str) -> Map<String, Value> {
    let counts = |set: Value| match set {
        Value::Object(mut tags) => {
            tags.retain(|_, count| count.is_u64());
            (!tags.is_empty()).then_some(Value::Object(tags))
        }
        _ => None,
    };
    let sets = object(text).into_iter().flatten();
    sets.filter_map(|(name, set)| Some((name, counts(set)?))).collect()
}

/// All data sets' tags together, the commonest first.
pub(super) fn tags(frequency: &Map<String, Value>) -> Option<Tags> {
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for (tag, count) in frequency.values().filter_map(Value::as_object).flatten() {
        let sum = sums.entry(tag).or_default();
        *sum = sum.saturating_add(count.as_u64().unwrap_or(0));
    }
    let distinct = sums.len();
    let top = commonest(sums.into_iter().collect(), SHOWN_TAGS);
    (distinct > 0).then_some(Tags { distinct, top })
}

/// The folders of training images, in the order of their names.
pub(super) fn datasets(metadata: &BTreeMap<String, String>) -> Vec<Dataset> {
    let folders = metadata.get("ss_dataset_dirs").and_then(|text| object(text)).into_iter().flatten();
    let dataset = |(name, facts): (String, Value)| {
        let number = |key: &str| facts.get(key).and_then(Value::as_u64);
        let concept = name.split_once('_').filter(|(n, _)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        let concept = concept.map(|(_, concept)| clean(concept.trim(), 120)).filter(|c| !c.is_empty());
        Dataset { concept, repeats: number("n_repeats"), images: number("img_count"), name: clean(&name, 120) }
    };
    folders.take(SHOWN_SETS).map(dataset).collect()
}

/// Tags that at least nine in ten images of their data set have, at most `most`. Only where the images are counted.
pub(super) fn common_tags(frequency: &Map<String, Value>, datasets: &[Dataset], most: usize) -> Vec<String> {
    let mut found: BTreeMap<&str, u64> = BTreeMap::new();
    for set in datasets {
        let images = set.images.filter(|n| *n > 0).unwrap_or(u64::MAX);
        for (tag, count) in frequency.get(&set.name).and_then(Value::as_object).into_iter().flatten() {
            let count = count.as_u64().unwrap_or(0);
            if count >= images - images / 10 {
                let sum = found.entry(tag).or_default();
                *sum = sum.saturating_add(count);
            }
        }
    }
    commonest(found.into_iter().collect(), most).into_iter().map(|t| t.tag).collect()
}

fn commonest(mut counts: Vec<(&str, u64)>, most: usize) -> Vec<Tag> {
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    counts.into_iter().take(most).map(|(tag, count)| Tag { tag: clean(tag.trim(), 120), count }).collect()
}
