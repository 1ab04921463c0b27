//! The two types of eight bits.

/// One of them, by its bits: a sign, an exponent, a fraction.
pub(crate) struct F8 {
    /// Bits of the fraction.
    fraction: u32,
    /// The exponent of the smallest normal number.
    least: i32,
    /// The largest code of a finite number.
    most: u8,
    /// What every code stands for.
    table: [f32; 256],
}

/// Four bits of exponent, three of fraction: up to 448.
pub(crate) static E4M3: F8 = F8::new(3, -6, 0x7e, false);
/// Five bits of exponent, two of fraction: up to 57344.
pub(crate) static E5M2: F8 = F8::new(2, -14, 0x7b, true);

impl F8 {
    const fn new(fraction: u32, least: i32, most: u8, infinity: bool) -> F8 {
        let mut table = [0.0; 256];
        let mut code = 0;
        while code < 128 {
            let value = if code <= most as usize {
                let (exponent, bits) = (code >> fraction, code & ((1 << fraction) - 1));
                let (exponent, bits) = if exponent == 0 { (1, bits) } else { (exponent, bits | 1 << fraction) };
                bits as f32 * power(least + exponent as i32 - 1 - fraction as i32)
            } else if infinity && code == most as usize + 1 {
                f32::INFINITY
            } else {
                f32::NAN
            };
            table[code] = value;
            table[code + 128] = -value;
            code += 1;
        }
        F8 { fraction, least, most, table }
    }

    /// What a code stands for.
    #[inline(always)]
    pub(crate) fn decode(&self, code: u8) -> f32 {
        self.table[usize::from(code)]
    }

    /// The nearest number's code, ties to even; the code after the largest for what is too large. Adding a power of
    /// two just large enough lets the machine's own addition round, as for F16.
    #[inline(always)]
    pub(crate) fn encode(&self, v: f32) -> u8 {
        let magnitude = v.to_bits() & 0x7fff_ffff;
        let sign = ((v.to_bits() >> 24) & 0x80) as u8;
        if magnitude > 0x7f80_0000 {
            return sign | 0x7f;
        }
        // Nothing near the largest finite f32 may overflow in the addition.
        let magnitude = magnitude.min(0x5000_0000);
        let exponent = (magnitude >> 23).max((127 + self.least) as u32);
        let power = f32::from_bits((exponent + 23 - self.fraction) << 23);
        let units = (f32::from_bits(magnitude) + power).to_bits() - power.to_bits();
        let code = ((exponent - (127 + self.least) as u32) << self.fraction) + units;
        let largest = u32::from(self.most) + 1;
        sign | code.min(largest) as u8
    }
}

/// 2ⁿ, exactly, for exponents of normal numbers.
const fn power(n: i32) -> f32 {
    f32::from_bits(((127 + n) as u32) << 23)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The nearest code by trying all of them, ties to the even one.
    fn naive(kind: &F8, v: f32) -> u8 {
        // One step beyond the largest: what is at least half-way to it is too large.
        let beyond = 2.0 * kind.table[kind.most as usize] - kind.table[kind.most as usize - 1];
        let value = |code: u8| if code <= kind.most { kind.table[code as usize] } else { beyond };
        // Far beyond, all distances are the same to an f64.
        let v = v.clamp(-2.0 * beyond, 2.0 * beyond);
        let distance = |code: u8| (f64::from(value(code)) - f64::from(v.abs())).abs();
        let best = (0..=kind.most + 1).min_by(|a, b| distance(*a).total_cmp(&distance(*b)).then((a & 1).cmp(&(b & 1))));
        let sign = if v.is_sign_negative() { 0x80 } else { 0 };
        sign | best.unwrap()
    }

    #[test]
    fn known_codes() {
        for (code, value) in [(0x7e, 448.0), (0x38, 1.0), (0x01, 0.001_953_125), (0x08, 0.015_625), (0xb9, -1.125)] {
            assert_eq!((E4M3.decode(code), E4M3.encode(value)), (value, code));
        }
        for (code, value) in [(0x7b, 57344.0), (0x3c, 1.0), (0x01, 2f32.powi(-16)), (0xbd, -1.25)] {
            assert_eq!((E5M2.decode(code), E5M2.encode(value)), (value, code));
        }
        assert!(E4M3.decode(0x7f).is_nan() && E5M2.decode(0x7c).is_infinite() && E5M2.decode(0x7e).is_nan());
        assert_eq!((E4M3.encode(464.0), E4M3.encode(464.1), E4M3.encode(f32::MAX)), (0x7e, 0x7f, 0x7f));
        assert_eq!((E5M2.encode(-1e9), E5M2.encode(f32::INFINITY)), (0xfc, 0x7c));
        assert!(E4M3.decode(E4M3.encode(f32::NAN)).is_nan() && E5M2.decode(E5M2.encode(f32::NAN)).is_nan());
    }

    #[test]
    fn every_number_goes_to_its_nearest_code() {
        for kind in [&E4M3, &E5M2] {
            for code in 0..=kind.most {
                assert_eq!(kind.encode(kind.decode(code)), code);
                assert_eq!(kind.encode(kind.decode(code | 0x80)), code | 0x80);
            }
            for top in 0..1u32 << 15 {
                for low in [0u32, 1, 0x7fff, 0x8000, 0x8001, 0xffff] {
                    let v = f32::from_bits(top << 16 | low);
                    if v.is_finite() {
                        assert_eq!(kind.encode(v), naive(kind, v), "{v}");
                        assert_eq!(kind.encode(-v), naive(kind, -v), "-{v}");
                    }
                }
            }
        }
    }
}
