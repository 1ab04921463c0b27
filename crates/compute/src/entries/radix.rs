//! Exact order statistics by counting: the k-th largest of any number of keys, without storing one of them.
//!
//! A key is 32 bits, ordered as what it stands for. Level 0 counts how many keys have which upper 11 bits; the bin that
//! the k-th largest is in is then known, and level 1 counts the next 11 bits of the keys in that bin, level 2 the last 10.
//! Counts add up, over tiles, modules and machines, so the key that is found is the same however the work was cut.

/// Bits that a level counts, and how far they are shifted.
pub const LEVELS: [(u32, u32); 3] = [(11, 21), (11, 10), (10, 0)];

/// How many bins a level has.
pub fn bins(level: usize) -> usize {
    LEVELS.get(level).map_or(0, |(width, _)| 1 << width)
}

/// Which bin of `level` a key is in, `above` being its bits above the level's; none if it has others.
#[inline]
pub fn bin(key: u32, level: usize, above: u32) -> Option<usize> {
    let (width, shift) = LEVELS[level];
    // Nothing is above the first level's.
    let own = if level == 0 { 0 } else { key >> (width + shift) };
    (own == above).then_some((key >> shift) as usize & ((1 << width) - 1))
}

/// The key of a magnitude: its bits.
#[inline]
pub fn magnitude(x: f32) -> u32 {
    x.abs().to_bits()
}

/// The key of a number with a sign: negative ones below the others.
#[inline]
pub fn ordered(x: f32) -> u32 {
    let bits = x.to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

/// The number of a key of [`ordered`].
pub fn unordered(key: u32) -> f32 {
    f32::from_bits(if key >> 31 == 1 { key & !(1 << 31) } else { !key })
}

/// The upper bits of the `wanted`-th largest key, from the counts of the levels so far: the whole key after the last. The
/// largest where less than one is wanted, 0 where more are than there are. `counts[l]` are the bins of level l.
pub fn found(counts: &[&[f64]], wanted: f64) -> u32 {
    let (mut key, mut wanted) = (0, wanted.max(1.0));
    for (level, counts) in counts.iter().enumerate() {
        if wanted > counts.iter().sum() {
            // Fewer than wanted: the least of them.
            wanted = f64::INFINITY;
        }
        let mut bin = None;
        for (own, count) in counts.iter().enumerate().rev().filter(|(_, count)| **count > 0.0) {
            bin = Some(own);
            if wanted <= *count {
                break;
            }
            wanted -= count;
        }
        key = key << LEVELS[level].0 | bin.unwrap_or(0) as u32;
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    fn select(keys: &[u32], wanted: f64) -> u32 {
        let mut levels: Vec<Vec<f64>> = Vec::new();
        for level in 0..LEVELS.len() {
            let above = found(&levels.iter().map(Vec::as_slice).collect::<Vec<_>>(), wanted);
            let mut counts = vec![0.0; bins(level)];
            keys.iter().filter_map(|key| bin(*key, level, above)).for_each(|bin| counts[bin] += 1.0);
            levels.push(counts);
        }
        found(&levels.iter().map(Vec::as_slice).collect::<Vec<_>>(), wanted)
    }

    #[test]
    fn the_key_is_what_sorting_finds() {
        let stream = Stream::new(5, "radix", 0);
        for spread in [0, 3, 20, 31] {
            let keys: Vec<u32> = (0..500).map(|i| (stream.bits(i) as u32) >> spread).collect();
            let mut sorted = keys.clone();
            sorted.sort_unstable_by(|a, b| b.cmp(a));
            for wanted in [1, 2, 77, 499, 500] {
                assert_eq!(select(&keys, wanted as f64), sorted[wanted - 1], "{spread} {wanted}");
            }
            assert_eq!(select(&keys, 0.0), sorted[0]);
            assert_eq!(select(&keys, 501.0), sorted[499]);
        }
        assert_eq!(select(&[], 3.0), 0);
    }

    #[test]
    fn keys_are_ordered_as_numbers_are() {
        let numbers = [f32::MIN, -1.0, -f32::MIN_POSITIVE, -0.0, 0.0, 1e-40, 1.0, f32::MAX];
        assert!(numbers.windows(2).all(|pair| ordered(pair[0]) < ordered(pair[1])));
        assert!(numbers.iter().all(|x| unordered(ordered(*x)).to_bits() == x.to_bits()));
        assert!(magnitude(-2.0) > magnitude(1.5) && magnitude(-0.0) == magnitude(0.0));
    }
}
