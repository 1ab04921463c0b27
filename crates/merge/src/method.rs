//! The seam that every merge method fits into.

use crate::facts::Facts;
use crate::spec::{Params, Spec};
use crate::survey::Survey;
use rankweave_adapter::{Adapter, Error, Kind, Result, Warning};
use rankweave_compute::entries::Rule;
use rankweave_compute::{Core, FactorPair, Grams, Mat, Nulls, RankPolicy};
use std::cell::OnceCell;

/// One module of all adapters that have it, with the true scale in each pair.
pub struct ModuleInputs<'a> {
    /// Display name of the module: what chance is drawn from, with the seed.
    pub name: &'a str,
    /// The factor pairs, in the adapters' order; same out×columns.
    pub pairs: &'a [FactorPair],
    /// The weight of each pair, in the same order: the strength one would type at
    /// inference, any sign.
    pub weights: &'a [f64],
    /// Which adapter each pair is of: its position in the mix.
    pub present: &'a [usize],
    /// Gram matrices of the stacked factors.
    pub grams: &'a Grams,
    /// What the adapters are called, all of the mix.
    pub labels: &'a [String],
    /// How many adapters are merged; those without this module count as zero.
    pub adapters: usize,
    /// The rank asked for: for methods that choose what to keep by it. The engine truncates in any case.
    pub rank: RankPolicy,
    /// What the rounds of [`MergeMethod::survey`] have found in all modules.
    pub facts: &'a Facts,
    /// What the rounds of [`MergeMethod::look`] have found in this one.
    pub looked: &'a Facts,
    /// The recipe's seed.
    pub seed: u64,
    /// Made when it is asked for.
    pub(crate) core: OnceCell<Core<'a>>,
}

impl<'a> ModuleInputs<'a> {
    /// The module in core space.
    ///
    /// # Errors
    /// `Malformed` where a decomposition does not converge.
    pub fn core(&self) -> Result<&Core<'a>> {
        if let Some(core) = self.core.get() {
            return Ok(core);
        }
        let core = Core::new(self.pairs, self.grams).map_err(failed)?;
        Ok(self.core.get_or_init(|| core))
    }

    /// wᵢ·ΔWᵢ of every pair in core space (p×q each): what methods that are no linear rule take for an adapter.
    ///
    /// # Errors
    /// As [`ModuleInputs::core`].
    pub fn deltas(&self) -> Result<Vec<Mat<f64>>> {
        let core = self.core()?;
        let delta = |(i, weight): (usize, &f64)| {
            let delta = core.delta(i);
            Mat::from_fn(delta.nrows(), delta.ncols(), |r, c| weight * delta[(r, c)])
        };
        Ok(self.weights.iter().enumerate().map(delta).collect())
    }

    /// ⟨wᵢ·ΔWᵢ, wⱼ·ΔWⱼ⟩_F.
    pub fn inner(&self, i: usize, j: usize) -> f64 {
        self.weights[i] * self.weights[j] * self.grams.inner(i, j)
    }

    /// All of them, row-major T×T.
    pub fn inner_products(&self) -> Vec<f64> {
        let (count, mut products) = (self.pairs.len(), self.grams.inner_products());
        for i in 0..count {
            for j in 0..count {
                products[i * count + j] *= self.weights[i] * self.weights[j];
            }
        }
        products
    }
}

/// A decomposition that failed, as the adapter crate says it.
pub(crate) fn failed(problem: rankweave_compute::Error) -> Error {
    Error::new(Kind::Malformed, problem.to_string())
}

/// What a method makes of a module.
pub enum Merged {
    /// Σ coefficients[i]·ΔWᵢ. Every linear rule answers with this; the engine forms
    /// the sum from the factors and gives it the rank asked for.
    Linear {
        /// One finite coefficient per pair: the weight belongs in it.
        coefficients: Vec<f64>,
        /// Whether directions that carry nothing stay.
        nulls: Nulls,
    },
    /// A matrix in core space (p×q), see [`ModuleInputs::core`].
    Core(Mat<f64>),
    /// A factor pair of its own, of the module's size.
    Pair(FactorPair),
    /// What this rule makes of the entries of the ΔWᵢ: one part of it per pair, in their order. Of full rank, and truncated
    /// from a sketch.
    Entries(Box<Rule>),
}

/// What a method answers for a module.
pub struct Outcome {
    /// The module.
    pub merged: Merged,
    /// Numbers for the report, by name.
    pub details: Vec<Detail>,
    /// A picture of the rank-one units, where the method has one.
    pub picture: Option<Picture>,
}

/// A number that a method tells of a module.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Detail {
    /// What it is: a stable name in kebab-case.
    pub name: String,
    /// Its value.
    pub value: f64,
}

/// The units of a module as points in a plane, in the order of the stack.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Picture {
    /// First coordinates.
    pub x: Vec<f32>,
    /// Second coordinates.
    pub y: Vec<f32>,
    /// Group of each.
    pub cluster: Vec<usize>,
    /// Adapter of each: its position in the mix.
    pub source: Vec<usize>,
}

impl From<Merged> for Outcome {
    fn from(merged: Merged) -> Outcome {
        Outcome { merged, details: Vec::new(), picture: None }
    }
}

impl Outcome {
    /// Adds a number to the report.
    #[must_use]
    pub fn with(mut self, name: &str, value: f64) -> Outcome {
        self.details.push(Detail { name: name.to_owned(), value });
        self
    }
}

/// A merge method: a formula with its description.
///
/// Adding one takes a file in `methods/` and a line in its registry.
pub trait MergeMethod: Sync {
    /// What it is, with parameters, formula and reference.
    fn spec(&self) -> &'static Spec;

    /// Merges one module. `params` were checked against the Spec.
    ///
    /// # Errors
    /// `Malformed` where a decomposition does not converge; `Mismatch` where the method cannot take these inputs.
    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome>;

    /// Whether these adapters suit the method, beyond their number.
    ///
    /// # Errors
    /// `Mismatch` or `Parameter`, saying what it wants.
    fn suits(&self, _adapters: &[Adapter], _params: &Params) -> Result<()> {
        Ok(())
    }

    /// How many times all modules have to be looked at before they can be merged.
    fn rounds(&self, _params: &Params) -> usize {
        0
    }

    /// What round `round` looks for in one module. All modules' answers are added up, number by number, and are then in
    /// [`ModuleInputs::facts`]; they have to be of one length.
    ///
    /// # Errors
    /// As [`MergeMethod::merge`].
    fn survey(&self, _round: usize, _module: &ModuleInputs, _params: &Params) -> Result<Survey> {
        Ok(Survey::Numbers(Vec::new()))
    }

    /// How many times a module's own entries have to be looked at before it can be merged, after all rounds.
    fn looks(&self, _params: &Params) -> usize {
        0
    }

    /// What look `look` looks for in the module; the answers are then in [`ModuleInputs::looked`]. What rounds look for
    /// in all modules, unless said otherwise: a fact of the file is then found as one of the module is.
    ///
    /// # Errors
    /// As [`MergeMethod::merge`].
    fn look(&self, look: usize, module: &ModuleInputs, params: &Params) -> Result<Survey> {
        self.survey(look, module, params)
    }

    /// Can the result's rank be beyond the sum of the adapters' ranks? Where a rank is asked for it can then be any; where
    /// all directions are, the best as many as the adapters have together are kept.
    fn full_rank(&self) -> bool {
        false
    }

    /// What should be said of the whole merge, from what the survey found and the modules' details
    /// (`details[m]` of module m).
    fn remarks(&self, _facts: &Facts, _details: &[&[Detail]], _params: &Params) -> Vec<Warning> {
        Vec::new()
    }
}
