//! Reading factors.
use crate::adapter::Adapter;
use crate::error::{Error, Kind, Result};
use crate::source::Source;

/// A module's factor pair.
#[derive(Clone, Debug, PartialEq)]
pub struct Factors {
    /// B, `out × r`, row-major.
    pub up: Vec<f32>,
    /// A, `r × columns`, row-major.
    pub down: Vec<f32>,
    /// alpha/r, alpha/√r, or 1.
    pub scale: f64,
    /// The alpha in force (r when there is none).
    pub alpha: f64,
}

/// Reads the factor pairs of `modules` (indices into `adapter.modules`), in that order.
///
/// # Errors
/// `Io`; `Malformed` for NaN or infinite values; `Limit`.
pub fn read_modules(adapter: &Adapter, source: &dyn Source, modules: &[usize]) -> Result<Vec<Factors>> {
    let _ = (source, modules);
    Err(Error::new(Kind::Unsupported, "not yet").file(&adapter.label))
}

/// Reads every module's alpha: `None` where there is none.
///
/// # Errors
/// As [`read_modules`].
pub fn read_alphas(adapter: &Adapter, source: &dyn Source) -> Result<Vec<Option<f64>>> {
    let _ = source;
    Err(Error::new(Kind::Unsupported, "not yet").file(&adapter.label))
}

/// Reads one tensor's bytes as they are.
///
/// # Errors
/// `Io` or `Limit`.
pub fn read_raw(adapter: &Adapter, source: &dyn Source, tensor: usize) -> Result<Vec<u8>> {
    let _ = (source, tensor);
    Err(Error::new(Kind::Unsupported, "not yet").file(&adapter.label))
}
