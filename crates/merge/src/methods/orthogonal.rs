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
use crate::crosstalk::{Crosstalk, NONE};
use crate::method::{Detail, MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{ANY, Law, Params, Reference, Section, Spec};
use rankweave_adapter::{Result, Warning};
use rankweave_compute::Nulls;

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

impl MergeMethod for Orthogonal {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, _: &Params) -> Result<Outcome> {
        let merged = Merged::Linear { coefficients: module.weights.to_vec(), nulls: Nulls::Drop };
        let found = Crosstalk::of(module);
        let outcome = Outcome::from(merged).with("uneven", found.uneven);
        let Some(mean) = found.mean else { return Ok(outcome) };
        Ok(outcome.with("crosstalk-input", found.input).with("crosstalk", found.largest).with("crosstalk-mean", mean))
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
        let (code, message) = if largest("uneven").max(largest("crosstalk-input")) < NONE {
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
