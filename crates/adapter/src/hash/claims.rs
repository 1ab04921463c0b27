//! What a header says about its file's hashes, held to the truth.
//!
//! Trainers write wrong ones: taken before the last cast, with `0x` where none belongs, or of no bytes at all. A web
//! interface that believes them takes the file for another one.

use crate::display::clean;
use crate::error::Warning;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// SHA-256 of no bytes: a tool hashed before it wrote.
const OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Keys that state a hash, how many digits it has, and whether the standard wants `0x` before them.
const KEYS: [(&str, usize, bool); 3] =
    [("sshs_model_hash", 64, false), ("sshs_legacy_hash", 8, false), ("modelspec.hash_sha256", 64, true)];

/// What is to be thought of a stated hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It is the file's.
    Right,
    /// It is another file's.
    Wrong,
    /// It is the hash of no bytes, and says nothing.
    OfNothing,
    /// It is not so many hex digits.
    NotADigest,
    /// It cannot be told: the file has not been hashed, or see [`super::legacy_hash`].
    Unknown,
}

/// One stated hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The metadata key.
    pub key: String,
    /// What it says, made safe to show.
    pub stated: String,
    /// What it should say; `None` where that cannot be told.
    pub truth: Option<String>,
    /// Whether the two agree, whatever the case and with or without `0x`.
    pub verdict: Verdict,
    /// The digits agree but the spelling does not: `0x` where loaders expect none, or capitals. Such a hash is not
    /// found by those who compare text.
    pub misspelt: bool,
}

impl Claim {
    /// A warning `wrong-hash` for a wrong one.
    pub fn warning(&self, file: &str) -> Option<Warning> {
        let message = "The hash in the header is not that of the file; who goes by it takes the file for another one.";
        (self.verdict == Verdict::Wrong).then(|| Warning::new("wrong-hash", file, message).key(&self.key))
    }

    /// The verdict for people.
    pub fn words(&self) -> &'static str {
        match self.verdict {
            Verdict::Right if self.misspelt => "right, but not spelt as others look for it",
            Verdict::Right => "right",
            Verdict::Wrong => "wrong",
            Verdict::OfNothing => "the hash of no bytes",
            Verdict::NotADigest => "not a hash",
            Verdict::Unknown => "not checked",
        }
    }
}

/// The hashes that `metadata` states, as far as they can be judged without the file's bytes: one of nothing, or one
/// that is no digest.
pub fn stated(metadata: &BTreeMap<String, String>) -> Vec<Claim> {
    judged(metadata, None, None)
}

/// The hashes that `metadata` states, compared with the true ones: [`super::Hashes::data_sha256`] and
/// [`super::Hashes::legacy`].
pub fn claims(metadata: &BTreeMap<String, String>, data_sha256: &str, legacy: Option<&str>) -> Vec<Claim> {
    judged(metadata, Some(data_sha256), legacy)
}

fn judged(metadata: &BTreeMap<String, String>, data_sha256: Option<&str>, legacy: Option<&str>) -> Vec<Claim> {
    let claim = |(key, digits, prefix): (&str, usize, bool)| {
        let stated = metadata.get(key)?;
        let (before, truth) = match (digits, prefix) {
            (8, _) => ("", legacy),
            (_, true) => ("0x", data_sha256),
            _ => ("", data_sha256),
        };
        let truth = truth.map(|digest| format!("{before}{digest}"));
        let verdict = judge(&bare(stated), digits, truth.as_deref().map(bare));
        let misspelt = verdict == Verdict::Right && truth.as_deref() != Some(stated);
        Some(Claim { key: key.to_owned(), stated: clean(stated, 100), truth, verdict, misspelt })
    };
    KEYS.into_iter().filter_map(claim).collect()
}

fn judge(digest: &str, digits: usize, truth: Option<String>) -> Verdict {
    if digest.len() != digits || !digest.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Verdict::NotADigest;
    }
    if OF_NOTHING.starts_with(digest) {
        return Verdict::OfNothing;
    }
    match truth {
        Some(truth) if truth == digest => Verdict::Right,
        Some(_) => Verdict::Wrong,
        None => Verdict::Unknown,
    }
}

/// Digits alone, in small letters.
fn bare(stated: &str) -> String {
    let digits = stated.trim().to_ascii_lowercase();
    digits.strip_prefix("0x").map(str::to_owned).unwrap_or(digits)
}
