//! How many directions of a sum are kept.

/// A singular value at or below this share of the largest is numerically null.
pub const NULL: f64 = 1e-6;

/// Which rank a merged module gets. Truncation is always the optimal one: the
/// largest singular values are kept (Eckart–Young).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RankPolicy {
    /// All directions but the numerically null ones: nothing is lost.
    Exact,
    /// At most this many directions (≥ 1).
    Fixed(usize),
    /// As few directions as keep this share of ‖ΔW‖²_F.
    Energy {
        /// Share to keep, in (0, 1].
        share: f64,
        /// Never more directions than this.
        max: Option<usize>,
    },
}

impl RankPolicy {
    /// The number of directions to keep of singular values `sigma` (descending).
    /// At least 1 unless every value is zero.
    pub fn choose(&self, sigma: &[f64]) -> usize {
        self.choose_of(sigma, sigma.iter().map(|s| s * s).sum())
    }

    /// The same where `sigma` are only the largest of a matrix with ‖·‖²_F = `total`.
    pub fn choose_of(&self, sigma: &[f64], total: f64) -> usize {
        let top = sigma.first().copied().unwrap_or(0.0);
        if top <= 0.0 {
            return 0;
        }
        let numeric = sigma.iter().take_while(|s| **s > NULL * top).count();
        match *self {
            RankPolicy::Exact => numeric,
            RankPolicy::Fixed(rank) => numeric.min(rank.max(1)),
            RankPolicy::Energy { share, max } => {
                let target = share * total;
                let mut kept = 0.0;
                let enough = sigma.iter().take_while(|s| {
                    let more = kept < target;
                    kept += **s * **s;
                    more
                });
                let rank = enough.count().clamp(1, numeric);
                max.map_or(rank, |m| rank.min(m.max(1)))
            }
        }
    }

    /// The largest rank this policy can give when `available` directions exist.
    pub fn bound(&self, available: usize) -> usize {
        match *self {
            RankPolicy::Exact => available,
            RankPolicy::Fixed(rank) => available.min(rank.max(1)),
            RankPolicy::Energy { max, .. } => max.map_or(available, |m| available.min(m.max(1))),
        }
    }

    /// The same policy with at most `most` directions.
    #[must_use]
    pub fn capped(&self, most: usize) -> RankPolicy {
        match *self {
            RankPolicy::Exact => RankPolicy::Fixed(most),
            RankPolicy::Fixed(rank) => RankPolicy::Fixed(rank.min(most)),
            RankPolicy::Energy { share, max } => {
                RankPolicy::Energy { share, max: Some(max.map_or(most, |m| m.min(most))) }
            }
        }
    }

    /// True where no direction of `available` ones would be cut off.
    pub(crate) fn keeps_all(&self, available: usize) -> bool {
        match *self {
            RankPolicy::Exact => true,
            RankPolicy::Fixed(rank) => available <= rank,
            RankPolicy::Energy { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGMA: [f64; 4] = [2.0, 1.0, 1e-3, 1e-9];

    #[test]
    fn exact_drops_null_directions_only() {
        assert_eq!(RankPolicy::Exact.choose(&SIGMA), 3);
        assert_eq!(RankPolicy::Exact.choose(&[0.0, 0.0]), 0);
    }

    #[test]
    fn fixed_never_exceeds_what_is_there() {
        assert_eq!(RankPolicy::Fixed(2).choose(&SIGMA), 2);
        assert_eq!(RankPolicy::Fixed(9).choose(&SIGMA), 3);
    }

    #[test]
    fn energy_takes_the_smallest_rank_that_keeps_the_share() {
        // 4/5 of the energy is in the first direction.
        let energy = |share, max| RankPolicy::Energy { share, max }.choose(&SIGMA);
        assert_eq!(energy(0.79, None), 1);
        assert_eq!(energy(0.81, None), 2);
        assert_eq!(energy(1.0, None), 3);
        assert_eq!(energy(1.0, Some(1)), 1);
    }
}
