//! Rows of factor pairs: parts of a whole, and wholes of parts. Nothing is rounded.

use crate::fuse::Cut;
use rankweave_compute::FactorPair;

/// The pair whose rows `cut.to…` are the rows `cut.from…` of `pair`, in a module of `out` rows; all others are zero.
/// Units that do nothing in these rows are left out, unless none does anything.
pub(crate) fn cut(pair: FactorPair, cut: Cut, out: usize) -> FactorPair {
    let rank = pair.rank;
    if (cut.from, cut.to, cut.rows) == (0, 0, out) && pair.out == out {
        return pair;
    }
    let rows = &pair.up[cut.from * rank..(cut.from + cut.rows) * rank];
    let works = |slot: &usize| rows.iter().skip(*slot).step_by(rank).any(|x| *x != 0.0);
    let mut slots: Vec<usize> = (0..rank).filter(works).collect();
    if slots.is_empty() {
        slots = (0..rank).collect();
    }
    let mut part = FactorPair::zero(out, pair.columns, slots.len());
    for (row, to) in rows.chunks_exact(rank).zip(part.up.chunks_exact_mut(slots.len()).skip(cut.to)) {
        slots.iter().zip(to).for_each(|(slot, to)| *to = row[*slot]);
    }
    for (slot, to) in slots.iter().zip(part.down.chunks_exact_mut(pair.columns)) {
        to.copy_from_slice(&pair.down[slot * pair.columns..(slot + 1) * pair.columns]);
    }
    part.scale = pair.scale;
    part
}

/// The sum of one adapter's pairs, side by side. Pairs with the same down factor and scale share it, as they did before
/// a whole module was taken apart.
pub(crate) fn stack(mut pairs: Vec<FactorPair>) -> FactorPair {
    let alike = |a: &FactorPair, b: &FactorPair| a.scale == b.scale && a.down == b.down;
    if pairs.len() > 1 && pairs.windows(2).all(|pair| alike(&pair[0], &pair[1])) {
        let mut whole = pairs.swap_remove(0);
        for pair in pairs {
            // Their rows are apart: where one is not zero, the others are.
            whole.up.iter_mut().zip(pair.up).for_each(|(sum, x)| *sum += x);
        }
        return whole;
    }
    if pairs.len() == 1 {
        return pairs.swap_remove(0);
    }
    let Some(first) = pairs.first() else { return FactorPair::zero(0, 0, 0) };
    let one_scale = pairs.iter().all(|pair| pair.scale == first.scale);
    let scale = if one_scale { first.scale } else { 1.0 };
    let (out, columns) = (first.out, first.columns);
    let mut whole = FactorPair::zero(out, columns, pairs.iter().map(|pair| pair.rank).sum());
    whole.scale = scale;
    let (mut slot, rank) = (0, whole.rank);
    for pair in pairs {
        let by = (pair.scale / scale) as f32;
        for (row, to) in pair.up.chunks_exact(pair.rank).zip(whole.up.chunks_exact_mut(rank)) {
            row.iter().zip(&mut to[slot..]).for_each(|(x, to)| *to = x * by);
        }
        whole.down[slot * columns..(slot + pair.rank) * columns].copy_from_slice(&pair.down);
        slot += pair.rank;
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries that tell themselves apart.
    fn pair(out: usize, rank: usize, start: f32, scale: f64) -> FactorPair {
        let mut pair = FactorPair::zero(out, 3, rank);
        pair.up.iter_mut().enumerate().for_each(|(i, x)| *x = start + i as f32);
        pair.down.iter_mut().enumerate().for_each(|(i, x)| *x = start - 0.5 * i as f32);
        pair.scale = scale;
        pair
    }

    fn dense(pair: &FactorPair) -> Vec<f64> {
        let entry = |i: usize, j: usize| -> f64 {
            let unit = |p: usize| f64::from(pair.up[i * pair.rank + p]) * f64::from(pair.down[p * pair.columns + j]);
            pair.scale * (0..pair.rank).map(unit).sum::<f64>()
        };
        (0..pair.out).flat_map(|i| (0..pair.columns).map(move |j| (i, j))).map(|(i, j)| entry(i, j)).collect()
    }

    #[test]
    fn parts_of_a_whole_are_its_rows() {
        let whole = pair(6, 2, 1.0, 0.5);
        let part = cut(whole.clone(), Cut { from: 2, to: 0, rows: 3 }, 3);
        assert_eq!(dense(&part), dense(&whole)[6..15]);
    }

    #[test]
    fn a_whole_of_parts_has_their_rows_whatever_their_scales() {
        for (second, third) in [(0.5, 0.5), (2.0, -3.0)] {
            let parts = [pair(2, 2, 1.0, 0.5), pair(1, 1, 7.0, second), pair(3, 2, -4.0, third)];
            let expected: Vec<f64> = parts.iter().flat_map(dense).collect();
            let starts = [0, 2, 3];
            let placed = parts.iter().zip(starts).map(|(p, to)| cut(p.clone(), Cut { from: 0, to, rows: p.out }, 6));
            let whole = stack(placed.collect());
            assert_eq!((whole.rank, dense(&whole)), (5, expected));
        }
    }

    #[test]
    fn a_whole_taken_apart_and_put_together_is_itself() {
        let whole = pair(6, 2, 1.0, 0.5);
        let parts = [(0, 2), (2, 1), (3, 3)].map(|(from, rows)| cut(whole.clone(), Cut { from, to: 0, rows }, rows));
        let placed = parts.into_iter().zip([0, 2, 3]).map(|(p, to)| {
            let rows = p.out;
            cut(p, Cut { from: 0, to, rows }, 6)
        });
        assert_eq!(stack(placed.collect()), whole);
    }

    #[test]
    fn parts_put_together_and_taken_apart_are_themselves() {
        let parts = [pair(2, 2, 1.0, 0.5), pair(3, 1, 7.0, 0.5)];
        let placed = parts.iter().zip([0, 2]).map(|(p, to)| cut(p.clone(), Cut { from: 0, to, rows: p.out }, 5));
        let whole = stack(placed.collect());
        assert_eq!(cut(whole.clone(), Cut { from: 0, to: 0, rows: 2 }, 2), parts[0]);
        assert_eq!(cut(whole, Cut { from: 2, to: 0, rows: 3 }, 3), parts[1]);
    }
}
