//! Numbers in files: F64, F32, F16, BF16, F8_E4M3 and F8_E5M2 to `f32` and back.
//!
//! | type | sign, exponent, fraction bits | decoding | encoding |
//! |---|---|---|---|
//! | F32 | 1, 8, 23 | as is | as is |
//! | BF16 | 1, 8, 7 | shift left by 16 | add half of the last place, ties to even, shift |
//! | F16 | 1, 5, 10 | two candidates, one select | two exact scalings and one rounding add |
//! | F8_E5M2 | 1, 5, 2 | a table | one rounding add |
//! | F8_E4M3 | 1, 4, 3; no infinity | a table | one rounding add |
//! | F64 | 1, 11, 52 | rounded by the machine | – |
//!
//! The loops have no branches, so that compilers turn them into vector code: on wasm that is ten times the speed of
//! converting number by number. They are a crate of their own because it is compiled for speed, and what handles names
//! for size. Every rounding is to nearest, ties to even (IEEE 754), so results are the same on every machine. The
//! half-precision formulas are the well-known ones by Marat Dukhan ("FP16", 2017); the F8 types are those of
//! "FP8 Formats for Deep Learning" (arXiv 2209.05433).

mod f8;

use f8::{E4M3, E5M2};

/// How a number is stored, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// 64 bits; only read.
    F64,
    /// 32 bits.
    F32,
    /// 16 bits, IEEE 754 half precision.
    F16,
    /// 16 bits, the upper half of an F32.
    BF16,
    /// 8 bits, at most 448, without infinities.
    F8E4M3,
    /// 8 bits, at most 57344.
    F8E5M2,
}

impl Format {
    /// Bytes of one number.
    pub fn size(self) -> usize {
        match self {
            Format::F64 => 8,
            Format::F32 => 4,
            Format::F16 | Format::BF16 => 2,
            Format::F8E4M3 | Format::F8E5M2 => 1,
        }
    }
}

/// Decodes little-endian `bytes` into `out`, as many numbers as both hold.
pub fn decode(format: Format, bytes: &[u8], out: &mut [f32]) {
    match format {
        Format::F64 => each(bytes, out, |b| f64::from_le_bytes(b) as f32),
        Format::F32 => each(bytes, out, f32::from_le_bytes),
        Format::F16 => each(bytes, out, |b| f16_to_f32(u16::from_le_bytes(b))),
        Format::BF16 => each(bytes, out, |b| bf16_to_f32(u16::from_le_bytes(b))),
        Format::F8E4M3 => each(bytes, out, |[b]| E4M3.decode(b)),
        Format::F8E5M2 => each(bytes, out, |[b]| E5M2.decode(b)),
    }
}

/// Appends `values`, rounded to nearest even, to `out`; returns how many of the written numbers are not finite (too
/// large for the type, or not finite before). F64 is written as F32 is rounded: exactly.
pub fn encode(format: Format, values: &[f32], out: &mut Vec<u8>) -> usize {
    let start = out.len();
    match format {
        Format::F64 => write(values, out, |v| f64::from(v).to_le_bytes()),
        Format::F32 => write(values, out, f32::to_le_bytes),
        Format::F16 => write(values, out, |v| f32_to_f16(v).0.to_le_bytes()),
        Format::BF16 => write(values, out, |v| f32_to_bf16(v).to_le_bytes()),
        Format::F8E4M3 => write(values, out, |v| [E4M3.encode(v)]),
        Format::F8E5M2 => write(values, out, |v| [E5M2.encode(v)]),
    }
    outside(format, &out[start..])
}

/// As [`encode`], and puts the values that a reader will see into `rounded`, which is as long as `values`. For F16 this
/// costs half of what decoding again would. Where the answer is not 0, `rounded` is not to be used.
pub fn encode_rounding(format: Format, values: &[f32], out: &mut Vec<u8>, rounded: &mut [f32]) -> usize {
    let start = out.len();
    if format != Format::F16 {
        let lost = encode(format, values, out);
        decode(format, &out[start..], rounded);
        return lost;
    }
    out.resize(start + 2 * values.len(), 0);
    let (slots, _) = out[start..].as_chunks_mut::<2>();
    let mut largest = 0;
    for ((slot, rounded), v) in slots.iter_mut().zip(rounded).zip(values) {
        let (bits, value) = f32_to_f16(*v);
        *slot = bits.to_le_bytes();
        *rounded = value;
        largest = largest.max((value.to_bits() & 0x7fff_ffff) as i32);
    }
    // 65536, the first number beyond the type, still is one before it is cut to sixteen bits.
    if largest < 0x4780_0000 { 0 } else { outside(format, &out[start..]) }
}

/// True when every value is finite. Branch-free: looks at the largest exponent.
pub fn all_finite(values: &[f32]) -> bool {
    values.iter().fold(0, |m: u32, v| m.max(v.to_bits() & 0x7fff_ffff)) < 0x7f80_0000
}

/// How many of the written numbers are not finite.
fn outside(format: Format, written: &[u8]) -> usize {
    match format {
        Format::F64 => count(written, |b| !f64::from_le_bytes(b).is_finite()),
        Format::F32 => count(written, |b| u32::from_le_bytes(b) & 0x7f80_0000 == 0x7f80_0000),
        Format::F16 => count(written, |b| u16::from_le_bytes(b) & 0x7c00 == 0x7c00),
        Format::BF16 => count(written, |b| u16::from_le_bytes(b) & 0x7f80 == 0x7f80),
        Format::F8E4M3 => count(written, |[b]| b & 0x7f == 0x7f),
        Format::F8E5M2 => count(written, |[b]| b & 0x7c == 0x7c),
    }
}

#[inline(always)]
fn each<const N: usize>(bytes: &[u8], out: &mut [f32], f: impl Fn([u8; N]) -> f32) {
    let (elements, _) = bytes.as_chunks::<N>();
    for (o, b) in out.iter_mut().zip(elements) {
        *o = f(*b);
    }
}

#[inline(always)]
fn write<const N: usize>(values: &[f32], out: &mut Vec<u8>, f: impl Fn(f32) -> [u8; N]) {
    let start = out.len();
    out.resize(start + N * values.len(), 0);
    let (slots, _) = out[start..].as_chunks_mut::<N>();
    for (slot, v) in slots.iter_mut().zip(values) {
        *slot = f(*v);
    }
}

#[inline(always)]
fn count<const N: usize>(bytes: &[u8], f: impl Fn([u8; N]) -> bool) -> usize {
    let (elements, _) = bytes.as_chunks::<N>();
    // Almost always none: asking first keeps the loop narrow and fast.
    let any = elements.iter().fold(false, |any, b| any | f(*b));
    if any { elements.iter().filter(|b| f(**b)).count() } else { 0 }
}

/// With `t` the bits of |h| at the top of a word: normal numbers, infinities and NaN are moved into place with the
/// exponent raised by 224 and scaled by 2⁻¹¹², which is exact; subnormal ones are the fraction of a number in [½, 1).
#[inline(always)]
fn f16_to_f32(h: u16) -> f32 {
    let word = u32::from(h) << 16;
    let t = word << 1;
    let normal = f32::from_bits((t >> 4) + (224 << 23)) * f32::from_bits(0x0780_0000);
    let subnormal = f32::from_bits((t >> 17) | (126 << 23)) - 0.5;
    let magnitude = if word & 0x7c00_0000 == 0 { subnormal.to_bits() } else { normal.to_bits() };
    f32::from_bits(word & 0x8000_0000 | magnitude)
}

/// Scaling up and down again turns too large values into infinity; adding a power of two just large enough lets the
/// machine's own addition round the fraction to the bits that F16 keeps, subnormal ones included. Taking that power of
/// two away again leaves four times the rounded value, exactly.
#[inline(always)]
fn f32_to_f16(v: f32) -> (u16, f32) {
    let base = (v.abs() * f32::from_bits(0x7780_0000)) * f32::from_bits(0x0880_0000);
    // Signed numbers, because vector units compare those more cheaply.
    let bits = (v.to_bits() & 0x7fff_ffff) as i32;
    let exponent = (bits & 0x7f80_0000).max(0x3880_0000);
    let power = f32::from_bits(exponent as u32 + 0x0780_0000);
    let sum = power + base;
    let value = f32::from_bits(((sum - power) * 0.25).to_bits() | v.to_bits() & 0x8000_0000);
    let rounded = sum.to_bits();
    let magnitude = ((rounded >> 13) & 0x7c00) + (rounded & 0x0fff);
    let magnitude = if bits > 0x7f80_0000 { 0x7e00 } else { magnitude };
    (((v.to_bits() >> 16) & 0x8000 | magnitude) as u16, value)
}

#[inline(always)]
fn bf16_to_f32(h: u16) -> f32 {
    f32::from_bits(u32::from(h) << 16)
}

#[inline(always)]
fn f32_to_bf16(v: f32) -> u16 {
    let word = v.to_bits();
    let rounded = word.wrapping_add(0x7fff + ((word >> 16) & 1)) >> 16;
    let nan = (word >> 16) | 0x0040;
    (if word & 0x7fff_ffff > 0x7f80_0000 { nan } else { rounded }) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::{bf16, f16};

    fn same(a: f32, b: f32) -> bool {
        a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
    }

    #[test]
    fn every_half_precision_pattern_decodes_as_the_half_crate_says() {
        let patterns: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
        let mut out = vec![0.0; 65536];
        decode(Format::F16, &patterns, &mut out);
        for (bits, v) in (0..=u16::MAX).zip(&out) {
            assert!(same(*v, f16::from_bits(bits).to_f32()), "F16 {bits:#06x} gave {v}");
        }
        decode(Format::BF16, &patterns, &mut out);
        for (bits, v) in (0..=u16::MAX).zip(&out) {
            assert!(same(*v, bf16::from_bits(bits).to_f32()), "BF16 {bits:#06x} gave {v}");
        }
    }

    /// Every sign and exponent with fractions at, just below and just above each rounding boundary.
    fn interesting() -> Vec<f32> {
        let mut out = Vec::new();
        for top in 0..1u32 << 16 {
            for low in [0, 1, 0x0fff, 0x1000, 0x1001, 0x1fff, 0x2000, 0x3000, 0x7fff, 0x8000, 0x8001, 0xf000, 0xffff] {
                out.push(f32::from_bits(top << 16 | low));
            }
        }
        out
    }

    #[test]
    fn encoding_rounds_to_nearest_even_as_the_half_crate_does() {
        let values = interesting();
        let mut bytes = Vec::new();
        let lost = encode(Format::F16, &values, &mut bytes);
        let mut expected_lost = 0;
        for (v, b) in values.iter().zip(bytes.as_chunks::<2>().0) {
            let (got, want) = (f16::from_le_bytes(*b), f16::from_f32(*v));
            assert!(got.to_bits() == want.to_bits() || (got.is_nan() && want.is_nan()), "F16 of {:#x}", v.to_bits());
            expected_lost += usize::from(!want.is_finite());
        }
        assert_eq!(lost, expected_lost);
        bytes.clear();
        let lost = encode(Format::BF16, &values, &mut bytes);
        let mut expected_lost = 0;
        for (v, b) in values.iter().zip(bytes.as_chunks::<2>().0) {
            let (got, want) = (bf16::from_le_bytes(*b), bf16::from_f32(*v));
            assert!(got.to_bits() == want.to_bits() || (got.is_nan() && want.is_nan()), "BF16 of {:#x}", v.to_bits());
            expected_lost += usize::from(!want.is_finite());
        }
        assert_eq!(lost, expected_lost);
    }

    #[test]
    fn what_a_reader_sees_is_told_without_reading() {
        let values = interesting();
        for dtype in [Format::F16, Format::BF16, Format::F32, Format::F8E4M3, Format::F8E5M2] {
            let (mut bytes, mut again, mut told) = (Vec::new(), Vec::new(), vec![0.0; values.len()]);
            let lost = encode_rounding(dtype, &values, &mut bytes, &mut told);
            assert_eq!(lost, encode(dtype, &values, &mut again));
            assert_eq!(bytes, again);
            let mut read = vec![0.0; values.len()];
            decode(dtype, &bytes, &mut read);
            for ((read, told), v) in read.iter().zip(&told).zip(&values) {
                assert!(same(*read, *told) || !read.is_finite(), "{dtype:?} {v}: {read} {told}");
            }
            for (read, v) in read.iter().zip(&values) {
                let lost = encode_rounding(dtype, &[*v], &mut Vec::new(), &mut [0.0]);
                assert_eq!(lost == 0, read.is_finite(), "{dtype:?} {v}");
            }
        }
    }

    #[test]
    fn ties_subnormals_and_overflow_by_hand() {
        assert_eq!(f32_to_f16(1.0 + 1.0 / 2048.0).0, 0x3c00); // halfway between 1 and the next: even is 1
        assert_eq!(f32_to_f16(1.0 + 3.0 / 2048.0).0, 0x3c02); // halfway, the upper is even
        assert_eq!(f32_to_f16(65519.996).0, 0x7bff); // the largest finite
        assert_eq!(f32_to_f16(65520.0).0, 0x7c00); // halfway to 65536: infinity
        assert_eq!(f32_to_f16(2f32.powi(-24)).0, 1); // the smallest subnormal
        assert_eq!(f32_to_f16(2f32.powi(-25)).0, 0); // half of it: ties to even, zero
        assert_eq!(f32_to_f16(-0.0).0, 0x8000);
        assert_eq!(f32_to_bf16(f32::MAX), 0x7f80);
    }

    #[test]
    fn every_finite_half_survives_a_round_trip() {
        for bits in 0..=u16::MAX {
            if bits & 0x7c00 != 0x7c00 {
                assert_eq!(f32_to_f16(f16_to_f32(bits)).0, bits);
            }
            if bits & 0x7f80 != 0x7f80 {
                assert_eq!(f32_to_bf16(bf16_to_f32(bits)), bits);
            }
        }
    }

    #[test]
    fn wide_types() {
        let mut out = [0.0; 2];
        decode(Format::F64, &[1.5f64.to_le_bytes(), 0.1f64.to_le_bytes()].concat(), &mut out);
        assert_eq!(out, [1.5, 0.1]);
        decode(Format::F32, &[(-2.0f32).to_le_bytes(), f32::MIN_POSITIVE.to_le_bytes()].concat(), &mut out);
        assert_eq!(out, [-2.0, f32::MIN_POSITIVE]);
        let mut bytes = Vec::new();
        assert_eq!(encode(Format::F64, &[0.1, f32::INFINITY], &mut bytes), 1);
        assert_eq!(bytes[..8], f64::from(0.1f32).to_le_bytes());
        assert!(!all_finite(&[0.0, f32::NAN]) && !all_finite(&[-f32::INFINITY]) && all_finite(&[f32::MAX, -0.0]));
    }
}
