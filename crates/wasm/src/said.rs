//! What the page is told of files beyond their cards: what they say of themselves, what reading them whole has shown,
//! and how they go together. Part of the [`crate::protocol`].

use serde::{Deserialize, Serialize};

/// What a file says of itself, for people. All texts are cleaned and cut by the engine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// Names and texts, in reading order.
    pub lines: Vec<(String, String)>,
    /// Words that call its effect up.
    pub triggers: Vec<String>,
    /// Where they are from.
    pub triggers_from: String,
    /// The commonest tags of its training images, and how many images have them.
    pub tags: Vec<(String, u32)>,
    /// How many more tags there are.
    pub more_tags: u32,
    /// Its picture: a data URL of pixels and nothing else.
    pub picture: Option<String>,
    /// The hashes it states, not checked.
    pub claims: Vec<Stated>,
    /// How many entries its metadata has.
    pub entries: u32,
}

/// A hash that a header states.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stated {
    /// Name of the entry.
    pub key: String,
    /// What it says.
    pub stated: String,
    /// What is to be thought of it.
    pub words: String,
    /// It is the hash of something else.
    pub wrong: bool,
}

/// What reading a whole file has shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// Its hashes.
    pub hashes: Vec<Hash>,
    /// The hashes it states, checked.
    pub claims: Vec<Stated>,
    /// For [`crate::protocol::Request::Compare`], opaque to the page.
    pub reading: String,
}

/// Where adapters pull against each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conflicts {
    /// Rows that were looked at in each module; none for all.
    pub rows: Option<u32>,
    /// What they were drawn from.
    pub seed: u32,
    /// All modules that several adapters change.
    pub total: Shares,
    /// Those with the most conflict.
    pub modules: Vec<(String, Shares)>,
    /// How many there are in all.
    pub module_count: u32,
    /// How many modules one adapter alone changes.
    pub alone: u32,
}

/// Shares of positions, from 0 to 1, each with its standard error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shares {
    /// Adapters pull both ways.
    pub conflict: (f64, f64),
    /// The same of random entries with the adapters' cosines, where it is known.
    pub expected: Option<f64>,
    /// What cancels, of all that is added.
    pub mass: (f64, f64),
    /// One adapter's mask has them.
    pub selfish: (f64, f64),
    /// Several masks have them.
    pub shared: (f64, f64),
    /// No mask has them.
    pub catastrophic: (f64, f64),
}

/// A hash, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hash {
    /// Its name.
    pub name: String,
    /// Its digits, or the reason.
    pub text: String,
    /// Whether `text` is the digits.
    pub there: bool,
}

/// How good or bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Level {
    /// As it should be.
    Good,
    /// Worth knowing.
    Info,
    /// To be looked at before merging.
    Warn,
    /// A merge is refused, or makes no sense.
    Bad,
}

/// How the open adapters go together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// The level of the worst finding.
    pub verdict: Level,
    /// The first few findings, worst first.
    pub findings: Vec<Finding>,
    /// How many there are in all.
    pub finding_count: u32,
    /// The first pairs of adapters.
    pub overlaps: Vec<Overlap>,
    /// How many pairs there are in all.
    pub overlap_count: u32,
    /// The first modules whose size differs, with their sizes.
    pub sizes: Vec<(String, String)>,
    /// How many there are in all.
    pub size_count: u32,
}

/// Something found, and what to do about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// One sentence.
    pub text: String,
    /// What to do; may be empty.
    pub fix: String,
}

/// What two adapters have in common.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overlap {
    /// Place of the first in the order asked for.
    pub a: u32,
    /// Place of the second.
    pub b: u32,
    /// Modules that both have.
    pub shared: u32,
    /// Modules that only the first has.
    pub only_a: u32,
    /// Modules that only the second has.
    pub only_b: u32,
}
