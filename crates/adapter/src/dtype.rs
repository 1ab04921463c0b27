//! Numbers in files: F64, F32, F16, BF16 to `f32` and back.
pub use safetensors::Dtype;
use crate::error::{Error, Kind, Result};

/// Decodes little-endian `bytes` into `out`.
///
/// # Errors
/// `Unsupported` for other types, `Malformed` when the lengths do not fit.
pub fn decode(dtype: Dtype, bytes: &[u8], out: &mut [f32]) -> Result<()> {
    let _ = (bytes, out);
    Err(Error::new(Kind::Unsupported, format!("{dtype} is not decoded")))
}

/// Appends `values` to `out` (F32, F16, BF16; round to nearest even) and returns how many written values are not finite.
///
/// # Errors
/// `Unsupported` for other types.
pub fn encode(dtype: Dtype, values: &[f32], out: &mut Vec<u8>) -> Result<usize> {
    let _ = (values, out);
    Err(Error::new(Kind::Unsupported, format!("{dtype} is not encoded")))
}
