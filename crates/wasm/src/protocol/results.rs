//! What a merge would give, and what it gave.

use rankweave_adapter::Warning;
use serde::{Deserialize, Serialize};

/// What a merge would give.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Size of the file, at most.
    pub bytes: u64,
    /// Modules in the output.
    pub modules: u32,
    /// Greatest possible rank.
    pub rank: u32,
    /// Programs that may read the file: name, whether they do (`yes`, `partly`, `no`, `unknown`), and what is to be said.
    pub loads: Vec<(String, String, String)>,
    /// The first few things that should be known before merging.
    pub warnings: Vec<Warning>,
    /// How many there are in all.
    pub warning_count: u32,
}

/// Totals of the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Suggested name of the file.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 of its data section, 64 hexadecimal digits; the first 12 are AutoV3.
    pub data_sha256: String,
    /// Modules written.
    pub modules: u32,
    /// Least and greatest rank written.
    pub ranks: (u32, u32),
    /// Share of the energy kept, 0 to 1.
    pub energy: f64,
    /// Relative error against the exact result.
    pub residual: f64,
    /// The part of it that comes from rounding to the number type.
    pub rounding: f64,
    /// What became of each adapter.
    pub sources: Vec<Recovered>,
    /// What the method says of the whole.
    pub remarks: Vec<Warning>,
    /// The first few warnings.
    pub warnings: Vec<Warning>,
    /// How many there are in all.
    pub warning_count: u32,
}

/// Requested and found weights of one adapter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recovered {
    /// The file's name.
    pub label: String,
    /// What was asked for, outside text encoders.
    pub weight: f64,
    /// What was asked for in text encoders.
    pub text_encoder_weight: f64,
    /// Least-squares weight in the result outside text encoders; `None` if it has no modules there.
    pub recovered: Option<f64>,
    /// The same in text encoders.
    pub recovered_text_encoder: Option<f64>,
}

/// One module of the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Display name.
    pub module: String,
    /// Output size.
    pub out: u32,
    /// Input size; for a convolution, inputs times kernel.
    pub columns: u32,
    /// Rank written.
    pub rank: u32,
    /// Rank of each source; 0 where it is missing.
    pub source_ranks: Vec<u32>,
    /// Share of the energy kept.
    pub energy: f64,
    /// Relative error against the exact result.
    pub residual: f64,
    /// What the method tells of it: names and values.
    pub details: Vec<(String, f64)>,
    /// The method's picture of its rank-one units: x, y from 0 to 1, cluster and adapter of each; often none.
    pub picture: Vec<(f32, f32, u32, u32)>,
}
