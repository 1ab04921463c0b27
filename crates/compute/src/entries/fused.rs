//! The rules that most merges use, all steps at once: some entries of every adapter are thinned, elect a sign and are
//! combined while they are in registers. [`super::row`] does the same step by step and for every rule; both give the same
//! bits, in registers of any width.

use super::rule::{CANCELLED, Cancelled, Combine, Drop, Elect, Keep, Rule, Select};
use pulp::{Arch, Simd, WithSimd};
use std::ops::Range;

/// A rule that can be fused.
pub(super) struct Fused {
    parts: Vec<Part>,
    elects: bool,
    counts: bool,
    cancelled: f32,
    combine: Combine,
    scale: f32,
    arch: Arch,
}

/// A part, as the loops want it.
#[derive(Clone, Copy)]
struct Part {
    /// Magnitudes from here on stay …
    least: f32,
    /// … and those below here.
    below: f32,
    gain: f32,
    weight: f32,
    /// What an entry is multiplied by to be a vote.
    vote: f32,
    /// What an entry counts in the average.
    each: f32,
}

impl Fused {
    /// `rule`, where it can be fused.
    pub fn new(rule: &Rule) -> Option<Fused> {
        let plain =
            |part: &super::Part| part.drop == Drop::None && part.alone == 1.0 && !matches!(part.keep, Keep::Row { .. });
        let scored = matches!(rule.combine, Combine::Scored(_));
        if rule.select != Select::All || rule.shift.is_some() || scored || !rule.parts.iter().all(plain) {
            return None;
        }
        let part = |part: &super::Part| {
            let (least, below) = match part.keep {
                Keep::Band { least, below } => (f32::from_bits(least), f32::from_bits(below)),
                _ => (0.0, f32::INFINITY),
            };
            Part {
                least,
                below,
                gain: part.gain,
                weight: part.weight,
                vote: if rule.elect.weighted() { part.weight } else { 1.0 },
                each: if rule.combine == Combine::Mean { 1.0 } else { part.weight },
            }
        };
        Some(Fused {
            parts: rule.parts.iter().map(part).collect(),
            elects: rule.elect != Elect::None,
            counts: rule.elect.counts(),
            cancelled: match rule.cancelled {
                Cancelled::Nothing => 0.0,
                Cancelled::Plus => 1.0,
                Cancelled::Minus => -1.0,
            },
            combine: rule.combine.clone(),
            scale: rule.scale,
            arch: Arch::new(),
        })
    }

    /// m of a row, of the adapters' entries `x` there.
    pub fn merge(&self, x: &[&[f32]], out: &mut [f32]) {
        self.arch.dispatch(OneRow { rule: self, x, out });
    }
}

struct OneRow<'a> {
    rule: &'a Fused,
    x: &'a [&'a [f32]],
    out: &'a mut [f32],
}

impl WithSimd for OneRow<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match (self.rule.elects, self.rule.counts, &self.rule.combine) {
            (false, _, Combine::Max) => self.row::<S, false, false, true>(simd),
            (false, _, _) => self.row::<S, false, false, false>(simd),
            (_, false, Combine::Max) => self.row::<S, true, false, true>(simd),
            (_, true, Combine::Max) => self.row::<S, true, true, true>(simd),
            (_, false, _) => self.row::<S, true, false, false>(simd),
            (_, true, _) => self.row::<S, true, true, false>(simd),
        }
    }
}

// Closures would not be compiled for the instructions that were found: only functions that are always inlined are.
impl OneRow<'_> {
    #[inline(always)]
    fn row<S: Simd, const ELECTS: bool, const COUNTS: bool, const MAX: bool>(self, simd: S) {
        let OneRow { rule, x, out } = self;
        let (blocks, rest) = S::as_mut_simd_f32s(out);
        let start = blocks.len() * S::F32_LANES;
        for (at, out) in blocks.iter_mut().enumerate() {
            let at = at * S::F32_LANES..(at + 1) * S::F32_LANES;
            *out = rule.block::<S, ELECTS, COUNTS, MAX>(simd, x, at);
        }
        if !rest.is_empty() {
            let merged = rule.block::<S, ELECTS, COUNTS, MAX>(simd, x, start..start + rest.len());
            simd.partial_store_f32s(rest, merged);
        }
    }
}

impl Fused {
    #[inline(always)]
    fn block<S: Simd, const ELECTS: bool, const COUNTS: bool, const MAX: bool>(
        &self,
        simd: S,
        x: &[&[f32]],
        at: Range<usize>,
    ) -> S::f32s {
        let (zero, one) = (simd.splat_f32s(0.0), simd.splat_f32s(1.0));
        let mut gamma = zero;
        if ELECTS {
            let (mut sum, mut size) = (zero, zero);
            for (part, x) in self.parts.iter().zip(x) {
                let vote = simd.mul_f32s(simd.splat_f32s(part.vote), part.thinned(simd, &x[at.clone()]));
                let vote = if COUNTS { signs(simd, vote) } else { vote };
                sum = simd.add_f32s(sum, vote);
                size = simd.add_f32s(size, simd.abs_f32s(vote));
            }
            let dust = simd.mul_f32s(simd.splat_f32s(CANCELLED), size);
            let gone = simd.less_than_or_equal_f32s(simd.abs_f32s(sum), dust);
            gamma = simd.select_f32s(gone, simd.splat_f32s(self.cancelled), signs(simd, sum));
        }
        let (up, down) = (simd.greater_than_f32s(gamma, zero), simd.less_than_f32s(gamma, zero));
        let (mut out, mut count) = (zero, zero);
        for (part, x) in self.parts.iter().zip(x) {
            // Made twice rather than kept: there can be any number of adapters.
            let h = part.thinned(simd, &x[at.clone()]);
            let vote = simd.mul_f32s(simd.splat_f32s(part.vote), h);
            let v = simd.mul_f32s(simd.splat_f32s(part.weight), h);
            let (above, under) = (simd.greater_than_f32s(vote, zero), simd.less_than_f32s(vote, zero));
            let taken = if ELECTS {
                simd.or_m32s(simd.and_m32s(above, up), simd.and_m32s(under, down))
            } else {
                simd.or_m32s(above, under)
            };
            if MAX {
                let more = simd.greater_than_f32s(simd.abs_f32s(v), simd.abs_f32s(out));
                out = simd.select_f32s(simd.and_m32s(taken, more), v, out);
            } else {
                out = simd.add_f32s(out, simd.select_f32s(taken, v, zero));
                count = simd.add_f32s(count, simd.select_f32s(taken, simd.splat_f32s(part.each), zero));
            }
        }
        match self.combine {
            Combine::Mean => {
                let few = simd.less_than_f32s(count, one);
                out = simd.div_f32s(out, simd.select_f32s(few, one, count));
            }
            Combine::Weighted => {
                let some = simd.greater_than_f32s(simd.abs_f32s(count), simd.splat_f32s(1e-12));
                out = simd.div_f32s(out, simd.select_f32s(some, count, one));
            }
            Combine::Sum | Combine::Max | Combine::Scored(_) => {}
        }
        simd.mul_f32s(out, simd.splat_f32s(self.scale))
    }
}

impl Part {
    /// h of at most a register's entries.
    #[inline(always)]
    fn thinned<S: Simd>(&self, simd: S, x: &[f32]) -> S::f32s {
        let x = match S::as_simd_f32s(x).0 {
            [x] => *x,
            _ => simd.partial_load_f32s(x),
        };
        let size = simd.abs_f32s(x);
        let stays = simd.and_m32s(
            simd.greater_than_or_equal_f32s(size, simd.splat_f32s(self.least)),
            simd.less_than_f32s(size, simd.splat_f32s(self.below)),
        );
        simd.select_f32s(stays, simd.mul_f32s(x, simd.splat_f32s(self.gain)), simd.splat_f32s(0.0))
    }
}

/// −1, 0 or 1.
#[inline(always)]
fn signs<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let zero = simd.splat_f32s(0.0);
    let minus = simd.select_f32s(simd.less_than_f32s(x, zero), simd.splat_f32s(-1.0), zero);
    simd.select_f32s(simd.greater_than_f32s(x, zero), simd.splat_f32s(1.0), minus)
}
