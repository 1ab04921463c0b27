//! The types of the numbers in files. The conversions themselves are in the crate `rankweave-dtype`.

use crate::error::{Error, Kind, Result};
use rankweave_dtype::Format;
pub use rankweave_dtype::all_finite;
pub use safetensors::Dtype;

/// Bytes of one element, for the types with whole bytes.
pub fn size_of(dtype: Dtype) -> usize {
    dtype.bitsize() / 8
}

/// How a factor of this type is stored; `None` for types that factors cannot have.
fn format(dtype: Dtype) -> Option<Format> {
    Some(match dtype {
        Dtype::F64 => Format::F64,
        Dtype::F32 => Format::F32,
        Dtype::F16 => Format::F16,
        Dtype::BF16 => Format::BF16,
        Dtype::F8_E4M3 => Format::F8E4M3,
        Dtype::F8_E5M2 => Format::F8E5M2,
        _ => return None,
    })
}

/// True for the types that factors may have.
pub fn is_factor_type(dtype: Dtype) -> bool {
    format(dtype).is_some()
}

/// Decodes little-endian `bytes` into `out`.
///
/// # Errors
/// `Unsupported` for types other than F64, F32, F16, BF16, F8_E4M3, F8_E5M2; `Malformed` when the lengths do not fit.
pub fn decode(dtype: Dtype, bytes: &[u8], out: &mut [f32]) -> Result<()> {
    let Some(format) = format(dtype) else {
        return Err(Error::new(Kind::Unsupported, "This number type is not read")
            .expected("F32, F16, BF16, F8 or F64")
            .found(dtype.to_string())
            .hint("Save the adapter as F32, F16 or BF16."));
    };
    if Some(bytes.len()) != out.len().checked_mul(size_of(dtype)) {
        return Err(Error::new(Kind::Malformed, "A tensor's length does not fit its shape")
            .expected(format!("{} numbers of type {dtype}", out.len()))
            .found(format!("{} bytes", bytes.len())));
    }
    rankweave_dtype::decode(format, bytes, out);
    Ok(())
}

/// Appends `values`, rounded to nearest even, to `out`; returns how many of the written numbers are not finite
/// (too large for the type, or not finite before).
///
/// # Errors
/// `Unsupported` for types other than F32, F16, BF16, F8_E4M3, F8_E5M2.
pub fn encode(dtype: Dtype, values: &[f32], out: &mut Vec<u8>) -> Result<usize> {
    Ok(rankweave_dtype::encode(written(dtype)?, values, out))
}

/// As [`encode`], and puts the values that a reader will see into `rounded`, which is as long as `values`; not to be
/// used where the answer is not 0.
///
/// # Errors
/// As [`encode`].
pub fn encode_rounding(dtype: Dtype, values: &[f32], out: &mut Vec<u8>, rounded: &mut [f32]) -> Result<usize> {
    Ok(rankweave_dtype::encode_rounding(written(dtype)?, values, out, rounded))
}

fn written(dtype: Dtype) -> Result<Format> {
    format(dtype).filter(|format| *format != Format::F64).ok_or_else(|| {
        Error::new(Kind::Unsupported, "This number type is not written")
            .expected("F32, F16, BF16 or F8")
            .found(dtype.to_string())
    })
}

/// The one number in `bytes`, of any real type with whole bytes; `None` for other types or lengths.
pub fn decode_scalar(dtype: Dtype, bytes: &[u8]) -> Option<f64> {
    Some(match dtype {
        Dtype::F64 => f64::from_le_bytes(bytes.try_into().ok()?),
        Dtype::F32 => f64::from(f32::from_le_bytes(bytes.try_into().ok()?)),
        Dtype::F16 => half::f16::from_le_bytes(bytes.try_into().ok()?).to_f64(),
        Dtype::BF16 => half::bf16::from_le_bytes(bytes.try_into().ok()?).to_f64(),
        Dtype::F8_E4M3 | Dtype::F8_E5M2 => {
            let mut value = [0.0];
            decode(dtype, bytes, &mut value).ok()?;
            f64::from(value[0])
        }
        Dtype::I64 => i64::from_le_bytes(bytes.try_into().ok()?) as f64,
        Dtype::U64 => u64::from_le_bytes(bytes.try_into().ok()?) as f64,
        Dtype::I32 => f64::from(i32::from_le_bytes(bytes.try_into().ok()?)),
        Dtype::U32 => f64::from(u32::from_le_bytes(bytes.try_into().ok()?)),
        Dtype::I16 => f64::from(i16::from_le_bytes(bytes.try_into().ok()?)),
        Dtype::U16 => f64::from(u16::from_le_bytes(bytes.try_into().ok()?)),
        Dtype::I8 => f64::from(i8::from_le_bytes(bytes.try_into().ok()?)),
        Dtype::U8 => f64::from(u8::from_le_bytes(bytes.try_into().ok()?)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::bf16;

    #[test]
    fn wrong_types_and_lengths() {
        let mut out = [0.0; 2];
        decode(Dtype::F16, &[0, 0x3c, 0, 0xc0], &mut out).unwrap();
        assert_eq!(out, [1.0, -2.0]);
        decode(Dtype::F8_E4M3, &[0x38, 0xb8], &mut out).unwrap();
        assert_eq!(out, [1.0, -1.0]);
        assert_eq!(decode(Dtype::F32, &[0; 7], &mut out).unwrap_err().kind, Kind::Malformed);
        assert_eq!(decode(Dtype::I32, &[0; 8], &mut out).unwrap_err().kind, Kind::Unsupported);
        assert_eq!(encode(Dtype::F64, &[1.0], &mut Vec::new()).unwrap_err().kind, Kind::Unsupported);
        assert_eq!(encode(Dtype::F8_E5M2, &[1.0, 1e6], &mut Vec::new()).unwrap(), 1);
    }

    #[test]
    fn scalars_of_every_real_type() {
        assert_eq!(decode_scalar(Dtype::I64, &(-8i64).to_le_bytes()), Some(-8.0));
        assert_eq!(decode_scalar(Dtype::U8, &[16]), Some(16.0));
        assert_eq!(decode_scalar(Dtype::BF16, &bf16::from_f32(0.5).to_le_bytes()), Some(0.5));
        assert_eq!(decode_scalar(Dtype::F8_E5M2, &[0x3d]), Some(1.25));
        assert_eq!(decode_scalar(Dtype::F16, &[0]), None);
        assert_eq!(decode_scalar(Dtype::BOOL, &[1]), None);
    }
}
