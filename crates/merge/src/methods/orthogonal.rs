//! Orthogonal Adaptation: the sum, and a look at whether it can be one without loss.
//!
//! Adapters trained by the paper's recipe have a frozen down A whose rows are orthonormal and chosen apart for every
//! concept, AᵢAⱼᵀ = 0. Such adapters never answer to each other's inputs and may simply be added: M = Σ wᵢ·ΔWᵢ. Whether
//! the adapters at hand are of that sort is measured per module:
//!
//! | detail | what | of the paper's adapters |
//! |---|---|---|
//! | `uneven` | largest ‖AᵢAᵢᵀ − cᵢ·I‖/‖cᵢ·I‖, cᵢ the mean of the diagonal | 0 |
//! | `crosstalk-input` | largest ‖AᵢAⱼᵀ‖/(‖Aᵢ‖·‖Aⱼ‖) | 0 |
//! | `crosstalk` | largest ‖ΔWᵢΔWⱼᵀ‖/(‖ΔWᵢ‖·‖ΔWⱼ‖): how far they read the same inputs | 0 |
//! | `crosstalk-mean` | its mean over the pairs | 0 |
//!
//! Other adapters are added just the same, and the report says how far they overlap; the post-hoc substitutes stand
//! beside this method. Deltas at right angles may still answer to the same inputs, if these are not spread evenly. The
//! paper merges with λ = 0.6, which is 1 here, so that one adapter is itself.
//!
//! Costs the Gram matrices, as `sum`.

use crate::Facts;
use crate::method::{Detail, MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{ANY, Law, Params, Reference, Section, Spec};
use rankweave_adapter::{Result, Warning};
use rankweave_compute::{Mat, MatRef, Nulls, linalg};

pub(super) struct Orthogonal;

static SPEC: Spec = Spec {
    id: "orthogonal",
    title: "Orthogonal Adaptation",
    summary: "Adds the adapters up, and tells whether they were trained so that this loses nothing.",
    formula: "M = Σ wᵢ·ΔWᵢ,   loss-free where AᵢAⱼᵀ = 0",
    when: "For adapters trained with frozen orthonormal downs: their sum keeps each of them whole (the paper uses λ = 0.6). \
           For all others it is the plain sum with a measure of how much they disturb each other.",
    reference: Reference {
        title: "Orthogonal Adaptation (Po et al., CVPR 2024)",
        url: "https://arxiv.org/abs/2312.02432",
    },
    section: Section::Orthogonal,
    adapters: ANY,
    experimental: false,
    params: &[],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree, Law::Additive, Law::Cancels],
};

/// Shares below this count as none: what f16 leaves of zero, and far below chance.
const NONE: f64 = 1e-2;

impl MergeMethod for Orthogonal {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, _: &Params) -> Result<Outcome> {
        let count = module.pairs.len();
        let (up, down) = (module.grams.whole_up(module.pairs), module.grams.whole_down(module.pairs));
        let blocks = Blocks { up: &up, down: &down, offsets: &module.grams.offsets };
        let uneven = (0..count).map(|i| uneven(blocks.of(blocks.down, i, i))).fold(0.0, f64::max);
        let merged = Merged::Linear { coefficients: module.weights.to_vec(), nulls: Nulls::Drop };
        let outcome = Outcome::from(merged).with("uneven", uneven);
        if count < 2 {
            return Ok(outcome);
        }
        let (mut inputs, mut functional) = (Vec::new(), Vec::new());
        for i in 0..count {
            for j in 0..i {
                let (input, function) = blocks.crosstalk(i, j);
                inputs.push(input);
                functional.push(function);
            }
        }
        let largest = |all: &[f64]| all.iter().copied().fold(0.0, f64::max);
        Ok(outcome
            .with("crosstalk-input", largest(&inputs))
            .with("crosstalk", largest(&functional))
            .with("crosstalk-mean", functional.iter().sum::<f64>() / functional.len() as f64))
    }

    fn remarks(&self, _: &Facts, details: &[&[Detail]], _: &Params) -> Vec<Warning> {
        let all = |name: &str| -> Vec<f64> {
            details.iter().flat_map(|d| d.iter()).filter(|d| d.name == name).map(|d| d.value).collect()
        };
        let largest = |name: &str| all(name).into_iter().fold(0.0, f64::max);
        let means = all("crosstalk-mean");
        if means.is_empty() {
            return Vec::new();
        }
        let (code, message) = if largest("uneven") < NONE && largest("crosstalk-input") < NONE {
            ("orthogonal-adapters", "These are orthogonal adapters: their plain sum loses nothing".to_owned())
        } else {
            let mean = means.iter().sum::<f64>() / means.len() as f64;
            let largest = largest("crosstalk");
            let said = format!(
                "These adapters were not trained to be orthogonal: their crosstalk is {mean:.3} on average and {largest:.3} \
                 at most (0 is none, 1 is that of an adapter of rank 1 with itself)"
            );
            ("crosstalk", said)
        };
        vec![Warning { code: code.to_owned(), message, place: Default::default() }]
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
