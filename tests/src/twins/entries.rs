//! What rules by entry are about: the deltas of a module, or its factors one by one.

use super::{Module, Problem};
use crate::dense::Matrix;
use rankweave_compute::rng::Stream;

/// One adapter's matrix.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Position of the adapter in the mix.
    pub adapter: usize,
    /// The weight of the matrix, any sign.
    pub weight: f64,
    /// The matrix, without the weight.
    pub x: Matrix,
    /// 0 for a delta, 1 for an up, 2 for a down.
    pub side: u64,
}

impl Entry {
    /// The random words of its entries, row by row.
    pub fn words(&self, seed: u64, name: &str) -> Vec<u32> {
        let mut words = vec![0; self.x.values.len()];
        Stream::new(seed, name, (self.side << 32) + self.adapter as u64).words(0, &mut words);
        words
    }
}

/// M of every module: what `merge` makes of the deltas, or the product of what it makes of ups and downs where the problem's
/// `space` is the factors.
pub fn each(problem: &Problem, merge: impl Fn(&Module, &[Entry]) -> Matrix) -> Vec<Matrix> {
    problem.each(|module| {
        let of = |side: u64| -> Vec<Entry> {
            let entry = |part: &super::Part| {
                let (pair, whole) = (&part.pair, part.weight * part.pair.scale);
                let (weight, x) = match side {
                    0 => (part.weight, pair.delta()),
                    1 => (whole.abs().sqrt(), pair.up.clone()),
                    _ => (whole.abs().sqrt() * whole.signum(), pair.down.clone()),
                };
                Entry { adapter: part.adapter, weight, x, side }
            };
            module.parts.iter().map(entry).collect()
        };
        match problem.choice("space", "delta") {
            "factors" => merge(module, &of(1)).times(&merge(module, &of(2))),
            _ => merge(module, &of(0)),
        }
    })
}

/// Σ wᵢ·xᵢ.
pub fn sum(parts: &[Entry]) -> Matrix {
    let zero = Matrix::zero(parts[0].x.rows, parts[0].x.columns);
    parts.iter().fold(zero, |sum, part| sum.plus(part.weight, &part.x))
}

/// Times what its Σ|x| was before over what it is.
pub fn with_size_of(after: Matrix, before: &Matrix) -> Matrix {
    let size = |x: &Matrix| x.values.iter().map(|x| x.abs()).sum::<f64>();
    let left = size(&after);
    if left > 0.0 { after.scaled(size(before) / left) } else { after }
}
