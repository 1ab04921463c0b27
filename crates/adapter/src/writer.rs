//! Writing safetensors headers: same tensors, same bytes.
use crate::dtype::Dtype;
use crate::error::{Error, Kind, Result};
use std::collections::BTreeMap;

/// A tensor to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct OutTensor {
    /// Name.
    pub key: String,
    /// Element type.
    pub dtype: Dtype,
    /// Shape.
    pub shape: Vec<u64>,
}

impl OutTensor {
    /// Length in bytes; saturates.
    pub fn bytes(&self) -> u64 {
        let bits = self.shape.iter().fold(self.dtype.bitsize() as u64, |n, d| n.saturating_mul(*d));
        bits / 8
    }
}

/// Sorts as the reference serializer does: type (largest first), then name.
pub fn sort_tensors(tensors: &mut [OutTensor]) {
    tensors.sort_by(|a, b| b.dtype.cmp(&a.dtype).then_with(|| a.key.cmp(&b.key)));
}

/// The file's first bytes: u64 length, JSON, spaces up to at least `room` bytes and a multiple of 8.
///
/// # Errors
/// `Parameter` for duplicate or reserved names, `Limit` for an overlong header.
pub fn header_bytes(tensors: &[OutTensor], metadata: &BTreeMap<String, String>, room: usize) -> Result<Vec<u8>> {
    let _ = (tensors, metadata, room);
    Err(Error::new(Kind::Unsupported, "not yet"))
}

/// Bytes that [`header_bytes`] needs.
pub fn header_room(tensors: &[OutTensor], metadata: &BTreeMap<String, String>) -> usize {
    let _ = (tensors, metadata);
    0
}
