//! One file's worth of low-rank change.
use crate::config::PeftConfig;
use crate::dialect::DialectId;
use crate::error::{Error, Kind, Result, Warning};
use crate::limits::Limits;
use crate::module::{Extra, Module};
use crate::safetensors::Header;
use crate::source::Source;
use serde::{Deserialize, Serialize};

/// The model family that an adapter was made for, as far as names and shapes tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Family {
    /// Stable id: `sd15`, `sdxl`, `flux1`, `llama`, …, or `unknown`.
    pub id: String,
    /// Name for people.
    pub title: String,
    /// 0 to 1.
    pub confidence: f64,
    /// What it was told by.
    pub evidence: String,
}

/// An opened adapter: everything but the tensors' bytes.
#[derive(Clone, Debug)]
pub struct Adapter {
    /// What the user calls the file.
    pub label: String,
    /// Length of the file in bytes.
    pub size: u64,
    /// The checked header.
    pub header: Header,
    /// How the file spells most of its modules.
    pub dialect: DialectId,
    /// The model family.
    pub family: Family,
    /// Modules in file order.
    pub modules: Vec<Module>,
    /// Tensors that are no factors.
    pub extras: Vec<Extra>,
    /// The PEFT configuration, when there was one.
    pub config: Option<PeftConfig>,
    /// What is odd but harmless.
    pub warnings: Vec<Warning>,
}

impl Adapter {
    /// Opens an adapter: header and names only, never tensor bytes.
    ///
    /// # Errors
    /// As [`Adapter::open_with`].
    pub fn open(source: &dyn Source, label: &str, config_json: Option<&str>) -> Result<Adapter> {
        Self::open_with(source, label, config_json, &Limits::default())
    }

    /// Opens an adapter under other limits.
    ///
    /// # Errors
    /// `Malformed`, `Unsupported`, `Limit` or `Io`.
    pub fn open_with(source: &dyn Source, label: &str, config_json: Option<&str>, limits: &Limits) -> Result<Adapter> {
        let _ = (source, config_json, limits);
        Err(Error::new(Kind::Unsupported, "not yet").file(label))
    }
}
