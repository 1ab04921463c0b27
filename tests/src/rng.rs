//! Random numbers by position: the i-th number of stream (seed, name) needs none of those before it.

/// One stream.
#[derive(Clone, Copy, Debug)]
pub struct Stream(u64);

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every input bit reaches every output bit.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

impl Stream {
    /// The stream of this seed and number.
    pub fn new(seed: u64, number: u64) -> Stream {
        Stream(mix(mix(seed.wrapping_add(GOLDEN)) ^ number.wrapping_mul(GOLDEN)))
    }

    /// The stream of this seed and name.
    pub fn named(seed: u64, name: &str) -> Stream {
        // FNV-1a
        let hash =
            name.bytes().fold(0xCBF2_9CE4_8422_2325, |h: u64, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01B3));
        Stream::new(seed, hash)
    }

    /// 64 random bits.
    pub fn bits(self, index: u64) -> u64 {
        mix(self.0.wrapping_add(index.wrapping_mul(GOLDEN)))
    }

    /// Uniform in (0, 1).
    pub fn uniform(self, index: u64) -> f64 {
        ((self.bits(index) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Normal with mean 0 and variance 1 (Box–Muller; numbers 2i and 2i + 1 share their two uniforms).
    pub fn normal(self, index: u64) -> f64 {
        let pair = index & !1;
        let radius = (-2.0 * self.uniform(pair).ln()).sqrt();
        let (sine, cosine) = (std::f64::consts::TAU * self.uniform(pair + 1)).sin_cos();
        radius * if index == pair { cosine } else { sine }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normals_have_the_moments_of_normals() {
        let stream = Stream::named(3, "moments");
        let n = 200_000;
        let moment = |k: i32| (0..n).map(|i| stream.normal(i).powi(k)).sum::<f64>() / n as f64;
        let neighbours = (0..n).map(|i| stream.normal(i) * stream.normal(i + 1)).sum::<f64>() / n as f64;
        assert!(moment(1).abs() < 0.01 && (moment(2) - 1.0).abs() < 0.02 && (moment(4) - 3.0).abs() < 0.1);
        assert!(neighbours.abs() < 0.01);
    }

    #[test]
    fn streams_differ_by_seed_and_name() {
        let first = |seed, name| Stream::named(seed, name).bits(0);
        assert_ne!(first(0, "a"), first(1, "a"));
        assert_ne!(first(0, "a"), first(0, "b"));
        assert_eq!(first(0, "a"), first(0, "a"));
    }
}
