//! Writing safetensors headers: same tensors, same bytes.
//!
//! ```text
//! u64 length │ {"__metadata__":{…},"name":{"dtype":…,"shape":[…],"data_offsets":[…]},…}␠␠␠ │ data
//! ```
//!
//! Tensors are laid out as the reference serializer does (type by size, largest first, then name), so that hashes of
//! the tensor data can be compared with other tools'. The header may be given room to spare: it can then be written
//! after the data, when hashes are known.

use crate::dtype::Dtype;
use crate::error::{Error, Kind, Result};
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};

/// Longest header that the reference reader accepts.
const HEADER_BYTES: usize = 100_000_000;

/// A tensor to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct OutTensor {
    /// Name.
    pub key: String,
    /// Element type.
    pub dtype: Dtype,
    /// Shape; empty for a scalar.
    pub shape: Vec<u64>,
}

impl OutTensor {
    /// Length in bytes; `u64::MAX` when the shape is too large to count.
    pub fn bytes(&self) -> u64 {
        let bits = self.shape.iter().try_fold(self.dtype.bitsize() as u64, |n, d| n.checked_mul(*d));
        bits.map_or(u64::MAX, |bits| bits.div_ceil(8))
    }
}

/// Sorts as the reference serializer does: by type (largest first), then by name.
pub fn sort_tensors(tensors: &mut [OutTensor]) {
    tensors.sort_by(reference_order);
}

/// The reference serializer's order.
pub(crate) fn reference_order(a: &OutTensor, b: &OutTensor) -> Ordering {
    b.dtype.cmp(&a.dtype).then_with(|| a.key.cmp(&b.key))
}

/// The file's first bytes for `tensors` laid out in this order: length, compact JSON, and spaces up to at least `room`
/// bytes in all and a multiple of 8.
///
/// # Errors
/// `Parameter` for repeated or reserved names, `Limit` for a header or data too long.
pub fn header_bytes(tensors: &[OutTensor], metadata: &BTreeMap<String, String>, room: usize) -> Result<Vec<u8>> {
    let mut seen = HashSet::new();
    if let Some(t) = tensors.iter().find(|t| t.key == "__metadata__" || !seen.insert(t.key.as_str())) {
        let error = Error::new(Kind::Parameter, "Two output tensors have one name, or a reserved one");
        return Err(error.key(&t.key).hint("Choose another dialect for the output."));
    }
    if tensors.iter().try_fold(0u64, |n, t| n.checked_add(t.bytes())).is_none() {
        return Err(Error::new(Kind::Limit, "The output is too large"));
    }
    let json = json(tensors, (!metadata.is_empty()).then_some(metadata));
    let length = json.len().max(room.saturating_sub(8)).next_multiple_of(8);
    if length > HEADER_BYTES {
        return Err(Error::new(Kind::Limit, "The output's header is too long")
            .expected(format!("at most {HEADER_BYTES} bytes"))
            .found(format!("{length} bytes")));
    }
    let mut out = Vec::with_capacity(8 + length);
    out.extend((length as u64).to_le_bytes());
    out.extend(json.as_bytes());
    out.resize(8 + length, b' ');
    Ok(out)
}

/// Bytes that [`header_bytes`] needs without room to spare.
pub fn header_room(tensors: &[OutTensor], metadata: &BTreeMap<String, String>) -> usize {
    8 + json(tensors, (!metadata.is_empty()).then_some(metadata)).len().next_multiple_of(8)
}

/// Bytes before the data when the reference serializer writes `tensors` in this order with `metadata`; given an empty
/// map it writes an empty object.
pub(crate) fn rewritten_header(tensors: &[OutTensor], metadata: &BTreeMap<String, String>) -> u64 {
    8 + json(tensors, Some(metadata)).len().next_multiple_of(8) as u64
}

fn json(tensors: &[OutTensor], metadata: Option<&BTreeMap<String, String>>) -> String {
    let quoted = |s: &str| Value::from(s).to_string();
    let mut rows = Vec::with_capacity(tensors.len() + 1);
    if let Some(metadata) = metadata {
        let pairs: Vec<String> = metadata.iter().map(|(k, v)| format!("{}:{}", quoted(k), quoted(v))).collect();
        rows.push(format!("\"__metadata__\":{{{}}}", pairs.join(",")));
    }
    let mut begin = 0u64;
    for t in tensors {
        let end = begin.saturating_add(t.bytes());
        let shape: Vec<String> = t.shape.iter().map(u64::to_string).collect();
        rows.push(format!(
            "{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{begin},{end}]}}",
            quoted(&t.key),
            t.dtype,
            shape.join(",")
        ));
        begin = end;
    }
    format!("{{{}}}", rows.join(","))
}
