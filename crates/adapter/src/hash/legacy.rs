//! `sshs_legacy_hash`: the oldest hash that web interfaces know a kohya file by.
//!
//! Its definition (kohya's `precalculate_safetensors_hashes`): serialise the tensors anew with only the `ss_*`
//! metadata, take the bytes 0x100000 to 0x110000 of that file, SHA-256, first 8 digits.
//!
//! ```text
//! 0          8                     H             0x100000     0x110000
//! ├─ length ─┼─ JSON, to 8 bytes ──┼─ tensors ───┼── hashed ──┤
//! ```
//!
//! The new file need not be written: only its header's length H and 64 KiB of tensor data matter. The tensors stand in
//! the reference serializer's order, which need not be the file's own. Where H passes 1 MiB there is no answer, since
//! that serializer writes metadata in an order that changes from run to run.

use super::hex;
use crate::error::Result;
use crate::safetensors::read_at;
use crate::source::Source;
use crate::writer::{OutTensor, reference_order, rewritten_header};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ops::Range;

/// What is hashed.
pub(crate) const LEGACY_WINDOW: Range<u64> = 0x10_0000..0x11_0000;

/// How many bytes of tensor data, from the first, are enough for the hash of a file in the reference order.
pub const LEGACY_BYTES: usize = 0x11_0000;

/// What `sshs_legacy_hash` should say for `tensors`, listed in the order of their bytes in `data`, with `metadata`, of
/// which only `ss_*` counts. `None` where the definition gives no single answer.
///
/// # Errors
/// `Io` where `data` does not have the bytes needed.
pub fn legacy_hash(
    tensors: &[OutTensor],
    metadata: &BTreeMap<String, String>,
    data: &dyn Source,
) -> Result<Option<String>> {
    let kept = metadata.iter().filter(|(key, _)| key.starts_with("ss_"));
    let kept: BTreeMap<String, String> = kept.map(|(k, v)| (k.clone(), v.clone())).collect();
    let mut placed: Vec<(u64, &OutTensor)> = Vec::with_capacity(tensors.len());
    let mut end = 0u64;
    for tensor in tensors {
        placed.push((end, tensor));
        end = end.saturating_add(tensor.bytes());
    }
    placed.sort_by(|a, b| reference_order(a.1, b.1));
    let sorted: Vec<OutTensor> = placed.iter().map(|(_, tensor)| (*tensor).clone()).collect();
    let header = rewritten_header(&sorted, &kept);
    if header > LEGACY_WINDOW.start {
        return Ok(None);
    }
    let wanted = LEGACY_WINDOW.start - header..LEGACY_WINDOW.end - header;
    let mut hasher = Sha256::new();
    let mut at = 0u64;
    for (begin, tensor) in placed {
        let (start, end) = (wanted.start.max(at), wanted.end.min(at.saturating_add(tensor.bytes())));
        if start < end {
            let mut bytes = vec![0; (end - start) as usize];
            read_at(data, begin.saturating_add(start - at), &mut bytes)?;
            hasher.update(&bytes);
        }
        at = at.saturating_add(tensor.bytes());
        if at >= wanted.end {
            break;
        }
    }
    let mut digest = hex(&hasher.finalize());
    digest.truncate(8);
    Ok(Some(digest))
}
