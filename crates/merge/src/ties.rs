//! TIES on numbers side by side: trim what is small, elect a sign, combine what has it.
//!
//! | step | what it does to position p of every part |
//! |---|---|
//! | snap | rounds away what only rounding made |
//! | trim | keeps each part's entries of the largest magnitudes; of equal ones the earlier |
//! | elect | the sign of Σ over the parts; + where they cancel or are all zero |
//! | combine | mean, sum or largest of the parts that are not zero and have that sign |
//!
//! A part is a matrix in any basis, its entries in any order, the same for all parts. (Yadav et al., NeurIPS 2023,
//! <https://arxiv.org/abs/2306.01708>; the threshold is each part's own.)

/// Rounds to 30 bits below the largest entry: what is equal, or zero, but for rounding is then equal or zero, and
/// trimming and electing do not depend on dust.
pub fn snap(x: &mut [f64]) {
    let largest = x.iter().fold(0.0, |top: f64, x| top.max(x.abs()));
    let grid = (largest.log2().ceil() - 30.0).exp2();
    if grid.is_normal() {
        x.iter_mut().for_each(|x| *x = (*x / grid).round() * grid);
    }
}

/// What becomes of the entries that have the elected sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disjoint {
    /// Their mean.
    Mean,
    /// Their sum.
    Sum,
    /// The one of the largest magnitude.
    Max,
}

/// Sets all but the `keep` entries of the largest magnitude to zero; of equal ones the earlier stay. Costs O(n).
pub fn trim(x: &mut [f64], keep: usize) {
    if keep >= x.len() {
        return;
    }
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.select_nth_unstable_by(keep, |a, b| x[*b].abs().total_cmp(&x[*a].abs()).then(a.cmp(b)));
    order[keep..].iter().for_each(|at| x[*at] = 0.0);
}

/// Elects a sign for every position of `parts`, which are of one length, and combines the entries that have it.
/// Empty where there are no parts.
pub fn elected(parts: &[&[f64]], how: Disjoint) -> Vec<f64> {
    let length = parts.iter().map(|part| part.len()).min().unwrap_or(0);
    let one = |p: usize| {
        let negative = parts.iter().map(|part| part[p]).sum::<f64>() < 0.0;
        let (mut sum, mut count, mut largest) = (0.0, 0u32, 0.0);
        for x in parts.iter().map(|part| part[p]).filter(|x| *x != 0.0 && (*x < 0.0) == negative) {
            (sum, count) = (sum + x, count + 1);
            if x.abs() > f64::abs(largest) {
                largest = x;
            }
        }
        match how {
            Disjoint::Mean => sum / f64::from(count.max(1)),
            Disjoint::Sum => sum,
            Disjoint::Max => largest,
        }
    };
    (0..length).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trimming_keeps_the_largest_and_the_earlier_of_equal_ones() {
        let trimmed = |keep| {
            let mut x = [1.0, -3.0, 2.0, -2.0, 0.5];
            trim(&mut x, keep);
            x
        };
        assert_eq!(trimmed(0), [0.0; 5]);
        assert_eq!(trimmed(1), [0.0, -3.0, 0.0, 0.0, 0.0]);
        assert_eq!(trimmed(2), [0.0, -3.0, 2.0, 0.0, 0.0]);
        assert_eq!(trimmed(3), [0.0, -3.0, 2.0, -2.0, 0.0]);
        assert_eq!(trimmed(5), [1.0, -3.0, 2.0, -2.0, 0.5]);
    }

    #[test]
    fn snapping_removes_dust_and_little_else() {
        let mut x = [3.0, 3.0 + 1e-15, -1e-16, 1.0 / 3.0];
        snap(&mut x);
        assert_eq!(x[..3], [3.0, 3.0, 0.0]);
        assert!((x[3] - 1.0 / 3.0).abs() < 4e-9);
        snap(&mut []);
        let mut zero = [0.0];
        snap(&mut zero);
        assert_eq!(zero, [0.0]);
    }

    #[test]
    fn only_what_has_the_elected_sign_counts() {
        // Signs: +, −, + (the parts cancel), + (nothing there).
        let parts: [&[f64]; 3] = [&[3.0, -5.0, 2.0, 0.0], &[1.0, 2.0, -2.0, 0.0], &[-2.0, -1.0, 0.0, 0.0]];
        assert_eq!(elected(&parts, Disjoint::Mean), [2.0, -3.0, 2.0, 0.0]);
        assert_eq!(elected(&parts, Disjoint::Sum), [4.0, -6.0, 2.0, 0.0]);
        assert_eq!(elected(&parts, Disjoint::Max), [3.0, -5.0, 2.0, 0.0]);
        assert!(elected(&[], Disjoint::Mean).is_empty());
    }
}
