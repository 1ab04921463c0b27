//! What an adapter's header tells.

use rankweave_adapter::Warning;
use serde::{Deserialize, Serialize};

/// What the header of a file says, for its card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Bytes.
    pub size: u64,
    /// Stable id of the base family; `unknown` if it cannot be told.
    pub family: String,
    /// Its name.
    pub family_title: String,
    /// How sure that is, 0 to 1.
    pub confidence: f64,
    /// Name of the spelling of its keys.
    pub dialect: String,
    /// Name of the way its changes are stored.
    pub kind: String,
    /// Number of modules.
    pub modules: u32,
    /// How many of them belong to text encoders.
    pub text_encoder_modules: u32,
    /// Rank and how many modules have it, by rank.
    pub ranks: Vec<(u32, u32)>,
    /// Distinct alphas; empty: none stored, scale 1.
    pub alphas: Vec<f64>,
    /// Where they stand: `tensors`, `config`, `metadata` or `none`.
    pub alpha_from: String,
    /// Number types.
    pub dtypes: Vec<String>,
    /// What an output gets that is to have the same type: an id of the recipe's output types.
    pub dtype: String,
    /// How many of its modules depend on the base model's weights.
    pub needs_base: u32,
    /// Whether some of them are DoRA's, whose direction can be taken alone.
    pub dora: bool,
    /// Whether an `adapter_config.json` was read.
    pub config: bool,
    /// Where its tensor data begins, in bytes.
    pub data_start: u64,
    /// Whether it tells the recipe it was merged by.
    pub recipe: bool,
    /// Blocks of its family, in the model's order; none where the family is unknown or not cut into blocks.
    pub blocks: Vec<Block>,
    /// Settings of these blocks that have a name.
    pub presets: Vec<Preset>,
    /// How many numbers a list for these blocks may have.
    pub block_lists: Vec<u32>,
    /// The first few warnings.
    pub warnings: Vec<Warning>,
    /// How many there are in all.
    pub warning_count: u32,
}

/// A named group of a family's modules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// Its name, such as `IN04`.
    pub id: String,
    /// Where it lies, in plain words.
    pub role: String,
    /// What it and its neighbours are, in plain words.
    pub group: String,
    /// Modules that the file has there.
    pub modules: u32,
    /// Whether it stands for the text encoders, whose weight is another one.
    pub text_encoders: bool,
}

/// A setting of all blocks that has a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preset {
    /// Its name, such as `OUTALL`.
    pub name: String,
    /// One factor per block.
    pub values: Vec<f64>,
}
