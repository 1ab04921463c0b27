//! Scores of entries, see [`Score`]: how large one is among its adapter's, and how far all adapters agree with it.

use super::rule::{Part, Score};

/// m of positions `start`, … by the scores of all adapters.
pub(super) fn scored(parts: &[Part], scores: &[Score], x: &[&[f32]], start: usize, out: &mut [f32]) {
    for (j, m) in (start..).zip(out.iter_mut()) {
        let (mut sum, mut weight) = (0.0, 0.0);
        for (i, score) in scores.iter().enumerate() {
            let (c, value) = score_of(parts, score, x, i, j);
            let width = score.top - score.floor;
            let s = if width > 0.0 { ((value - score.floor) / width).clamp(0.0, 1.0) } else { 0.0 };
            sum += c * s;
            weight += s;
        }
        *m = sum / weight.max(1e-12);
    }
}

/// c and the score of adapter `i` at position `j`.
pub(super) fn score_of(parts: &[Part], score: &Score, x: &[&[f32]], i: usize, j: usize) -> (f32, f32) {
    let own = parts[i].weight * x[i][j];
    let sum: f32 = parts.iter().zip(x).map(|(part, x)| part.weight * x[j]).sum();
    let clamped = own.abs().max(score.low).min(score.high);
    let width = score.high - score.low;
    let place = if width > 0.0 { (clamped - score.low) / width } else { 0.0 };
    let value = (parts.len() as f32 * place * place).exp() * (own * sum).tanh();
    (if own == 0.0 { 0.0 } else { clamped.copysign(own) }, value)
}
