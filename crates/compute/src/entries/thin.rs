//! What is left of one adapter's entries before adapters are compared: by size, by place in the row, by chance.

use super::radix;
use super::rule::{Drop, Keep, Part};

/// h of the entries `x`, which begin at entry `start` of the module; `words` and `order` are room. Rules that rank need
/// whole rows.
pub(super) fn thin(part: &Part, x: &[f32], h: &mut [f32], start: u64, words: &mut [u32], order: &mut Vec<u64>) {
    let gain = part.gain;
    match part.keep {
        Keep::All => h.iter_mut().zip(x).for_each(|(h, x)| *h = x * gain),
        Keep::Band { least, below } => {
            // The bits of a magnitude are below 2³¹, and signed comparisons are the faster ones.
            let (least, below) = (least.cast_signed(), below.min(i32::MAX as u32).cast_signed());
            for (h, x) in h.iter_mut().zip(x) {
                let bits = radix::magnitude(*x).cast_signed();
                *h = if (bits >= least) & (bits < below) { x * gain } else { 0.0 };
            }
        }
        Keep::Row { skip, keep } => {
            h.fill(0.0);
            rank(x, order);
            let all = order.len();
            let kept = all.saturating_sub(skip.saturating_add(keep))..all.saturating_sub(skip);
            order[kept].iter().map(|at| place(*at)).for_each(|at| h[at] = x[at] * gain);
        }
    }
    match part.drop {
        Drop::None => {}
        Drop::Flat { stream, chance } => {
            stream.words(start, words);
            for (h, word) in h.iter_mut().zip(words) {
                *h = if *word < chance { 0.0 } else { *h };
            }
        }
        Drop::Ranked { stream, least, most, rescaled } => {
            stream.words(start, words);
            rank(x, order);
            let steps = order.len().saturating_sub(1).max(1) as f32;
            for (before, at) in order.iter().enumerate() {
                let share = if order.len() == 1 { 0.5 } else { before as f32 / steps };
                let stays = least + (most - least) * share;
                let at = place(*at);
                if f64::from(words[at]) >= f64::from(stays) * 4_294_967_296.0 {
                    h[at] = 0.0;
                } else if rescaled {
                    h[at] /= stays;
                }
            }
        }
    }
}

/// Entries by magnitude, the smallest first and of equal ones the later first: each as its magnitude's bits, and below them
/// its position counted from the end ([`place`]). One number sorts faster than two.
fn rank(x: &[f32], order: &mut Vec<u64>) {
    order.clear();
    order.extend((0..x.len() as u32).zip(x).map(|(at, x)| u64::from(radix::magnitude(*x)) << 32 | u64::from(!at)));
    order.sort_unstable();
}

/// Where a ranked entry stands in its row.
fn place(ranked: u64) -> usize {
    !(ranked as u32) as usize
}
