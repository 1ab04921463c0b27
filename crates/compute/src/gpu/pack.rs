//! Factors in the words they need: where all numbers of one are of a type of 16 bits, they stand two to a word.
//!
//! Adapters are mostly stored so, and [`crate::FactorPair`] holds their numbers as f32, exactly. What is packed here, and
//! unpacked by `wgsl/unpack.wgsl`, is the same number bit for bit.
//!
//! | format | a number is one if | unpacked |
//! |---|---|---|
//! | F32 | – | as it is |
//! | F16 | it is m·2ᵉ with \|m\| < 2¹¹ and −24 ≤ e ≤ 5, or a zero | shifted, its exponent moved; below 2⁻¹⁴: m·2⁻²⁴ |
//! | BF16 | its lower half is 0 | shifted by 16 |

/// How a factor's numbers stand in words of 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// One to a word.
    F32 = 0,
    /// Two to a word, the first in the lower half.
    F16 = 1,
    /// Likewise.
    BF16 = 2,
}

/// Numbers that are looked at before it is asked whether to go on.
const AT_A_TIME: usize = 256;

impl Format {
    /// The one that takes least and has all `numbers`. One pass, that ends soon where they are of 32 bits.
    pub fn of(numbers: &[f32]) -> Format {
        let (mut short, mut brief) = (true, true);
        for some in numbers.chunks(AT_A_TIME) {
            short = short && some.iter().all(|x| f16(*x).is_some());
            brief = brief && some.iter().all(|x| bf16(*x).is_some());
            if !short && !brief {
                return Format::F32;
            }
        }
        // Where both will do, the one that is unpacked by less.
        if brief { Format::BF16 } else { Format::F16 }
    }

    /// Words of so many numbers, which are whole fours, up to a whole vec4.
    pub fn words(self, numbers: usize) -> usize {
        match self {
            Format::F32 => numbers,
            Format::F16 | Format::BF16 => (numbers / 2).next_multiple_of(4),
        }
    }

    /// Puts a number that it has to place `at` of `words`, where zeros are.
    pub fn put(self, x: f32, at: usize, words: &mut [u32]) {
        let half = match self {
            Format::F32 => {
                words[at] = x.to_bits();
                return;
            }
            Format::F16 => f16(x),
            Format::BF16 => bf16(x),
        };
        words[at / 2] |= half.unwrap_or(0) << (16 * (at % 2));
    }
}

/// The bits of a number that is one of BF16.
fn bf16(x: f32) -> Option<u32> {
    let bits = x.to_bits();
    (bits & 0xffff == 0).then_some(bits >> 16)
}

/// The bits of a finite number that is one of F16.
fn f16(x: f32) -> Option<u32> {
    let (sign, size) = (x.to_bits() >> 16 & 0x8000, x.to_bits() & 0x7fff_ffff);
    let exponent = size >> 23;
    // How many of the lowest bits there is no room for.
    let (lost, code) = match exponent {
        113..=142 => (13, (size - (112 << 23)) >> 13),
        // Below 2⁻¹⁴: so many times 2⁻²⁴.
        103..=112 => (126 - exponent, (size & 0x7f_ffff | 1 << 23) >> (126 - exponent)),
        _ => return (size == 0).then_some(sign),
    };
    (size & ((1 << lost) - 1) == 0).then_some(sign | code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_of_16_bits_is_packed_into_itself() {
        for pattern in 0..=u16::MAX {
            let number = half::f16::from_bits(pattern);
            if number.is_finite() {
                assert_eq!(f16(number.to_f32()), Some(u32::from(pattern)), "{number}");
            } else {
                assert_eq!(f16(number.to_f32()), None, "{number}");
            }
            let number = half::bf16::from_bits(pattern);
            // `half` quiets what is not a number.
            if !number.is_nan() {
                assert_eq!(bf16(number.to_f32()), Some(u32::from(pattern)), "{number}");
            }
        }
    }

    #[test]
    fn no_other_number_is_packed() {
        for pattern in 0..=u16::MAX {
            let bits = [half::f16::from_bits(pattern).to_f32().to_bits(), u32::from(pattern) << 16];
            let lows = [0u32, 1, 2, 0x1000, 0x2000, 0x8000, 0xffff_ffff];
            for x in bits.into_iter().flat_map(|bits| lows.map(|low| f32::from_bits(bits.wrapping_add(low)))) {
                if x.is_finite() {
                    let same = |y: f32| y.to_bits() == x.to_bits();
                    assert_eq!(f16(x).is_some(), same(half::f16::from_f32(x).to_f32()), "{x:e}");
                    assert_eq!(bf16(x).is_some(), same(half::bf16::from_f32(x).to_f32()), "{x:e}");
                }
            }
        }
    }

    #[test]
    fn the_format_has_all_numbers() {
        let (short, brief, long) = (1.0 + 1.0 / 1024.0, 2f32.powi(100), 0.1);
        let with = |some: &[f32]| {
            let mut numbers = vec![-0.0; 1000];
            numbers[999 - some.len()..999].copy_from_slice(some);
            Format::of(&numbers)
        };
        assert_eq!([with(&[short]), with(&[brief]), with(&[long])], [Format::F16, Format::BF16, Format::F32]);
        assert_eq!([with(&[]), with(&[1.0]), Format::of(&[])], [Format::BF16; 3]);
        assert_eq!(with(&[short, brief]), Format::F32);
        let far = |first: f32, last: f32| Format::of(&[vec![first; 300], vec![last; 300]].concat());
        assert_eq!([far(short, 1.0), far(1.0, short)], [Format::F16; 2]);
        assert_eq!([far(brief, 1.0), far(1.0, brief)], [Format::BF16; 2]);
        assert_eq!([far(brief, short), far(short, brief)], [Format::F32; 2]);
    }

    #[test]
    fn two_stand_in_a_word() {
        let numbers = [1.5, -0.0, 2f32.powi(-24), -65504.0];
        let mut words = vec![0; Format::F16.words(4)];
        numbers.iter().enumerate().for_each(|(at, x)| Format::F16.put(*x, at, &mut words));
        assert_eq!(words, [0x8000_3e00, 0xfbff_0001, 0, 0]);
        assert_eq!([4, 8, 12].map(|numbers| Format::BF16.words(numbers)), [4, 4, 8]);
        assert_eq!([4, 8, 12].map(|numbers| Format::F32.words(numbers)), [4, 8, 12]);
    }
}
