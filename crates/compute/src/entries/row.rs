//! A rule on one row of all adapters: the CPU's kernel. Each step is a loop of its own over
//! some entries, a simple one that vectorises.

use super::fused::Fused;
use super::rule::{CANCELLED, Cancelled, Combine, Elect, Part, Rule, Score, Select};
use super::scored::{score_of, scored};
use super::sums::Sums;
use super::thin::thin;
use std::ops::Range;

/// Entries worked on at a time, so that all that a step touches stays in the first cache.
const CHUNK: usize = 512;

/// Room for one row of every adapter.
pub(super) struct Row<'a> {
    rule: &'a Rule,
    columns: usize,
    fused: Option<Fused>,
    /// hᵢ, adapter by adapter.
    thinned: Vec<f32>,
    /// γ of each position, as +1, −1 or 0.
    sign: Vec<f32>,
    sum: Vec<f32>,
    size: Vec<f32>,
    words: Vec<u32>,
    /// A row's entries by magnitude, see [`rank`].
    order: Vec<u64>,
    /// How many masks hold at each position, with [`Select::Held`].
    masks: Vec<u32>,
}

impl<'a> Row<'a> {
    pub fn new(rule: &'a Rule, columns: usize) -> Row<'a> {
        let row = || vec![0.0; columns];
        Row {
            rule,
            columns,
            fused: Fused::new(rule),
            thinned: vec![0.0; rule.parts.len() * columns],
            sign: row(),
            sum: row(),
            size: row(),
            words: vec![0; columns],
            order: Vec::new(),
            masks: vec![0; columns],
        }
    }

    /// m of row `row`, of the adapters' entries `x` there and the common `shift`'s.
    pub fn merge(&mut self, x: &[&[f32]], shift: Option<&[f32]>, row: usize, out: &mut [f32]) {
        match &self.fused {
            Some(fused) => fused.merge(x, out),
            None => self.by_steps(x, shift, row, out),
        }
    }

    /// The same step by step.
    fn by_steps(&mut self, x: &[&[f32]], shift: Option<&[f32]>, row: usize, out: &mut [f32]) {
        let by_row = self.rule.needs_rows();
        if by_row {
            self.thin(x, row, 0..self.columns);
        }
        for start in (0..self.columns).step_by(CHUNK) {
            let range = start..self.columns.min(start + CHUNK);
            let out = &mut out[range.clone()];
            if !by_row {
                self.thin(x, row, range.clone());
            }
            if let Some(shift) = shift {
                for thinned in self.thinned.chunks_exact_mut(self.columns) {
                    let both = thinned[range.clone()].iter_mut().zip(&shift[range.clone()]);
                    both.for_each(|(h, d)| *h = if *h == 0.0 { 0.0 } else { *h + d });
                }
            }
            self.select(x, row, range.clone());
            match &self.rule.combine {
                Combine::Scored(scores) => scored(&self.rule.parts, scores, x, start, out),
                _ => {
                    self.elect(range.clone());
                    self.combine(range.clone(), out);
                }
            }
            self.mask(x, start, out);
            out.iter_mut().for_each(|m| *m *= self.rule.scale);
        }
    }

    /// hᵢ of row `row`, before any selection.
    fn thin(&mut self, x: &[&[f32]], row: usize, range: Range<usize>) {
        let start = (row * self.columns + range.start) as u64;
        for ((part, x), h) in self.rule.parts.iter().zip(x).zip(self.thinned.chunks_exact_mut(self.columns)) {
            let (x, h) = (&x[range.clone()], &mut h[range.clone()]);
            thin(part, x, h, start, &mut self.words[range.clone()], &mut self.order);
        }
    }

    fn select(&mut self, x: &[&[f32]], row: usize, range: Range<usize>) {
        match &self.rule.select {
            Select::All | Select::Held { .. } => {}
            Select::Varied { least } => {
                let varied = &mut self.size[range.clone()];
                variance(&self.rule.parts, x, range.start, &mut self.sum[range.clone()], varied);
                for h in self.thinned.chunks_exact_mut(self.columns) {
                    for (h, variance) in h[range.clone()].iter_mut().zip(varied.iter()) {
                        *h = if variance.to_bits() < *least { 0.0 } else { *h };
                    }
                }
            }
            Select::Mosaic { stream, bounds } => {
                let words = &mut self.words[range.clone()];
                stream.words((row * self.columns + range.start) as u64, words);
                for (i, h) in self.thinned.chunks_exact_mut(self.columns).enumerate() {
                    let from = if i == 0 { 0 } else { bounds[i - 1] };
                    // The last takes what is left.
                    let last = i + 1 == bounds.len();
                    for (h, word) in h[range.clone()].iter_mut().zip(words.iter()) {
                        *h = if (*word >= from) & ((*word < bounds[i]) | last) { *h } else { 0.0 };
                    }
                }
            }
        }
    }

    /// γ of some positions.
    fn elect(&mut self, range: Range<usize>) {
        let elect = self.rule.elect;
        if elect == Elect::None {
            return;
        }
        let (sum, size) = (&mut self.sum[range.clone()], &mut self.size[range.clone()]);
        sum.fill(0.0);
        size.fill(0.0);
        for (part, h) in self.rule.parts.iter().zip(self.thinned.chunks_exact(self.columns)) {
            let (weight, h) = (if elect.weighted() { part.weight } else { 1.0 }, &h[range.clone()]);
            if elect.counts() {
                add_votes(sum, size, h, |h| sign(weight * h));
            } else {
                add_votes(sum, size, h, |h| weight * h);
            }
        }
        let cancelled = match self.rule.cancelled {
            Cancelled::Nothing => 0.0,
            Cancelled::Plus => 1.0,
            Cancelled::Minus => -1.0,
        };
        for ((gamma, sum), size) in self.sign[range].iter_mut().zip(&*sum).zip(&*size) {
            *gamma = if sum.abs() <= CANCELLED * size { cancelled } else { 1f32.copysign(*sum) };
        }
    }

    /// m of the hᵢ that have γ.
    fn combine(&mut self, range: Range<usize>, out: &mut [f32]) {
        let rule = self.rule;
        let gamma = &self.sign[range.clone()];
        let (count, alone) = (&mut self.size[range.clone()], &mut self.sum[range.clone()]);
        let lone = rule.parts.iter().any(|part| part.alone != 1.0);
        out.fill(0.0);
        count.fill(0.0);
        if lone {
            alone.fill(0.0);
        }
        for (part, h) in rule.parts.iter().zip(self.thinned.chunks_exact(self.columns)) {
            let h = &h[range.clone()];
            // A vote for γ has its sign; where nothing is elected every entry has its own.
            let vote = if rule.elect.weighted() { part.weight } else { 1.0 };
            let each = if rule.combine == Combine::Mean { 1.0 } else { part.weight };
            match (&rule.combine, rule.elect) {
                (Combine::Max, Elect::None) => largest(out, h, h, 1.0, part.weight),
                (Combine::Max, _) => largest(out, h, gamma, vote, part.weight),
                (Combine::Sum, Elect::None) => out.iter_mut().zip(h).for_each(|(m, h)| *m += part.weight * h),
                (_, Elect::None) => average(out, count, h, h, (1.0, part.weight, each)),
                _ => average(out, count, h, gamma, (vote, part.weight, each)),
            }
            if lone && rule.elect == Elect::None {
                alone.iter_mut().zip(h).for_each(|(alone, h)| *alone += if *h == 0.0 { 0.0 } else { part.alone });
            } else if lone {
                for ((alone, h), gamma) in alone.iter_mut().zip(h).zip(gamma) {
                    *alone += if agree(vote * h, *gamma) { part.alone } else { 0.0 };
                }
            }
        }
        match rule.combine {
            Combine::Mean if lone => {
                for ((m, count), alone) in out.iter_mut().zip(&*count).zip(&*alone) {
                    *m = if *count == 1.0 { *m * alone } else { *m / count.max(1.0) };
                }
            }
            Combine::Mean => out.iter_mut().zip(&*count).for_each(|(m, count)| *m /= count.max(1.0)),
            Combine::Weighted => {
                for (m, count) in out.iter_mut().zip(&*count) {
                    *m = if count.abs() > 1e-12 { *m / count } else { *m };
                }
            }
            Combine::Sum | Combine::Max | Combine::Scored(_) => {}
        }
    }

    /// Applies the masks that compare with what was combined.
    fn mask(&mut self, x: &[&[f32]], start: usize, out: &mut [f32]) {
        let Select::Held { factor, least, only } = self.rule.select else { return };
        for (j, (m, masks)) in out.iter_mut().zip(&mut self.masks[start..]).enumerate() {
            *masks = held(&self.rule.parts, x, start + j, *m, factor, only);
            *m = if *masks < least { 0.0 } else { *m };
        }
    }

    /// The variance of the gainᵢ·xᵢ at each position.
    pub fn varied(&mut self, x: &[&[f32]]) -> &[f32] {
        variance(&self.rule.parts, x, 0, &mut self.sum, &mut self.size);
        &self.size
    }

    /// Finds the scores of adapter `i`'s entries, by what is known of `scores` so far.
    pub fn score(&mut self, scores: &[Score], x: &[&[f32]], i: usize) {
        for (j, score) in self.size.iter_mut().enumerate() {
            *score = score_of(&self.rule.parts, &scores[i], x, i, j).1;
        }
    }

    /// Those found last.
    pub fn scores(&self) -> &[f32] {
        &self.size
    }

    /// Adds row `row`, which was merged last, to the sums; `m` is what it gave.
    pub fn add(&mut self, x: &[&[f32]], row: usize, m: &[f32], sums: &mut Sums) {
        if self.fused.is_some() {
            self.thin(x, row, 0..self.columns);
        }
        let masked = matches!(self.rule.select, Select::Held { .. });
        sums.add(&self.rule.parts, x, &self.thinned, masked.then_some(&self.masks), m);
    }
}

/// −1, 0 or 1.
#[inline(always)]
fn sign(x: f32) -> f32 {
    if x == 0.0 { 0.0 } else { 1f32.copysign(x) }
}

/// Have they one sign, and are they not 0? Their product could underflow.
#[inline(always)]
fn agree(vote: f32, gamma: f32) -> bool {
    ((vote > 0.0) & (gamma > 0.0)) | ((vote < 0.0) & (gamma < 0.0))
}

#[inline(always)]
fn add_votes(sum: &mut [f32], size: &mut [f32], h: &[f32], vote: impl Fn(f32) -> f32) {
    for ((sum, size), h) in sum.iter_mut().zip(size).zip(h) {
        let vote = vote(*h);
        *sum += vote;
        *size += vote.abs();
    }
}

/// Adds those that have γ, and what each of them counts. Two loops are two simple ones.
fn average(out: &mut [f32], count: &mut [f32], h: &[f32], gamma: &[f32], (vote, weight, each): (f32, f32, f32)) {
    for ((m, h), gamma) in out.iter_mut().zip(h).zip(gamma) {
        *m += if agree(vote * h, *gamma) { weight * h } else { 0.0 };
    }
    for ((count, h), gamma) in count.iter_mut().zip(h).zip(gamma) {
        *count += if agree(vote * h, *gamma) { each } else { 0.0 };
    }
}

/// Takes those that have γ and are larger.
fn largest(out: &mut [f32], h: &[f32], gamma: &[f32], vote: f32, weight: f32) {
    for ((m, h), gamma) in out.iter_mut().zip(h).zip(gamma) {
        let v = weight * h;
        *m = if agree(vote * h, *gamma) & (v.abs() > m.abs()) { v } else { *m };
    }
}

/// How many adapters' masks hold at position `j`.
fn held(parts: &[Part], x: &[&[f32]], j: usize, m: f32, factor: f32, only: Option<usize>) -> u32 {
    let holds = |(i, part): (usize, &Part)| {
        let own = part.weight * x[i][j];
        only.is_none_or(|only| only == i) && own.abs() > factor * (m - own).abs()
    };
    parts.iter().enumerate().filter(|part| holds(*part)).count() as u32
}

/// The variance of the gainᵢ·xᵢ from position `start` on, into `variance`.
fn variance(parts: &[Part], x: &[&[f32]], start: usize, mean: &mut [f32], variance: &mut [f32]) {
    let share = 1.0 / parts.len().max(1) as f32;
    mean.fill(0.0);
    variance.fill(0.0);
    for (part, x) in parts.iter().zip(x) {
        mean.iter_mut().zip(&x[start..]).for_each(|(mean, x)| *mean += part.gain * x);
    }
    mean.iter_mut().for_each(|mean| *mean *= share);
    for (part, x) in parts.iter().zip(x) {
        for ((variance, mean), x) in variance.iter_mut().zip(mean.iter()).zip(&x[start..]) {
            let away = part.gain * x - mean;
            *variance += away * away;
        }
    }
    variance.iter_mut().for_each(|variance| *variance *= share);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entries::Keep;

    #[test]
    fn fused_and_step_by_step_are_the_same_bits() {
        let stream = crate::rng::Stream::new(1, "row", 0);
        let columns = 2 * CHUNK + 37;
        let mut fused = 0;
        for case in 0..240u64 {
            let draw = |n: u64| stream.bits(1000 * case + n) as usize;
            let count = 1 + draw(0) % 4;
            // Many equal and opposite entries, and some that are 0.
            let entry = |i: u64| (stream.bits((case + 1) << 32 | i) % 9) as f32 * 0.25 - 1.0;
            let x: Vec<f32> = (0..(count * columns) as u64).map(entry).collect();
            let x: Vec<&[f32]> = x.chunks_exact(columns).collect();
            let elects = [Elect::None, Elect::Mass, Elect::Unweighted, Elect::Count, Elect::UnweightedCount];
            let mut rule = Rule {
                elect: elects[draw(1) % 5],
                cancelled: [Cancelled::Nothing, Cancelled::Plus, Cancelled::Minus][draw(2) % 3],
                combine: [Combine::Sum, Combine::Mean, Combine::Weighted, Combine::Max][draw(3) % 4].clone(),
                scale: [1.0, 0.3][draw(4) % 2],
                ..Rule::sum(&[1.0, -0.7, 0.4, 1.0][..count])
            };
            for (i, part) in rule.parts.iter_mut().enumerate() {
                if draw(5 + i as u64).is_multiple_of(2) {
                    part.keep = Keep::Band { least: 0.5f32.to_bits(), below: 1.0f32.to_bits() };
                }
                part.gain = [1.0, 2.5][draw(9 + i as u64) % 2];
            }
            let mut row = Row::new(&rule, columns);
            let (mut one, mut other) = (vec![0.0; columns], vec![0.0; columns]);
            fused += usize::from(row.fused.is_some());
            row.merge(&x, None, 0, &mut one);
            row.by_steps(&x, None, 0, &mut other);
            let differs = one.iter().zip(&other).position(|(a, b)| a != b);
            assert_eq!(differs, None, "{rule:?}");
        }
        assert_eq!(fused, 240);
    }
}
