//! All hashes of a file, in one pass over its bytes.
//!
//! | hash | of what | digits |
//! |---|---|---|
//! | SHA-256 | the file | 64 |
//! | AutoV1 | its bytes 0x100000 to 0x110000, SHA-256; none for files under 2 MiB | first 8 |
//! | AutoV2 | the file, SHA-256 | first 10 |
//! | AutoV3 | the tensor data, SHA-256 | first 12 |
//! | `sshs_model_hash` | the tensor data, SHA-256 | 64 |
//! | `sshs_legacy_hash` | see `legacy.rs` | first 8 |
//! | BLAKE3 | the file | 64 |
//! | CRC32 | the file, IEEE polynomial, lowest byte first | 8 |
//!
//! The first three and CRC32 are Civitai's, written in capitals as it writes them; digests are in small letters, as
//! headers state them. Only SHA-256 of the tensor data is a name that stays when the metadata is edited.

use super::legacy::{LEGACY_WINDOW, legacy_hash};
use super::{hex, stream};
use crate::error::Result;
use crate::safetensors::Header;
use crate::source::Source;
use crate::writer::OutTensor;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io;
use std::ops::Range;

/// Shortest file that has an AutoV1.
const AUTOV1_BYTES: u64 = 2 << 20;

/// Every hash of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hashes {
    /// SHA-256 of the file.
    pub sha256: String,
    /// SHA-256 of the tensor data: what `sshs_model_hash` should say, and `modelspec.hash_sha256` after `0x`.
    pub data_sha256: String,
    /// What `sshs_legacy_hash` should say; `None` where its definition gives no single answer. `e3b0c442`, the hash
    /// of nothing, for a file that would end before 1 MiB.
    pub legacy: Option<String>,
    /// AutoV1; `None` for files under 2 MiB.
    pub autov1: Option<String>,
    /// AutoV2.
    pub autov2: String,
    /// AutoV3.
    pub autov3: String,
    /// BLAKE3 of the file.
    pub blake3: String,
    /// CRC32 of the file.
    pub crc32: String,
}

/// kohya's legacy hash of files that end before the bytes it looks at.
const OF_NO_BYTES: &str = "e3b0c442";

impl Hashes {
    /// Every hash with its name, in reading order, or why there is none.
    pub fn lines(&self) -> [(&'static str, std::result::Result<&str, &'static str>); 8] {
        let legacy = match self.legacy.as_deref() {
            Some(OF_NO_BYTES) => Err("under 1 MiB"),
            other => other.ok_or("the header is too long"),
        };
        [
            ("SHA-256", Ok(self.sha256.as_str())),
            ("SHA-256, tensors", Ok(self.data_sha256.as_str())),
            ("AutoV1", self.autov1.as_deref().ok_or("under 2 MiB")),
            ("AutoV2", Ok(self.autov2.as_str())),
            ("AutoV3", Ok(self.autov3.as_str())),
            ("BLAKE3", Ok(self.blake3.as_str())),
            ("CRC32", Ok(self.crc32.as_str())),
            ("kohya legacy", legacy),
        ]
    }
}

/// Hashes a whole file whose header has been read. `step` hears how many bytes are done and may stop by an error.
/// Reads every byte once, and up to 64 KiB a second time.
///
/// # Errors
/// `Io`, or what `step` returns.
pub fn hashes(source: &dyn Source, header: &Header, mut step: impl FnMut(u64) -> Result<()>) -> Result<Hashes> {
    let (mut whole, mut data, mut window) = (Sha256::new(), Sha256::new(), Sha256::new());
    let (mut blake3, mut crc) = (blake3::Hasher::new(), crc32fast::Hasher::new());
    stream(source, 0, |at, bytes| {
        whole.update(bytes);
        data.update(part(bytes, at, header.data_start..u64::MAX));
        window.update(part(bytes, at, LEGACY_WINDOW));
        blake3.update(bytes);
        crc.update(bytes);
        step(at + bytes.len() as u64)
    })?;
    let (sha256, data_sha256) = (hex(&whole.finalize()), hex(&data.finalize()));
    let tensor = |t: &crate::TensorInfo| OutTensor { key: t.name.clone(), dtype: t.dtype, shape: t.shape.clone() };
    let tensors: Vec<_> = header.tensors.iter().map(tensor).collect();
    let legacy = legacy_hash(&tensors, &header.metadata, &After(source, header.data_start))?;
    let first = |digest: &str, n: usize| digest[..n].to_uppercase();
    Ok(Hashes {
        autov1: (source.len() >= AUTOV1_BYTES).then(|| first(&hex(&window.finalize()), 8)),
        autov2: first(&sha256, 10),
        autov3: first(&data_sha256, 12),
        sha256,
        data_sha256,
        legacy,
        blake3: hex(blake3.finalize().as_bytes()),
        crc32: hex(&crc.finalize().to_le_bytes()).to_uppercase(),
    })
}

/// The part of `bytes`, which stand at offset `at`, that lies in `range`.
fn part(bytes: &[u8], at: u64, range: Range<u64>) -> &[u8] {
    let cut = |offset: u64| offset.saturating_sub(at).min(bytes.len() as u64) as usize;
    &bytes[cut(range.start)..cut(range.end)]
}

/// What comes after an offset.
struct After<'a>(&'a dyn Source, u64);

impl Source for After<'_> {
    fn len(&self) -> u64 {
        self.0.len().saturating_sub(self.1)
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let at = self.1.checked_add(offset).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.0.read_at(at, buf)
    }
}
