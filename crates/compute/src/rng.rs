//! Random numbers by position: number i of a stream needs none of those before it, so that chance does not depend on
//! who works on what, and when.
//!
//! Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011) over the counter (index, lane), keyed by the stream. A stream is
//! named by the recipe's seed, a text (a module's name) and a number (an adapter, a restart). These are not the numbers
//! of any other program: methods that draw agree with other implementations in distribution, not in value.

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// One stream of random numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stream {
    key: [u32; 2],
    lane: u64,
}

impl Stream {
    /// The stream of `seed`, `name` and `lane`.
    pub fn new(seed: u64, name: &str, lane: u64) -> Stream {
        // FNV-1a, then one block of the generator itself to spread it.
        let hash =
            name.bytes().fold(0xCBF2_9CE4_8422_2325, |h: u64, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01B3));
        let [a, b, ..] = philox(words_of(hash, 0), [seed as u32, (seed >> 32) as u32]);
        Stream { key: [a, b], lane }
    }

    /// 64 random bits.
    pub fn bits(self, index: u64) -> u64 {
        let [a, b, ..] = philox(words_of(index, self.lane), self.key);
        u64::from(a) | u64::from(b) << 32
    }

    /// Words `start`, `start` + 1, … of the stream, 32 random bits each: word i is word i mod 4 of block ⌊i/4⌋. These are
    /// for masks: a GPU makes the same ones.
    pub fn words(self, start: u64, words: &mut [u32]) {
        let mut at = start;
        let mut rest = words;
        while !rest.is_empty() {
            let block = philox(words_of(at / 4, self.lane), self.key);
            let from = (at % 4) as usize;
            let count = (4 - from).min(rest.len());
            let (these, others) = rest.split_at_mut(count);
            these.copy_from_slice(&block[from..from + count]);
            (rest, at) = (others, at + count as u64);
        }
    }

    /// What a block of [`Stream::words`] is made of: the key, and the counter's upper two words.
    pub fn parts(self) -> ([u32; 2], [u32; 2]) {
        (self.key, [self.lane as u32, (self.lane >> 32) as u32])
    }

    /// Uniform in the open interval (0, 1), 53 bits.
    pub fn uniform(self, index: u64) -> f64 {
        ((self.bits(index) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Normal with mean 0 and variance 1: Box–Muller of one block.
    pub fn normal(self, index: u64) -> f64 {
        let [a, b, c, d] = philox(words_of(index, self.lane), self.key);
        let uniform =
            |low: u32, high: u32| (((u64::from(low) | u64::from(high) << 32) >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
        (-2.0 * uniform(a, b).ln()).sqrt() * (std::f64::consts::TAU * uniform(c, d)).cos()
    }
}

fn words_of(low: u64, high: u64) -> [u32; 4] {
    [low as u32, (low >> 32) as u32, high as u32, (high >> 32) as u32]
}

fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    let wide = |a: u32, b: u32| u64::from(a) * u64::from(b);
    for _ in 0..10 {
        let (first, second) = (wide(MULTIPLIERS[0], counter[0]), wide(MULTIPLIERS[1], counter[2]));
        counter = [
            (second >> 32) as u32 ^ counter[1] ^ key[0],
            second as u32,
            (first >> 32) as u32 ^ counter[3] ^ key[1],
            first as u32,
        ];
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_philox4x32_10() {
        // Random123's known answers.
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8]);
        assert_eq!(philox([u32::MAX; 4], [u32::MAX; 2]), [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD]);
        let (counter, key) = ([0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344], [0xA409_3822, 0x299F_31D0]);
        assert_eq!(philox(counter, key), [0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1]);
    }

    #[test]
    fn words_are_the_same_wherever_they_start() {
        let stream = Stream::new(9, "words", 2);
        let mut all = [0; 23];
        stream.words(0, &mut all);
        for start in 0..9 {
            let mut some = [0; 11];
            stream.words(start as u64, &mut some);
            assert_eq!(some, all[start..start + 11]);
        }
        assert_eq!(u64::from(all[8]) | u64::from(all[9]) << 32, stream.bits(2));
    }

    #[test]
    fn streams_differ_by_each_part_of_their_names() {
        let streams =
            [(1, "a", 0), (2, "a", 0), (1, "b", 0), (1, "a", 1)].map(|(s, n, l)| Stream::new(s, n, l).bits(0));
        assert!((0..4).all(|i| (0..i).all(|j| streams[i] != streams[j])));
    }

    #[test]
    fn numbers_have_the_moments_they_should() {
        let stream = Stream::new(3, "moments", 7);
        let n = 100_000;
        let mean = |f: &dyn Fn(u64) -> f64| (0..n).map(f).sum::<f64>() / n as f64;
        assert!((mean(&|i| stream.uniform(i)) - 0.5).abs() < 0.005);
        assert!((mean(&|i| stream.uniform(i).powi(2)) - 1.0 / 3.0).abs() < 0.005);
        assert!(mean(&|i| stream.normal(i)).abs() < 0.015);
        assert!((mean(&|i| stream.normal(i).powi(2)) - 1.0).abs() < 0.02);
        assert!(mean(&|i| stream.normal(i) * stream.normal(i + 1)).abs() < 0.015);
    }
}
