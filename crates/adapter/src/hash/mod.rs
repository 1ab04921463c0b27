//! Hashes: of a file, of its tensor data, and the ones that model sites and interfaces go by.
//!
//! ```text
//! 0          8                data_start                   size
//! ├─ length ─┼─ header ───────┼─ tensor data ─────────────┤
//! ├──────────────── SHA-256, AutoV2, BLAKE3, CRC32 ───────┤
//!                             ├─ AutoV3, sshs_model_hash ─┤
//!        AutoV1: the 64 KiB at 1 MiB, wherever that is
//! ```
//!
//! `file.rs` takes them all in one pass, `legacy.rs` has kohya's oldest one, `claims.rs` holds a header to the truth.

mod claims;
mod file;
mod legacy;

pub use claims::{Claim, Verdict, claims, stated};
pub use file::{Hashes, hashes};
pub use legacy::{LEGACY_BYTES, legacy_hash};

use crate::error::Result;
use crate::safetensors::read_at;
use crate::source::Source;
use sha2::{Digest, Sha256};

/// SHA-256 (64 hex digits) of the bytes from `start` to the end. From 0 it is the file's hash; from
/// [`crate::Header::data_start`] it is the hash of the tensor data, the same whatever the metadata says. `step` hears
/// how many bytes are done and may stop by an error.
///
/// # Errors
/// `Io`, or what `step` returns.
pub fn sha256(source: &dyn Source, start: u64, mut step: impl FnMut(u64) -> Result<()>) -> Result<String> {
    let mut hasher = Sha256::new();
    stream(source, start, |at, bytes| {
        hasher.update(bytes);
        step(at - start + bytes.len() as u64)
    })?;
    Ok(hex(&hasher.finalize()))
}

/// Bytes as lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Reads from `start` to the end and hands over pieces of up to 1 MiB, each with its offset.
///
/// # Errors
/// `Io`, or what `take` returns.
pub fn stream(source: &dyn Source, start: u64, mut take: impl FnMut(u64, &[u8]) -> Result<()>) -> Result<()> {
    let (size, mut at) = (source.len(), start);
    let mut buffer = vec![0; (1 << 20).min(size.saturating_sub(start)) as usize];
    while at < size {
        let n = (size - at).min(buffer.len() as u64) as usize;
        read_at(source, at, &mut buffer[..n])?;
        take(at, &buffer[..n])?;
        at += n as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_digests() {
        let data = b"xabc".to_vec();
        let digest = sha256(&data, 1, |_| Ok(())).unwrap();
        assert_eq!(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let empty = sha256(&data, 4, |_| Ok(())).unwrap();
        assert_eq!(empty, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn long_data_is_hashed_in_steps_that_can_stop() {
        let data = vec![7u8; 3 << 20];
        let mut steps = Vec::new();
        let step = |n| {
            steps.push(n);
            Ok(())
        };
        sha256(&data, 0, step).unwrap();
        assert_eq!(steps, [1 << 20, 2 << 20, 3 << 20]);
        let stop = || crate::Error::new(crate::Kind::Cancelled, "Stopped");
        assert!(sha256(&data, 0, |_| Err(stop())).is_err());
    }
}
