//! `__metadata__`: what is read, and what a merged file says about itself.
use crate::adapter::{Adapter, Family};
use crate::dialect::DialectId;
use std::collections::BTreeMap;

/// What is needed to describe a merged file.
#[derive(Clone, Debug)]
pub struct MergedFacts<'a> {
    /// Spelling of the output.
    pub dialect: DialectId,
    /// Family of the output.
    pub family: &'a Family,
    /// Inputs, in the recipe's order.
    pub inputs: &'a [&'a Adapter],
    /// Up key, rank and kernel ([] for linear) of every module written.
    pub modules: &'a [(String, usize, Vec<usize>)],
    /// Title for people.
    pub title: &'a str,
    /// SHA-256 of the tensor data, 64 hex digits. Any other 64 digits give a header of the same length.
    pub data_sha256: &'a str,
    /// The recipe as JSON.
    pub recipe: Option<&'a str>,
}

/// The metadata of a merged file. No dates: same input, same bytes.
pub fn merged(facts: &MergedFacts) -> BTreeMap<String, String> {
    let _ = facts;
    BTreeMap::new()
}

/// A name for an adapter: its own title, else its file label without the ending.
pub fn title(adapter: &Adapter) -> String {
    adapter.label.clone()
}
