//! Frequency: the discrete Fourier transform, a block of zeros, and back.

use super::{Problem, Twin};
use crate::dense::Matrix;
use std::f64::consts::TAU;

pub const TWIN: Twin =
    Twin { id: "frequency", params: &["{}", r#"{"cutoff": 0}"#, r#"{"cutoff": 0.3}"#, r#"{"cutoff": 0.5}"#], merge };

/// The transform along the rows of a complex matrix: X·W, W_jk = e^(∓2πijk/n).
fn transformed((re, im): &(Matrix, Matrix), sign: f64) -> (Matrix, Matrix) {
    let n = re.columns;
    let wave = |part: fn(f64) -> f64| {
        Matrix::new(n, n, (0..n * n).map(|at| part(sign * TAU * ((at / n) * (at % n)) as f64 / n as f64)).collect())
    };
    let (cosine, sine) = (wave(f64::cos), wave(f64::sin));
    (re.times(&cosine).plus(-1.0, &im.times(&sine)), re.times(&sine).plus(1.0, &im.times(&cosine)))
}

fn turned((re, im): &(Matrix, Matrix)) -> (Matrix, Matrix) {
    (re.transposed(), im.transposed())
}

fn merge(problem: &Problem) -> Vec<Matrix> {
    problem.each(|module| {
        let sum = module.sum();
        let (m, n) = (sum.rows, sum.columns);
        let radius = (problem.number("cutoff", 0.1) * m.min(n) as f64).floor() as usize;
        let along = transformed(&(sum.clone(), Matrix::zero(m, n)), -1.0);
        let mut both = turned(&transformed(&turned(&along), -1.0));
        for at in 0..m * n {
            let slow = |k: usize, n: usize| k.min(n - k) < radius;
            if slow(at / n, m) && slow(at % n, n) {
                (both.0.values[at], both.1.values[at]) = (0.0, 0.0);
            }
        }
        let back = turned(&transformed(&turned(&both), 1.0));
        transformed(&back, 1.0).0.scaled(1.0 / (m * n) as f64)
    })
}
