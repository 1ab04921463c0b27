//! Magnitude pruning: of each adapter its largest entries, added up.
//!
//! ```text
//! M = Σ τ̂ᵢ      τ̂ᵢ = τᵢ where |τᵢ| is among the largest `density` of its module's, its adapter's or its row's entries, else 0
//! ```
//!
//! τᵢ = wᵢ·ΔWᵢ (out×columns). A sum, and nothing makes up for what is cut: of entries as low-rank adapters have them the largest
//! fifth hold more than half of the energy. PEFT's `magnitude_prune_svd`; with `space` = `factors` its `magnitude_prune`. PEFT
//! keeps ⌊density·entries⌋, here it is the nearest number, and all that are equal to the smallest of them stay. The trimming of
//! TIES without its election.
//!
//! Costs three looks at every entry for thresholds, none by row, and those of the truncated SVD.

use crate::facts::Facts;
use crate::method::{Detail, MergeMethod, ModuleInputs, Outcome};
use crate::on_factors::{self, SPACE, on_factors};
use crate::spec::{ANY, Law, Params, Reference, Section, Spec};
use crate::survey::Survey;
use crate::trim::{DENSITY, SCOPE, Trim};
use rankweave_adapter::{Result, Warning};
use rankweave_compute::entries::Rule;

pub(super) struct MagnitudePrune;

static SPEC: Spec = Spec {
    id: "magnitude-prune",
    title: "Magnitude pruning",
    summary: "Keeps each adapter's largest entries and adds them up.",
    formula: "M = Σ τ̂ᵢ,   τ̂ᵢ = the largest `density` of τᵢ = wᵢ·ΔWᵢ",
    when: "For adapters that meet in their small entries and not in their large ones; where they pull large ones both ways take \
           TIES. What trimming makes has full rank: see how much of it the rank asked for keeps.",
    reference: Reference {
        title: "PEFT, add_weighted_adapter (Hugging Face)",
        url: "https://huggingface.co/docs/peft/developer_guides/model_merging",
    },
    section: Section::Sparse,
    adapters: ANY,
    experimental: false,
    params: &[DENSITY, SCOPE, SPACE],
    laws: &[Law::OrderFree, Law::GaugeFree, Law::Cancels, Law::SingleAt(&[("density", "1")])],
};

impl MergeMethod for MagnitudePrune {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        on_factors::merged(module, params, |matrices| {
            let mut rule = Rule::sum(matrices.weights());
            matrices.keep(&mut rule, &trim(params), params);
            Ok(rule)
        })
    }

    fn rounds(&self, params: &Params) -> usize {
        if on_factors(params) { 0 } else { trim(params).rounds() }
    }

    fn looks(&self, params: &Params) -> usize {
        if on_factors(params) { 0 } else { trim(params).looks() }
    }

    fn survey(&self, round: usize, module: &ModuleInputs, params: &Params) -> Result<Survey> {
        Ok(trim(params).survey(round, module))
    }

    fn full_rank(&self) -> bool {
        true
    }

    fn remarks(&self, _: &Facts, _: &[&[Detail]], params: &Params) -> Vec<Warning> {
        on_factors::remarks(params)
    }
}

fn trim(params: &Params) -> Trim<'_> {
    Trim::new(params, params.choice("scope"))
}
