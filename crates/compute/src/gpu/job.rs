//! What the kernels are told, word by word as `wgsl/tile.wgsl` declares it.

use super::upload::Placed;
use crate::entries::{Cancelled, Combine, Drop, Elect, Entries, Keep, Key, Part, Rule, Score, Select};

/// One run of a kernel: the shader's `Job`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Job {
    pub rows: u32,
    pub columns: u32,
    pub row: u32,
    pub slab: u32,
    pub end: u32,
    pub up_stride: u32,
    pub down_stride: u32,
    pub wide: u32,
    pub parts: u32,
    pub across: u32,
    pub cuts: u32,
    pub elect: u32,
    pub cancelled: f32,
    pub combine: u32,
    pub lone: u32,
    pub least: u32,
    pub only: u32,
    pub factor: f32,
    pub scale: f32,
    pub key: [u32; 2],
    pub lane: [u32; 2],
    pub shift: u32,
    pub width: u32,
    pub size: u32,
    pub panels: u32,
    pub into: u32,
}

impl Job {
    /// That of the rule; where and what are not said yet.
    pub fn new(entries: Entries) -> Job {
        // Every field is named, so that a new one is not overlooked; a shift is not taken.
        let Rule { parts, select, elect, cancelled, combine, scale, shift: _ } = entries.rule;
        let mut job = Job {
            rows: entries.out() as u32,
            columns: entries.columns() as u32,
            parts: entries.pairs.len() as u32,
            elect: match elect {
                Elect::None => 0,
                Elect::Mass => 1,
                Elect::Unweighted => 2,
                Elect::Count => 3,
                Elect::UnweightedCount => 4,
            },
            cancelled: match cancelled {
                Cancelled::Nothing => 0.0,
                Cancelled::Plus => 1.0,
                Cancelled::Minus => -1.0,
            },
            combine: match combine {
                Combine::Sum => 0,
                Combine::Mean => 1,
                Combine::Weighted => 2,
                Combine::Max => 3,
                Combine::Scored(_) => 4,
            },
            lone: u32::from(parts.iter().any(|part| part.alone != 1.0)),
            scale: *scale,
            ..Job::default()
        };
        match *select {
            Select::All | Select::Varied { .. } => {}
            Select::Mosaic { stream, .. } => (job.key, job.lane) = stream.parts(),
            Select::Held { factor, least, only } => {
                (job.factor, job.least) = (factor, least);
                job.only = only.map_or(u32::MAX, |only| only as u32);
            }
        }
        job
    }

    /// Its words.
    pub fn words(&self) -> [u32; 32] {
        let Job { rows, columns, row, slab, end, up_stride, down_stride, wide, parts, across, cuts, .. } = *self;
        let Job { elect, combine, lone, least, only, key, lane, shift, width, size, panels, into, .. } = *self;
        let [cancelled, factor, scale] = [self.cancelled, self.factor, self.scale].map(f32::to_bits);
        let ([key_x, key_y], [lane_x, lane_y]) = (key, lane);
        [
            rows,
            columns,
            row,
            slab,
            end,
            up_stride,
            down_stride,
            wide,
            parts,
            across,
            cuts,
            elect,
            cancelled,
            combine,
            lone,
            least,
            only,
            factor,
            scale,
            key_x,
            key_y,
            lane_x,
            lane_y,
            shift,
            width,
            size,
            panels,
            into,
            0,
            0,
            0,
            0,
        ]
    }
}

/// What a kernel is compiled for: what a rule does not do costs no registers then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Made {
    choose: u32,
    elects: bool,
    scores: bool,
    counted: u32,
}

impl Made {
    /// For a rule, and the keys that are counted, if that is what is done.
    pub fn new(rule: &Rule, counted: Option<Key>) -> Made {
        Made {
            choose: match rule.select {
                Select::All => 0,
                Select::Varied { .. } => 1,
                Select::Mosaic { .. } => 2,
                Select::Held { .. } => 3,
            },
            elects: rule.elect != Elect::None,
            scores: matches!(rule.combine, Combine::Scored(_)),
            counted: counted.map_or(0, |key| key as u32),
        }
    }

    /// How often the products of all parts are made for one tile of M.
    pub fn passes(self) -> usize {
        let combined = if self.scores || self.elects { 2 } else { 1 };
        combined + [0, 2, 0, 1][self.choose as usize]
    }

    /// The shaders' constants of these names.
    pub fn constants(self) -> [(&'static str, f64); 4] {
        let Made { choose, elects, scores, counted } = self;
        [("CHOOSE", choose), ("ELECTS", elects.into()), ("SCORES", scores.into()), ("COUNTED", counted)]
            .map(|(name, value)| (name, f64::from(value)))
    }
}

/// The words of part `i`, whose factors stand so: the shader's `Part`.
pub(super) fn part_words(entries: Entries, i: usize, up: Placed, down: Placed) -> [u32; 24] {
    let (rule, Part { weight, keep, drop, gain, alone }) = (entries.rule, entries.rule.parts[i]);
    let (least, below) = match keep {
        Keep::Band { least, below } => (least, below.min(i32::MAX as u32)),
        Keep::All | Keep::Row { .. } => (0, u32::MAX),
    };
    let (chance, [key, lane]) = match drop {
        Drop::Flat { stream, chance } => (chance, stream.parts().into()),
        Drop::None | Drop::Ranked { .. } => (0, [[0; 2]; 2]),
    };
    // Whose key is in this range has the position: all, but for rules that choose.
    let (low, high) = match &rule.select {
        Select::All | Select::Held { .. } => (0, u32::MAX),
        Select::Varied { least } => (*least, u32::MAX),
        Select::Mosaic { bounds, .. } => {
            let low = if i == 0 { 0 } else { bounds[i - 1] };
            match bounds[i] {
                _ if i + 1 == bounds.len() => (low, u32::MAX),
                // None.
                0 => (1, 0),
                bound => (low, bound - 1),
            }
        }
    };
    let score = match &rule.combine {
        Combine::Scored(scores) => scores[i],
        _ => Score::default(),
    };
    let [weight, gain, alone] = [weight, gain, alone].map(f32::to_bits);
    let [a, b, c, d] = [score.low, score.high, score.floor, score.top].map(f32::to_bits);
    let pair = &entries.pairs[i];
    [
        up.at as u32,
        down.at as u32,
        up.format as u32,
        down.format as u32,
        pair.rank as u32,
        (pair.scale as f32).to_bits(),
        weight,
        least,
        below,
        gain,
        alone,
        chance,
        low,
        high,
        0,
        0,
        key[0],
        key[1],
        lane[0],
        lane[1],
        a,
        b,
        c,
        d,
    ]
}
