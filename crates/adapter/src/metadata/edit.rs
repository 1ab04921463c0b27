//! Changing a file's metadata without touching its tensors.
//!
//! ```text
//! old  ├─ length ─┼─ JSON ─────┼─ tensor data ─┤
//! new  ├─ length' ┼─ JSON' ────────┼─ the same bytes ─┤
//! ```
//!
//! Offsets in a header count from the start of the data, so they stay as they are whatever the header's new length.

use crate::error::{Error, Kind, Result, Warning};
use crate::limits::Limits;
use crate::safetensors::Header;
use crate::writer::{OutTensor, header_bytes};
use std::collections::BTreeMap;

/// A new beginning for an old file: it is `header`, then the file's bytes from [`Header::data_start`] on.
#[derive(Clone, Debug)]
pub struct Edited {
    /// Length, JSON and padding.
    pub header: Vec<u8>,
    /// The metadata now.
    pub metadata: BTreeMap<String, String>,
    /// What the user should know.
    pub warnings: Vec<Warning>,
}

/// The header of `file` with `changes` made to its metadata: a value sets an entry, `None` removes it. Tensors keep
/// their names, places and bytes.
///
/// # Errors
/// `Parameter` for an empty key or one to be removed that is not there, `Limit` for more metadata than would be read
/// again.
pub fn edit(header: &Header, file: &str, changes: &BTreeMap<String, Option<String>>) -> Result<Edited> {
    let limits = Limits::default();
    let mut metadata = header.metadata.clone();
    for (key, value) in changes {
        let problem = |what: &str| Error::new(Kind::Parameter, what).file(file).key(key);
        match value {
            Some(_) if key.is_empty() => return Err(problem("A metadata key is empty")),
            Some(value) => drop(metadata.insert(key.clone(), value.clone())),
            None if metadata.remove(key).is_none() => {
                let e = problem("There is no such metadata entry to remove");
                return Err(e.hint("Look at the file's entries, and mind capitals and dots."));
            }
            None => {}
        }
    }
    let too_much = |expected: String, found: String| {
        Error::new(Kind::Limit, "The metadata is too much").file(file).expected(expected).found(found)
    };
    if metadata.len() > limits.metadata_entries {
        return Err(too_much(format!("at most {} entries", limits.metadata_entries), metadata.len().to_string()));
    }
    let tensor = |t: &crate::TensorInfo| OutTensor { key: t.name.clone(), dtype: t.dtype, shape: t.shape.clone() };
    let tensors: Vec<OutTensor> = header.tensors.iter().map(tensor).collect();
    let bytes = header_bytes(&tensors, &metadata, 0).map_err(|e| e.file(file))?;
    if bytes.len() as u64 > limits.header_bytes {
        let found = format!("{} bytes", bytes.len());
        return Err(too_much(format!("a header of at most {} bytes", limits.header_bytes), found));
    }
    let stale = changes.keys().any(|key| key.starts_with("ss_")) && !changes.contains_key("sshs_legacy_hash");
    let mut warnings = Vec::new();
    if stale && metadata.contains_key("sshs_legacy_hash") {
        let message = "This hash counts ss_ entries in and no longer fits; set it anew or remove it.";
        warnings.push(Warning::new("stale-hash", file, message).key("sshs_legacy_hash"));
    }
    Ok(Edited { header: bytes, metadata, warnings })
}
