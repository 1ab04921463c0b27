//! The seam that every merge method fits into.

use crate::spec::{Params, Spec};
use rankweave_compute::{FactorPair, Grams, Nulls};

/// One module of all adapters that have it, with the true scale in each pair.
pub struct ModuleInputs<'a> {
    /// The factor pairs, in the adapters' order; same out×columns.
    pub pairs: &'a [FactorPair],
    /// The weight of each pair, in the same order: the strength one would type at
    /// inference, any sign.
    pub weights: &'a [f64],
    /// Gram matrices of the stacked factors.
    pub grams: &'a Grams,
    /// How many adapters are merged; those without this module count as zero.
    pub adapters: usize,
}

/// What a method makes of a module.
#[derive(Clone, Debug, PartialEq)]
pub enum Merged {
    /// Σ coefficients[i]·ΔWᵢ. Every linear rule answers with this; the engine forms
    /// the sum from the factors and gives it the rank asked for.
    Linear {
        /// One finite coefficient per pair.
        coefficients: Vec<f64>,
        /// Whether directions that carry nothing stay.
        nulls: Nulls,
    },
}

/// A merge method: a formula with its description.
///
/// Adding one takes a file in `methods/` and a line in its registry.
pub trait MergeMethod: Sync {
    /// What it is, with parameters, formula and reference.
    fn spec(&self) -> &'static Spec;

    /// Merges one module. `params` were checked against the Spec.
    fn merge(&self, module: &ModuleInputs, params: &Params) -> Merged;
}
