//! DARE: of each adapter a random share of its entries, the rest made up for, added up.
//!
//! ```text
//! M = Σ wᵢ·gᵢ·(mᵢ∘ΔWᵢ)      mᵢ: each entry 1 with probability 1 − p, else 0
//! ```
//!
//! p is `drop`, g is what `rescale` says (`thin.rs`). With g = 1/(1 − p) the mean of M over all masks is Σ wᵢ·ΔWᵢ, a sum and
//! not a mean, and its variance at an entry Σ wᵢ²x²·p/(1 − p). That noise has full rank: at the rank asked for much of it goes,
//! and with it a share of what the adapters say.
//!
//! | setting | as |
//! |---|---|
//! | defaults | the paper, PEFT's `dare_linear_svd` |
//! | `rescale` = `l1` | mergekit's `dare_linear` |
//! | `space` = `factors` | PEFT's `dare_linear`: masks for up and down, the noise of both |
//!
//! Masks differ from other programs', as their generators do. Costs the looks of the truncated SVD, and one for `l1`.

use crate::facts::Facts;
use crate::method::{Detail, MergeMethod, ModuleInputs, Outcome};
use crate::on_factors::{self, Matrices, SPACE, on_factors};
use crate::spec::{ANY, Law, Params, Reference, Section, Spec};
use crate::survey::Survey;
use crate::thin::{DROP, RESCALE, rescaled, thinned};
use rankweave_adapter::{Result, Warning};

pub(super) struct Dare;

static SPEC: Spec = Spec {
    id: "dare",
    title: "DARE",
    summary: "Drops entries of each adapter by chance, makes the others larger for it, and adds up.",
    formula: "M = Σ wᵢ·(mᵢ∘ΔWᵢ)/(1 − p),   mᵢ = 0 with probability p",
    when: "To see how much of the adapters is spare: those of large models, tuned whole, stand 0.9. Low-rank adapters stand less, \
           and as what is dropped leaves noise of full rank, it takes a high rank to hold. The seed matters; for the best result \
           rather than for the experiment take the sum.",
    reference: Reference {
        title: "Language Models are Super Mario (Yu et al., ICML 2024)",
        url: "https://arxiv.org/abs/2311.03099",
    },
    section: Section::Sparse,
    adapters: ANY,
    experimental: false,
    params: &[DROP, RESCALE, SPACE],
    laws: &[Law::GaugeFree, Law::SingleAt(&[("drop", "0")])],
};

impl MergeMethod for Dare {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        on_factors::merged(module, params, |matrices| {
            rescaled(thinned(matrices, params), params.choice("rescale"), matrices, params)
        })
    }

    fn looks(&self, params: &Params) -> usize {
        usize::from(params.choice("rescale") == "l1" && !on_factors(params))
    }

    fn survey(&self, _: usize, module: &ModuleInputs, params: &Params) -> Result<Survey> {
        Ok(Survey::Sums(thinned(&Matrices::deltas(module), params)))
    }

    fn full_rank(&self) -> bool {
        true
    }

    fn remarks(&self, _: &Facts, _: &[&[Detail]], params: &Params) -> Vec<Warning> {
        on_factors::remarks(params)
    }
}
