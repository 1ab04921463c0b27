//! Crosstalk of adapters: how much of what one writes another reads.
//!
//! | number | what | 0 means |
//! |---|---|---|
//! | uneven | ‖AᵢAᵢᵀ − c·I‖/‖c·I‖, the largest | trained with frozen orthonormal inputs |
//! | input | ‖AᵢAⱼᵀ‖/(‖Aᵢ‖·‖Aⱼ‖), the largest | nothing that one reads is read by another |
//! | crosstalk | ‖ΔWᵢΔWⱼᵀ‖/(‖ΔWᵢ‖·‖ΔWⱼ‖) | their sum acts on each input as its adapter alone |
//!
//! (Orthogonal Adaptation, Po et al., CVPR 2024.)

use crate::method::ModuleInputs;
use rankweave_compute::{Mat, MatRef, linalg};

/// Shares below this count as none: what f16 leaves of zero, and far below chance.
pub(crate) const NONE: f64 = 1e-2;

/// What was found in a module.
pub(crate) struct Crosstalk {
    /// The largest unevenness of an adapter's A.
    pub uneven: f64,
    /// The largest overlap of two adapters' inputs.
    pub input: f64,
    /// The largest crosstalk of two adapters.
    pub largest: f64,
    /// The mean of all pairs' crosstalk; none with one adapter.
    pub mean: Option<f64>,
}

impl Crosstalk {
    /// Of all pairs of adapters that have the module. Costs O(R³).
    pub fn of(module: &ModuleInputs) -> Crosstalk {
        let count = module.pairs.len();
        let (up, down) = (module.grams.whole_up(module.pairs), module.grams.whole_down(module.pairs));
        let blocks = Blocks { up: &up, down: &down, offsets: &module.grams.offsets };
        let uneven = (0..count).map(|i| uneven(blocks.of(blocks.down, i, i))).fold(0.0, f64::max);
        let pairs = (0..count).flat_map(|i| (0..i).map(move |j| (i, j)));
        let (inputs, functional): (Vec<f64>, Vec<f64>) = pairs.map(|(i, j)| blocks.crosstalk(i, j)).unzip();
        let largest = |all: &[f64]| all.iter().copied().fold(0.0, f64::max);
        let mean = (count > 1).then(|| functional.iter().sum::<f64>() / functional.len() as f64);
        Crosstalk { uneven, input: largest(&inputs), largest: largest(&functional), mean }
    }

    /// Were these adapters trained with Orthogonal Adaptation?
    pub fn is_none(&self) -> bool {
        self.uneven.max(self.input) < NONE
    }
}

/// ‖G − c·I‖/‖c·I‖, c the mean of G's diagonal; 0 of nothing.
fn uneven(gram: MatRef<'_, f64>) -> f64 {
    let rank = gram.nrows();
    let mean = (0..rank).map(|i| gram[(i, i)]).sum::<f64>() / rank.max(1) as f64;
    let off = |(i, j): (usize, usize)| (gram[(i, j)] - if i == j { mean } else { 0.0 }).powi(2);
    let square: f64 = (0..rank * rank).map(|at| off((at % rank, at / rank))).sum();
    if mean > 0.0 { square.sqrt() / (mean * (rank as f64).sqrt()) } else { 0.0 }
}

/// The Gram matrices by pairs.
struct Blocks<'a> {
    up: &'a Mat<f64>,
    down: &'a Mat<f64>,
    offsets: &'a [usize],
}

impl<'a> Blocks<'a> {
    /// Rows of pair i, columns of pair j.
    fn of(&self, gram: &'a Mat<f64>, i: usize, j: usize) -> MatRef<'a, f64> {
        let size = |i: usize| self.offsets[i + 1] - self.offsets[i];
        gram.as_ref().submatrix(self.offsets[i], self.offsets[j], size(i), size(j))
    }

    /// ‖AᵢAⱼᵀ‖/(‖Aᵢ‖·‖Aⱼ‖) and ‖ΔWᵢΔWⱼᵀ‖/(‖ΔWᵢ‖·‖ΔWⱼ‖), from ‖Bᵢ·C·Bⱼᵀ‖² = ⟨BᵢᵀBᵢ·C, C·BⱼᵀBⱼ⟩ with C = AᵢAⱼᵀ.
    fn crosstalk(&self, i: usize, j: usize) -> (f64, f64) {
        let between = self.of(self.down, i, j);
        let trace = |i: usize| (self.offsets[i]..self.offsets[i + 1]).map(|at| self.down[(at, at)]).sum::<f64>();
        let left = linalg::product(self.of(self.up, i, i), between);
        let right = linalg::product(between, self.of(self.up, j, j));
        let share = |square: f64, of: f64| if of > 0.0 { (square.max(0.0) / of).sqrt() } else { 0.0 };
        // ‖BᵢAᵢ‖²: the scales cancel.
        let plain = |i: usize| linalg::inner(self.of(self.up, i, i), self.of(self.down, i, i)).max(0.0);
        (
            share(linalg::inner(between, between), trace(i) * trace(j)),
            share(linalg::inner(left.as_ref(), right.as_ref()), plain(i) * plain(j)),
        )
    }
}
