//! Recipes between the page and the desk: what the page shows as text to be shared, and text as what the page shows.
//! Part of the [`crate::protocol`].

use crate::protocol::{Rank, Value};
use rankweave_adapter::Warning;
use serde::{Deserialize, Serialize};

/// What is done with the modules whose names fit a pattern.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// `*`, `?`, `[a-z]`.
    pub pattern: String,
    /// Their factor; none: they are taken out.
    pub weight: Option<f64>,
}

/// A recipe as text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shared {
    /// Twelve characters; the same for all recipes that mean the same.
    pub id: String,
    /// What stands after `#r=` in an address.
    pub link: String,
    /// Other forms, in reading order, if they were asked for.
    pub forms: Vec<Form>,
    /// A QR code of the address, likewise: its side in modules, and the path of the dark ones. None if it is too long.
    pub qr: Option<(u32, String)>,
}

/// A form of a recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Form {
    /// Stable id.
    pub id: String,
    /// Name.
    pub title: String,
    /// What it is for.
    pub help: String,
    /// The text itself.
    pub text: String,
}

/// A recipe as the page shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recalled {
    /// Its name, or empty.
    pub name: String,
    /// Its id.
    pub id: String,
    /// Its adapters, in the mix's order.
    pub slots: Vec<Slot>,
    /// Id of the method.
    pub method: String,
    /// Its parameters that are not the defaults.
    pub params: Vec<(String, Value)>,
    /// Rank of the output.
    pub rank: Rank,
    /// Number type of the output.
    pub dtype: String,
    /// Spelling of the output, or `same` (as the first adapter).
    pub keys: String,
    /// What is taken over from the inputs' metadata.
    pub metadata: String,
    /// For methods that need chance.
    pub seed: Option<u32>,
    /// Title of the output, if one is asked for.
    pub title: Option<String>,
    /// Name of the base model it was made with.
    pub base: Option<String>,
    /// Hash of the tensor data that should come out, 64 hexadecimal digits.
    pub expected: Option<String>,
    /// What the page cannot do of it.
    pub notes: Vec<Warning>,
}

/// An adapter of a recipe, before there is a file for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slot {
    /// Name of its file, or empty.
    pub label: String,
    /// Hash of its tensor data, 64 hexadecimal digits.
    pub data: Option<String>,
    /// Hash of its whole file, likewise; only where the other is not known.
    pub file: Option<String>,
    /// Bytes.
    pub size: Option<u64>,
    /// Where it can be had.
    pub at: Vec<String>,
    /// Family of its block weights, if it has any.
    pub family: String,
    /// As [`crate::protocol::Mix`] has it.
    pub weight: f64,
    /// Likewise.
    pub te: Option<f64>,
    /// Likewise.
    pub blocks: Vec<f64>,
    /// Block weights that were typed without their family; they are read once there is a file.
    pub typed: Option<String>,
    /// As [`crate::protocol::Mix`] has it.
    pub direction: bool,
    /// Likewise.
    pub rules: Vec<Rule>,
}
