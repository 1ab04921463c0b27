//! The oracle for changes that depend on the base model's weight W (out×columns): ΔW from the formula, in f64.
//!
//! ```text
//! DoRA    m·V/(‖V‖ + ε) − W, V = W + ΔW₀      ‖V‖: of a row, or of all that belongs to one input channel
//! IA³     diag(l)·W − W, W·diag(l) − W
//! OFT     out: Q = X − Xᵀ, as long as the bound at most; R = (I + Q)(I − Q)⁻¹; diag(ρ)·Rᵀ·W − W
//!         in:  Q the upper triangle made skew; R = (I − Q)(I + Q)⁻¹, or its series; W·Rᵀ − W
//! ```

use crate::dense::Matrix;

/// What magnitudes and factors are for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Side {
    /// Rows.
    Out,
    /// Input channels: so many columns that follow each other belong to one.
    In(usize),
}

fn one(n: usize) -> Matrix {
    Matrix::new(n, n, (0..n * n).map(|i| f64::from(u8::from(i / n == i % n))).collect())
}

/// X⁻¹, by Gauss and Jordan with pivots.
pub fn inverse(x: &Matrix) -> Matrix {
    let n = x.rows;
    let (mut a, mut b) = (x.clone(), one(n));
    for c in 0..n {
        let size = |r: &usize| a.values[r * n + c].abs();
        let pivot = (c..n).max_by(|r, s| size(r).total_cmp(&size(s))).expect("a row");
        for m in [&mut a, &mut b] {
            (0..n).for_each(|j| m.values.swap(c * n + j, pivot * n + j));
        }
        let by = a.values[c * n + c];
        for m in [&mut a, &mut b] {
            (0..n).for_each(|j| m.values[c * n + j] /= by);
        }
        for r in (0..n).filter(|r| *r != c) {
            let by = a.values[r * n + c];
            for m in [&mut a, &mut b] {
                (0..n).for_each(|j| m.values[r * n + j] -= by * m.values[c * n + j]);
            }
        }
    }
    b
}

/// W with every row, or every channel's columns, times its number.
fn scaled(w: &Matrix, by: &[f64], side: Side) -> Matrix {
    let at = |i: usize| match side {
        Side::Out => i / w.columns,
        Side::In(size) => i % w.columns / size,
    };
    Matrix { values: w.values.iter().enumerate().map(|(i, x)| x * by[at(i)]).collect(), ..*w }
}

/// DoRA's ΔW.
pub fn dora(w: &Matrix, direction: &Matrix, magnitudes: &[f64], side: Side, epsilon: f64) -> Matrix {
    let v = w.plus(1.0, direction);
    let square = |n: usize| -> f64 {
        let own = |i: &usize| match side {
            Side::Out => i / v.columns == n,
            Side::In(size) => i % v.columns / size == n,
        };
        (0..v.values.len()).filter(own).map(|i| v.values[i] * v.values[i]).sum()
    };
    let by: Vec<f64> = magnitudes.iter().enumerate().map(|(n, m)| m / (square(n).sqrt() + epsilon)).collect();
    scaled(&v, &by, side).plus(-1.0, w)
}

/// IA³'s ΔW.
pub fn ia3(w: &Matrix, factors: &[f64], side: Side) -> Matrix {
    scaled(w, factors, side).plus(-1.0, w)
}

/// The matrix with these blocks along its diagonal.
fn diagonal(blocks: &[Matrix]) -> Matrix {
    let n = blocks.iter().map(|b| b.rows).sum();
    let (mut all, mut at) = (Matrix::zero(n, n), 0);
    for block in blocks {
        for i in 0..block.rows {
            for j in 0..block.rows {
                all.values[(at + i) * n + at + j] = block.values[i * block.rows + j];
            }
        }
        at += block.rows;
    }
    all
}

/// ΔW of OFT over the outputs; `blocks` are X, `bound` is that of Q's norm, 0 for none.
pub fn oft_outputs(w: &Matrix, blocks: &[Matrix], bound: f64, rescale: Option<&[f64]>) -> Matrix {
    let skew: Vec<Matrix> = blocks.iter().map(|x| x.plus(-1.0, &x.transposed())).collect();
    let norm = skew.iter().map(|q| q.inner(q)).sum::<f64>().sqrt();
    let by = if bound > 0.0 && norm > bound { bound / norm } else { 1.0 };
    let turn = |q: &Matrix| {
        let one = one(q.rows);
        one.plus(by, q).times(&inverse(&one.plus(-by, q)))
    };
    let turned = diagonal(&skew.iter().map(turn).collect::<Vec<_>>()).transposed().times(w);
    let turned = match rescale {
        Some(by) => scaled(&turned, by, Side::Out),
        None => turned,
    };
    turned.plus(-1.0, w)
}

/// ΔW of PEFT's OFT over the inputs: upper triangles of blocks of `b` rows, one for all blocks where there is one; the
/// number of terms of the series where it is one, and the bound of each Q's norm.
pub fn oft_inputs(w: &Matrix, triangles: &[Vec<f64>], b: usize, terms: Option<usize>, bound: Option<f64>) -> Matrix {
    let turn = |values: &Vec<f64>| {
        let mut q = Matrix::zero(b, b);
        let mut values = values.iter();
        for i in 0..b {
            for j in i + 1..b {
                let x = values.next().expect("a whole triangle");
                (q.values[i * b + j], q.values[j * b + i]) = (*x, -x);
            }
        }
        if let Some(bound) = bound.filter(|bound| q.norm() > *bound) {
            q = q.scaled(bound / q.norm());
        }
        let Some(terms) = terms else { return one(b).plus(-1.0, &q).times(&inverse(&one(b).plus(1.0, &q))) };
        // As PEFT adds them up.
        let mut r = one(b);
        if terms > 1 {
            r = r.plus(2.0, &q);
        }
        if terms > 2 {
            let mut power = q.times(&q);
            r = r.plus(2.0, &power);
            for _ in 3..terms.max(4) - 1 {
                power = power.times(&q);
                r = r.plus(2.0, &power);
            }
            r = r.plus(1.0, &power.times(&q));
        }
        r
    };
    let blocks: Vec<Matrix> = triangles.iter().map(turn).collect();
    let all: Vec<Matrix> = (0..w.columns / b).map(|k| blocks[if blocks.len() == 1 { 0 } else { k }].clone()).collect();
    w.times(&diagonal(&all).transposed()).plus(-1.0, w)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inverse_is_one() {
        let x = Matrix::new(3, 3, vec![0.0, 2.0, 1.0, 1.0, 0.0, 3.0, -1.0, 1.0, 0.5]);
        assert!(x.times(&inverse(&x)).distance(&one(3)) < 1e-14);
    }

    #[test]
    fn magnitudes_are_the_lengths_of_the_result() {
        let w = Matrix::new(2, 4, vec![3.0, 0.0, 4.0, 0.0, 1.0, 2.0, 2.0, 0.0]);
        let changed = w.plus(1.0, &dora(&w, &Matrix::zero(2, 4), &[10.0, 6.0], Side::Out, 0.0));
        assert_eq!(changed.values, [6.0, 0.0, 8.0, 0.0, 2.0, 4.0, 4.0, 0.0]);
        let by_channel = w.plus(1.0, &dora(&w, &Matrix::zero(2, 4), &[14f64.sqrt(), 20f64.sqrt()], Side::In(2), 0.0));
        assert!(by_channel.distance(&w) < 1e-15);
    }
}
