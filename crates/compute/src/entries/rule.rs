//! A rule by entry, as data: what becomes of the entries that T adapters have at one position.
//!
//! xᵢ is an entry of ΔWᵢ (scale included, weight not), wᵢ its weight. One position is worked on in five steps, each of
//! them a field:
//!
//! | step | field | what it does |
//! |---|---|---|
//! | sparsify | [`Part::keep`], [`Part::drop`], [`Part::gain`] | hᵢ = gain·xᵢ, or 0 |
//! | select | [`Rule::select`] | sets the position, or adapters at it, to 0 |
//! | elect | [`Rule::elect`] | a sign γ for the position |
//! | combine | [`Rule::combine`] | one number of those wᵢ·hᵢ that are not 0 and have γ |
//! | scale | [`Rule::scale`] | times this |
//!
//! A rule is a few numbers per adapter, so that it can be sent to a GPU as it is; [`super::row`] is its CPU twin. Thresholds
//! are bit patterns of |x| as f32, which are ordered as the magnitudes are: what is equal to one is so everywhere.

use crate::FactorPair;
use crate::rng::Stream;

/// What is done with the adapters' entries at each position.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// One per adapter.
    pub parts: Vec<Part>,
    /// Which positions stay.
    pub select: Select,
    /// Which sign a position gets.
    pub elect: Elect,
    /// What γ is where the adapters cancel: |Σ| at most [`CANCELLED`] of Σ|·|.
    pub cancelled: Cancelled,
    /// One number of those that have it.
    pub combine: Combine,
    /// Times this.
    pub scale: f32,
    /// Added to every xᵢ that its part keeps: a common pair (DOGE).
    pub shift: Option<FactorPair>,
}

/// Sizes that cancel to this share of their sum cancel but for rounding.
pub const CANCELLED: f32 = 1e-6;

/// What is done with one adapter's entries before adapters are compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// wᵢ, any sign.
    pub weight: f32,
    /// Which stay.
    pub keep: Keep,
    /// Which chance takes out.
    pub drop: Drop,
    /// Multiplies those that are left.
    pub gain: f32,
    /// Multiplies those of positions where no other adapter has anything left ([`Combine::Mean`] alone).
    pub alone: f32,
}

impl Part {
    /// All entries, at this weight.
    pub fn new(weight: f64) -> Part {
        Part { weight: weight as f32, keep: Keep::All, drop: Drop::None, gain: 1.0, alone: 1.0 }
    }
}

/// Which of an adapter's entries stay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Keep {
    /// All.
    All,
    /// Those with `least` ≤ bits of |x| < `below`.
    Band {
        /// Bits of the smallest that stays.
        least: u32,
        /// Bits of the smallest above that goes.
        below: u32,
    },
    /// Of each row, by magnitude and of equal ones the earlier first: after the `skip` largest the `keep` next.
    Row {
        /// How many of the largest go.
        skip: usize,
        /// How many stay.
        keep: usize,
    },
}

/// Which of an adapter's entries chance takes out. Entry (r, c) looks at word r·columns + c of the stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Drop {
    /// None.
    None,
    /// Those whose word is below `chance` (of 2³²).
    Flat {
        /// Where the words come from.
        stream: Stream,
        /// How likely one goes, in 2⁻³².
        chance: u32,
    },
    /// An entry stays with a probability that rises with its place in its row, from the smallest (`least`) to the largest
    /// (`most`), in equal steps; their middle in a row of one.
    Ranked {
        /// Where the words come from.
        stream: Stream,
        /// How likely the smallest stays, in (0, 1].
        least: f32,
        /// How likely the largest stays, in (0, 1].
        most: f32,
        /// Those that stay are divided by their probability.
        rescaled: bool,
    },
}

/// Which positions stay.
#[derive(Clone, Debug, PartialEq)]
pub enum Select {
    /// All.
    All,
    /// Those at which at least `least` adapters agree with the combined number m: |wᵢxᵢ| > `factor`·|m − wᵢxᵢ|. (TALL)
    Held {
        /// λ of the mask.
        factor: f32,
        /// How many have to agree.
        least: u32,
        /// Only this adapter is asked.
        only: Option<usize>,
    },
    /// Those where the variance of the gainᵢ·xᵢ has at least these bits. (SCE)
    Varied {
        /// Bits of the smallest variance that stays.
        least: u32,
    },
    /// Each position belongs to one adapter: the first i whose bound is above the position's word. (mosaic)
    Mosaic {
        /// Where the words come from.
        stream: Stream,
        /// Ascending, one per adapter, in 2⁻³².
        bounds: Vec<u32>,
    },
}

/// How a position gets its sign γ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elect {
    /// It gets none: all entries take part.
    None,
    /// The sign of Σ wᵢ·hᵢ.
    Mass,
    /// The sign of Σ hᵢ; an entry takes part if hᵢ has it.
    Unweighted,
    /// The sign of Σ sign(wᵢ·hᵢ).
    Count,
    /// The sign of Σ sign(hᵢ); an entry takes part if hᵢ has it.
    UnweightedCount,
}

impl Elect {
    /// Does the weight take part in the election?
    pub fn weighted(self) -> bool {
        matches!(self, Elect::Mass | Elect::Count)
    }

    /// Does each entry have one vote?
    pub fn counts(self) -> bool {
        matches!(self, Elect::Count | Elect::UnweightedCount)
    }
}

/// γ where the adapters cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// None, and the result is 0.
    Nothing,
    /// +.
    Plus,
    /// −.
    Minus,
}

/// One number of those vᵢ = wᵢ·hᵢ that take part.
#[derive(Clone, Debug, PartialEq)]
pub enum Combine {
    /// Σ vᵢ.
    Sum,
    /// Σ vᵢ over how many they are.
    Mean,
    /// Σ vᵢ / Σ wᵢ of those; Σ vᵢ where the weights cancel.
    Weighted,
    /// The vᵢ of the largest magnitude, of equal ones the first.
    Max,
    /// Σ cᵢ·sᵢ / Σ sᵢ, see [`Score`]: one per adapter. Neither `elect` nor the parts' sparsification plays a part. (PCB)
    Scored(Vec<Score>),
}

/// How an adapter's entries are scored against the others': with τᵢ = wᵢ·xᵢ,
///
/// ```text
/// cᵢ = sign(τᵢ)·clamp(|τᵢ|, low, high)
/// scoreᵢ = exp(T·((|cᵢ| − low)/(high − low))²)·tanh(τᵢ·Σⱼτⱼ)
/// sᵢ = clamp((scoreᵢ − floor)/(top − floor), 0, 1)
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    /// Smallest |τ|.
    pub low: f32,
    /// Largest |τ|.
    pub high: f32,
    /// The score that counts nothing.
    pub floor: f32,
    /// The score that counts 1.
    pub top: f32,
}

impl Rule {
    /// Σ wᵢ·xᵢ.
    pub fn sum(weights: &[f64]) -> Rule {
        Rule {
            parts: weights.iter().map(|weight| Part::new(*weight)).collect(),
            select: Select::All,
            elect: Elect::None,
            cancelled: Cancelled::Nothing,
            combine: Combine::Sum,
            scale: 1.0,
            shift: None,
        }
    }

    /// Does it look at whole rows, or at more than the adapters? Then it is the CPU's.
    pub fn needs_rows(&self) -> bool {
        let by_row = |part: &Part| matches!(part.keep, Keep::Row { .. }) || matches!(part.drop, Drop::Ranked { .. });
        self.shift.is_some() || self.parts.iter().any(by_row)
    }
}
