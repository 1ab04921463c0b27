//! How a set of adapters goes together, before anything is merged.
//!
//! ```text
//! headers ─────────────► facts, overlaps, findings ──► a page's rows, a terminal's lines, JSON
//! readings, if any ────►        (worst first)
//! ```
//!
//! A finding is one sentence and, where something can be done, another one that says what. Nothing here refuses
//! anything: what cannot be merged is refused by the plan, and told here beforehand, all of it at once.

mod accelerator;
mod files;
mod licences;
mod overlap;

pub use accelerator::{Accelerator, accelerator};
pub use overlap::{Overlap, ShapeConflict};

use crate::inspect::{alpha_from, kinds, ranks};
use crate::reading::{Reading, Scan};
use rankweave_adapter::hash::{Claim, claims, stated};
use rankweave_adapter::{Adapter, Family, describe};
use rankweave_merge::{aligned, family, joined};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// How good or bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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

/// Something found about the set or one of its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable name in kebab-case, for programs.
    pub code: String,
    /// How bad it is.
    pub level: Level,
    /// One sentence for people.
    pub text: String,
    /// What to do, in one sentence; empty where there is nothing to do.
    pub fix: String,
    /// The files it is about, as indices.
    pub files: Vec<usize>,
}

impl Finding {
    fn new(code: &str, level: Level, files: &[usize], text: String, fix: &str) -> Finding {
        Finding { code: code.to_owned(), level, text, fix: fix.to_owned(), files: files.to_vec() }
    }
}

/// One file of the set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileFacts {
    /// Its name.
    pub file: String,
    /// The model family, how sure that is, and what it was told by.
    pub family: Family,
    /// Spelling of the keys: stable id.
    pub dialect: String,
    /// How the deltas are stored, and how many modules so.
    pub kinds: BTreeMap<String, usize>,
    /// Number of modules.
    pub modules: usize,
    /// Rank → number of modules.
    pub ranks: BTreeMap<usize, usize>,
    /// Where alpha stands: `tensors`, `config`, `metadata` or `none`.
    pub alpha_from: String,
    /// What makes it look like an accelerator.
    pub accelerator: Option<Accelerator>,
    /// Its licences as it states them.
    pub licences: Vec<String>,
    /// The hashes it states; checked where the file has been read.
    pub claims: Vec<Claim>,
    /// What its numbers are like, where they have been read.
    pub scan: Option<Scan>,
}

/// How a set of adapters goes together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compatibility {
    /// The level of the worst finding.
    pub verdict: Level,
    /// The files, in order.
    pub files: Vec<FileFacts>,
    /// Every pair of files.
    pub overlaps: Vec<Overlap>,
    /// Modules whose size the files do not agree about.
    pub shapes: Vec<ShapeConflict>,
    /// What was found, worst first.
    pub findings: Vec<Finding>,
}

/// Compares opened adapters. `readings` holds, in their order, what reading the files has told; missing ones count as
/// none. Reads nothing. Cost: modules × pairs of files.
pub fn compatibility(adapters: &[&Adapter], readings: &[Option<Reading>]) -> Compatibility {
    let settled = settled(adapters);
    let adapters: &[&Adapter] = &settled.iter().map(|adapter| &**adapter).collect::<Vec<_>>();
    let reading = |i: usize| readings.get(i).and_then(Option::as_ref);
    let files: Vec<FileFacts> = adapters.iter().enumerate().map(|(i, a)| facts(a, reading(i))).collect();
    let groups = joined(adapters);
    let overlaps = overlap::overlaps(adapters, &groups);
    // A fused module is not of the size of its parts, which is no disagreement.
    let shapes = overlap::shapes(adapters, &aligned(adapters));
    let mut findings = overlap::findings(adapters, &groups, &overlaps, &shapes);
    findings.extend(files::findings(&files));
    // Where nothing is shared, no difference is harmless.
    if overlaps.iter().all(|o| o.shared == 0) {
        findings.retain(|f| f.code != "spellings-differ" && f.code != "ranks-differ");
    }
    findings.extend(licences::findings(&files));
    findings.sort_by_key(|f| std::cmp::Reverse(f.level));
    let verdict = findings.first().map_or(Level::Good, |f| f.level);
    Compatibility { verdict, files, overlaps, shapes, findings }
}

/// The adapters with the names that a merge of them would give their modules.
fn settled<'a>(adapters: &[&'a Adapter]) -> Vec<Cow<'a, Adapter>> {
    let known = adapters.first().map_or("unknown", |_| &family(adapters).id);
    let settle = |adapter: &&'a Adapter| {
        let mut own = Cow::Borrowed(*adapter);
        if known != "unknown" && adapter.family.id == "unknown" && own.to_mut().settle(known).is_err() {
            // The merge refuses it; here it is shown as it is.
            own = Cow::Borrowed(*adapter);
        }
        own
    };
    adapters.iter().map(settle).collect()
}

fn facts(adapter: &Adapter, reading: Option<&Reading>) -> FileFacts {
    let metadata = &adapter.header.metadata;
    FileFacts {
        file: adapter.label.clone(),
        family: adapter.family.clone(),
        dialect: adapter.dialect.id().to_owned(),
        kinds: kinds(adapter),
        modules: adapter.modules.len(),
        ranks: ranks(adapter),
        alpha_from: alpha_from(adapter).to_owned(),
        accelerator: accelerator(&adapter.label, metadata),
        licences: describe(metadata).licences,
        claims: match reading {
            Some(Reading { hashes, .. }) => claims(metadata, &hashes.data_sha256, hashes.legacy.as_deref()),
            None => stated(metadata),
        },
        scan: reading.map(|r| r.scan.clone()),
    }
}

/// `1 module`, `2 modules`.
fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// `a`, `a and b`, `a, b and c`.
fn listed<T: ToString>(all: impl IntoIterator<Item = T>) -> String {
    let mut words: Vec<String> = all.into_iter().map(|w| w.to_string()).collect();
    let last = words.pop().unwrap_or_default();
    if words.is_empty() { last } else { format!("{} and {last}", words.join(", ")) }
}
