//! Who goes with whom: the pairing of two sets of equal size with the least total cost.
//!
//! The Hungarian method by shortest augmenting paths with potentials (Kuhn 1955, Munkres 1957; in this form Jonker and
//! Volgenant 1987): rows enter one by one, each along the cheapest path of exchanges that frees a column for it.
//! O(n³).

/// The column of every row; the sum of their costs is least. `cost` is row-major n×n and finite.
pub(crate) fn assigned(cost: &[f64], n: usize) -> Vec<usize> {
    // Column n is a place outside, where the entering row stands.
    let mut row_of = vec![usize::MAX; n + 1];
    let (mut row_price, mut column_price) = (vec![0.0; n], vec![0.0; n + 1]);
    for entering in 0..n {
        let (mut shortest, mut before, mut done) = (vec![f64::INFINITY; n], vec![n; n], vec![false; n + 1]);
        row_of[n] = entering;
        let mut at = n;
        while row_of[at] != usize::MAX {
            done[at] = true;
            let row = row_of[at];
            let mut next = (f64::INFINITY, n);
            for column in (0..n).filter(|column| !done[*column]) {
                let reduced = cost[row * n + column] - row_price[row] - column_price[column];
                if reduced < shortest[column] {
                    (shortest[column], before[column]) = (reduced, at);
                }
                if shortest[column] < next.0 {
                    next = (shortest[column], column);
                }
            }
            let (step, to) = next;
            for column in 0..=n {
                if done[column] {
                    row_price[row_of[column]] += step;
                    column_price[column] -= step;
                } else if column < n {
                    shortest[column] -= step;
                }
            }
            at = to;
        }
        while at != n {
            row_of[at] = row_of[before[at]];
            at = before[at];
        }
    }
    let mut columns = vec![0; n];
    row_of[..n].iter().enumerate().for_each(|(column, row)| columns[*row] = column);
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use rankweave_compute::rng::Stream;

    /// The least cost over all orders of the columns from `from` on.
    fn least(cost: &[f64], n: usize, order: &mut Vec<usize>, from: usize) -> f64 {
        if from == n {
            return (0..n).map(|row| cost[row * n + order[row]]).sum();
        }
        let mut best = f64::INFINITY;
        for other in from..n {
            order.swap(from, other);
            best = best.min(least(cost, n, order, from + 1));
            order.swap(from, other);
        }
        best
    }

    #[test]
    fn no_other_pairing_is_cheaper() {
        for n in 0..=7 {
            for lane in 0..30 {
                let stream = Stream::new(n as u64, "costs", lane);
                // In every other case small whole numbers, of which many are equal; some below zero.
                let entry = |i: usize| match stream.normal(i as u64) {
                    x if lane % 2 == 0 => x,
                    x => (2.0 * x).round(),
                };
                let cost: Vec<f64> = (0..n * n).map(entry).collect();
                let columns = assigned(&cost, n);
                let mut seen = columns.clone();
                seen.sort_unstable();
                assert_eq!(seen, (0..n).collect::<Vec<_>>());
                let found: f64 = columns.iter().enumerate().map(|(row, column)| cost[row * n + column]).sum();
                let best = least(&cost, n, &mut (0..n).collect(), 0);
                assert!((found - best).abs() < 1e-12, "{n}: {found} for {best}");
            }
        }
    }
}
