//! RobustMerge: pruned factors with rescaled rows, added up apart.

use super::{Module, Problem, Twin};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin {
    id: "robust-merge",
    params: &[
        "{}",
        r#"{"variant": "paper", "keep": 0.5}"#,
        r#"{"variant": "official", "keep": 0.5}"#,
        r#"{"align": true, "keep": 0.8}"#,
        r#"{"align": true, "keep": 1, "variant": "official"}"#,
    ],
    merge,
};

fn pruned(x: &Matrix, keep: f64) -> Matrix {
    let mut order: Vec<usize> = (0..x.values.len()).collect();
    order.sort_by(|a, b| x.values[*b].abs().total_cmp(&x.values[*a].abs()).then(a.cmp(b)));
    let mut out = Matrix::zero(x.rows, x.columns);
    let count = (keep * order.len() as f64).round() as usize;
    order.iter().take(count).for_each(|at| out.values[*at] = x.values[*at]);
    out
}

fn row_sizes(x: &Matrix) -> Vec<f64> {
    x.values.chunks_exact(x.columns).map(|row| row.iter().map(|x| x.abs()).sum()).collect()
}

/// The linear interpolation between order statistics that numpy takes.
fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = share * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (at - at.floor()) * (high - low)
}

/// The best pairing of rows with columns by trying all sets of columns: reached[set] is the largest total of the first
/// |set| rows on these columns.
fn best_pairing(gain: &Matrix) -> Vec<usize> {
    let n = gain.rows;
    let mut reached = vec![(f64::NEG_INFINITY, 0); 1 << n];
    reached[0].0 = 0.0;
    for set in 0..1usize << n {
        let row = set.count_ones() as usize;
        for column in (0..n).filter(|column| set >> column & 1 == 0) {
            let total = reached[set].0 + gain.values[row * n + column];
            if total > reached[set | 1 << column].0 {
                reached[set | 1 << column] = (total, column);
            }
        }
    }
    let (mut set, mut columns) = ((1usize << n) - 1, vec![0; n]);
    for row in (0..n).rev() {
        columns[row] = reached[set].1;
        set &= !(1 << columns[row]);
    }
    columns
}

/// The cosines of columns of up and of rows of down: first adapter's units × the other's.
fn cosines(first: &Module, i: usize) -> (Matrix, Matrix) {
    let (a, b) = (&first.parts[0].pair, &first.parts[i].pair);
    let unit = |x: &Matrix| {
        let mut x = x.clone();
        x.values.chunks_exact_mut(x.columns).for_each(|row| {
            let size = row.iter().map(|x| x * x).sum::<f64>().sqrt();
            row.iter_mut().for_each(|x| *x /= size);
        });
        x
    };
    let ups = unit(&a.up.transposed()).times(&unit(&b.up.transposed()).transposed());
    (ups, unit(&a.down).times(&unit(&b.down).transposed()))
}

fn merge(problem: &Problem) -> Vec<Matrix> {
    let (keep, variant) = (problem.number("keep", 0.2), problem.choice("variant", "ctm"));
    problem.each(|module| {
        let mut parts = Vec::new();
        for (i, part) in module.parts.iter().enumerate() {
            let (mut up, mut down) = (part.pair.up.scaled(part.weight * part.pair.scale), part.pair.down.clone());
            let whole = row_sizes(&down);
            (up, down) = (pruned(&up, keep), pruned(&down, keep));
            let mut scales: Vec<f64> =
                whole.iter().zip(row_sizes(&down)).map(|(a, b)| if b > 0.0 { a / b } else { 0.0 }).collect();
            if variant == "official" {
                let least = percentile(&scales, 0.8);
                scales.iter_mut().for_each(|s| *s = s.max(least));
            }
            if problem.flag("align", false) {
                let (ups, downs) = cosines(module, i);
                let mut gain = ups.clone();
                gain.values.iter_mut().zip(&downs.values).for_each(|(x, y)| *x = (*x * y).abs());
                let columns = best_pairing(&gain);
                let rank = columns.len();
                let sign = |slot: usize| if downs.values[slot * rank + columns[slot]] < 0.0 { -1.0 } else { 1.0 };
                let (mut new_up, mut new_down) = (up.clone(), down.clone());
                for (slot, own) in columns.iter().copied().enumerate() {
                    for row in 0..up.rows {
                        new_up.values[row * rank + slot] = sign(slot) * up.values[row * rank + own];
                    }
                    for j in 0..down.columns {
                        new_down.values[slot * down.columns + j] = sign(slot) * down.values[own * down.columns + j];
                    }
                }
                scales = columns.iter().map(|own| scales[*own]).collect();
                (up, down) = (new_up, new_down);
            }
            parts.push((up, down, scales));
        }
        let rank = parts[0].2.len();
        let totals: Vec<f64> = (0..rank).map(|slot| parts.iter().map(|p| p.2[slot]).sum()).collect();
        let (mut b, mut a) = (parts[0].0.scaled(0.0), parts[0].1.scaled(0.0));
        for (up, down, scales) in &parts {
            let mut up = up.clone();
            up.values.iter_mut().enumerate().for_each(|(at, x)| {
                let slot = at % rank;
                *x *= if totals[slot] > 0.0 { scales[slot] / totals[slot] } else { 0.0 };
            });
            (b, a) = (b.plus(1.0, &up), a.plus(1.0, down));
        }
        let (of_b, of_a) = match variant {
            "official" => (2.0, 2.0),
            "paper" => (2.0, 1.0),
            _ => (1.0, 1.0),
        };
        b.scaled(of_b).times(&a.scaled(of_a))
    })
}
