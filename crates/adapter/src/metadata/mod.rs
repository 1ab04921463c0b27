//! `__metadata__`: what a merged file says about itself. What is read from it stands in the files below.
//!
//! | keys | whose | what for |
//! |---|---|---|
//! | `ss_*` | kohya | rank, alpha and base version; loaders and web interfaces look at them |
//! | `sshs_model_hash`, `sshs_legacy_hash` | kohya | hashes, see [`crate::hash`] |
//! | `modelspec.*` | Stability's model metadata standard 1.0.1 | title, architecture, what was merged |
//! | `rankweave.*` | ours | the recipe |
//!
//! There are no dates: same input, same bytes. How much comes from the inputs is a [`MetadataMode`].

mod combine;
mod described;
mod edit;
mod mode;
mod tags;
mod thumbnail;
mod training;

pub use combine::combine_warnings;
pub use described::{BaseModel, Described, InnerConfig, TriggersFrom, describe};
pub use edit::{Edited, edit};
pub use mode::MetadataMode;
pub use tags::{Dataset, Tag, Tags, tag_frequency};
pub use thumbnail::{Thumbnail, thumbnail};
pub use training::Training;

use crate::adapter::{Adapter, Family};
use crate::dialect::DialectId;
use crate::display::clean;
use crate::module::Component;
use std::collections::{BTreeMap, BTreeSet};

/// The entry in which a merged file keeps its recipe, as JSON.
pub const RECIPE: &str = "rankweave.recipe";

/// One module of a merged file.
#[derive(Clone, Debug, PartialEq)]
pub struct MergedModule {
    /// Name of its up factor.
    pub up: String,
    /// Rank.
    pub rank: usize,
    /// The alpha that a reader will see: the rank where there is none.
    pub alpha: f64,
    /// Kernel; `[]` for a linear layer.
    pub kernel: Vec<usize>,
}

/// What is needed to describe a merged file.
#[derive(Clone, Debug)]
pub struct MergedFacts<'a> {
    /// Spelling of the output.
    pub dialect: DialectId,
    /// Family of the output.
    pub family: &'a Family,
    /// Inputs, in the recipe's order.
    pub inputs: &'a [&'a Adapter],
    /// Every module written.
    pub modules: &'a [MergedModule],
    /// Title for people.
    pub title: &'a str,
    /// SHA-256 of the tensor data, 64 hex digits. Any other 64 digits give a header of the same length.
    pub data_sha256: &'a str,
    /// kohya's `sshs_legacy_hash`, 8 hex digits, where it can be told.
    pub legacy_hash: Option<&'a str>,
    /// The recipe as JSON.
    pub recipe: Option<&'a str>,
    /// What is taken over from the inputs.
    pub mode: MetadataMode,
}

/// What the metadata standard and kohya's `ss_base_model_version` call a family.
const FAMILIES: [(&str, &str, &str); 4] = [
    ("sd15", "stable-diffusion-v1/lora", "sd_v1"),
    ("sd21", "stable-diffusion-v2-768-v/lora", "sd_v2"),
    ("sdxl", "stable-diffusion-xl-v1-base/lora", "sdxl_base_v1-0"),
    ("flux1", "flux-1-dev/lora", "flux1"),
];

/// The metadata of a merged file.
pub fn merged(facts: &MergedFacts) -> BTreeMap<String, String> {
    let inputs: Vec<_> = facts.inputs.iter().map(|a| &a.header.metadata).collect();
    let mut out = combine::kept(facts.mode, &inputs);
    out.insert("format".to_owned(), "pt".to_owned());
    if facts.mode != MetadataMode::None {
        out.extend(about(facts));
    }
    if facts.modules.iter().any(|m| m.up.contains(':')) {
        out.extend(positions(facts));
    }
    out
}

/// What a merged file says of itself.
fn about(facts: &MergedFacts) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    let mut put = |key: &str, value: &str| out.insert(key.to_owned(), value.to_owned());
    put("sshs_model_hash", facts.data_sha256);
    put("modelspec.sai_model_spec", "1.0.1");
    put("modelspec.title", facts.title);
    put("modelspec.hash_sha256", &format!("0x{}", facts.data_sha256));
    let titles: Vec<String> = facts.inputs.iter().map(|a| title(a)).collect();
    put("modelspec.merged_from", &titles.join(", "));
    let known = FAMILIES.iter().find(|(id, ..)| *id == facts.family.id);
    if let Some(architecture) = agreed(facts, "modelspec.architecture").or(known.map(|(_, name, _)| *name)) {
        put("modelspec.architecture", architecture);
        put("modelspec.implementation", agreed(facts, "modelspec.implementation").unwrap_or("diffusers"));
    }
    put("rankweave.version", env!("CARGO_PKG_VERSION"));
    if let Some(recipe) = facts.recipe {
        put(RECIPE, recipe);
    }
    if facts.dialect != DialectId::Peft {
        out.extend(minimum(facts, known.map(|(.., version)| *version)));
    }
    out
}

/// kohya's minimum.
fn minimum(facts: &MergedFacts, version: Option<&str>) -> BTreeMap<String, String> {
    let common = |convolution: bool, value: fn(&MergedModule) -> String| {
        let big = |m: &&MergedModule| m.kernel.iter().any(|k| *k > 1) == convolution;
        let mut values: BTreeSet<String> = facts.modules.iter().filter(big).map(value).collect();
        if values.len() > 1 { Some("Dynamic".to_owned()) } else { values.pop_first() }
    };
    let of = |value: fn(&MergedModule) -> String| common(false, value).or_else(|| common(true, value));
    let dim = of(|m| m.rank.to_string()).unwrap_or_default();
    let alpha = of(|m| m.alpha.to_string()).unwrap_or_default();
    let v2 = agreed(facts, "ss_v2").unwrap_or(if facts.family.id == "sd21" { "True" } else { "False" });
    let mut out = BTreeMap::from([
        ("ss_network_module".to_owned(), "networks.lora".to_owned()),
        ("ss_network_alpha".to_owned(), alpha),
        ("ss_network_dim".to_owned(), dim),
        ("ss_v2".to_owned(), v2.to_owned()),
        ("ss_output_name".to_owned(), facts.title.to_owned()),
    ]);
    if let Some(hash) = facts.legacy_hash {
        out.insert("sshs_legacy_hash".to_owned(), hash.to_owned());
    }
    if let Some(version) = agreed(facts, "ss_base_model_version").or(version) {
        out.insert("ss_base_model_version".to_owned(), version.to_owned());
    }
    if let Some((dim, alpha)) = common(true, |m| m.rank.to_string()).zip(common(true, |m| m.alpha.to_string())) {
        let text = format!("{{\"conv_dim\": \"{dim}\", \"conv_alpha\": \"{alpha}\"}}");
        out.insert("ss_network_args".to_owned(), text);
    }
    out
}

/// cloneofsimo's loader wants each position's rank, and the classes whose layers are counted.
fn positions(facts: &MergedFacts) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for module in facts.modules {
        if let Some((base, _)) = module.up.rsplit_once(':') {
            out.insert(format!("{base}:rank"), module.rank.to_string());
        }
    }
    let embedding = |(_, value): &(&String, &String)| value.as_str() == "<embed>";
    for input in facts.inputs.iter().rev().filter(|a| a.dialect == DialectId::Cloneofsimo) {
        let metadata = &input.header.metadata;
        for part in [Component::Unet, Component::TextEncoder(1)] {
            if let Some(classes) = metadata.get(&part.to_string()) {
                out.insert(part.to_string(), classes.clone());
            }
        }
        out.extend(metadata.iter().filter(embedding).map(|(k, v)| (k.clone(), v.clone())));
    }
    out
}

/// A metadata value that all inputs which have it agree on.
fn agreed<'a>(facts: &MergedFacts<'a>, key: &str) -> Option<&'a str> {
    let mut values = facts.inputs.iter().filter_map(|a| a.header.metadata.get(key));
    let first = values.next()?;
    values.all(|v| v == first).then_some(first)
}

/// A name for an adapter: its own title, else its file's label without the ending.
pub fn title(adapter: &Adapter) -> String {
    let own = ["modelspec.title", "ss_output_name"].iter().find_map(|key| adapter.header.metadata.get(*key));
    let own = own.filter(|t| !t.trim().is_empty());
    let label = adapter.label.rsplit(['/', '\\']).next().unwrap_or_default();
    let label = label.strip_suffix(".safetensors").unwrap_or(label);
    clean(own.map_or(label, |t| t.trim()), 120)
}
