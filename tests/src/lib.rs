//! Shared helpers for the tests across crates.
//!
//! The oracle side ([`tensors`], [`dense`], [`naive`]) is written from the formats and the formulas alone, in plain
//! f64 loops, and uses nothing of the crates it judges: two implementations that agree by accident are unlikely,
//! one that agrees with itself is not. [`synth`] makes full-size adapters, [`shared`] finds real ones, and
//! [`engine`] is the only door to the code under test.

pub mod base;
pub mod bench;
pub mod dense;
pub mod docs;
pub mod engine;
pub mod fixture;
pub mod folder;
pub mod kinds;
pub mod naive;
pub mod quality;
pub mod rng;
pub mod shared;
pub mod source;
pub mod synth;
pub mod tensors;
pub mod twins;
pub mod zeros;

/// How many golden cases there are: the harness that runs them must find just as many.
pub const GOLDEN_CASES: usize = 119;

/// The README's table of methods, made from the registry.
pub fn methods_table() -> String {
    let mut text = String::from("| method | what it does | formula | from |\n|---|---|---|---|\n");
    let mut section = None;
    for spec in rankweave_merge::registry().iter().map(|method| method.spec()) {
        if section.replace(spec.section) != Some(spec.section) {
            text += &format!("| **{}** | | | |\n", spec.section.title());
        }
        let from = match spec.reference.url {
            "" => spec.reference.title.to_string(),
            url => format!("[{}]({url})", spec.reference.title),
        };
        // A bar would end the table's cell.
        let formula = spec.formula.replace('|', "\\|");
        text += &format!("| `{}`: {} | {} | {formula} | {from} |\n", spec.id, spec.title, spec.summary);
    }
    text
}
