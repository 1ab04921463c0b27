//! TIES: of each adapter its largest entries, of those the ones that agree on a sign.
//!
//! ```text
//! trim      τ̂ᵢ = τᵢ where |τᵢ| is among the largest `density` of its module's or its adapter's entries, else 0
//! elect     γ = sign Σᵢ τ̂ᵢ                     at every entry (or the sign of most)
//! combine   M = mean of the τ̂ᵢ ≠ 0 that have γ  (or their sum, or the largest)
//! ```
//!
//! τᵢ = wᵢ·ΔWᵢ = wᵢ·xᵢ (out×columns). The entries are those of ΔW itself, not of up and down, unless `space` says so
//! (`on_factors.rs`: PEFT's `ties`). Signs are elected as in `election.rs`.
//!
//! | `variant` | thresholds | sign of | combined |
//! |---|---|---|---|
//! | `paper` | of the adapter | Σ wᵢ·x̂ᵢ | mean of wᵢ·x̂ᵢ by count |
//! | `peft` (`ties_svd`) | of the module | Σ x̂ᵢ, without weights | mean of wᵢ·x̂ᵢ by count |
//! | `mergekit` | of the module | Σ wᵢ·x̂ᵢ | Σ wᵢ·x̂ᵢ over Σ wᵢ |
//!
//! Costs three looks at every entry for thresholds and three to five for the truncated SVD, each Σ 2·rᵢ operations per entry.

use crate::election::{COMBINE, ELECT, VARIANT, elected};
use crate::facts::Facts;
use crate::method::{Detail, MergeMethod, ModuleInputs, Outcome};
use crate::on_factors::{self, SPACE, on_factors};
use crate::spec::{ANY, Law, Params, Reference, Section, Spec};
use crate::survey::Survey;
use crate::trim::{DENSITY, SCOPE_OF_VARIANT, Trim};
use rankweave_adapter::{Result, Warning};
use rankweave_compute::entries::Rule;

pub(super) struct Ties;

static SPEC: Spec = Spec {
    id: "ties",
    title: "TIES",
    summary: "Keeps each adapter's largest entries, elects a sign at every entry and averages what agrees with it.",
    formula: "M = mean{ τ̂ᵢ : sign τ̂ᵢ = γ },   γ = sign Σ τ̂ᵢ,   τ̂ᵢ = the largest `density` of τᵢ = wᵢ·ΔWᵢ",
    when: "For several adapters that pull entries both ways. On low-rank adapters it often comes out near the mean, and what \
           trimming makes has full rank: see how much of it the rank asked for keeps. The paper takes a density of 0.2.",
    reference: Reference {
        title: "TIES-Merging: Resolving Interference When Merging Models (Yadav et al., NeurIPS 2023)",
        url: "https://arxiv.org/abs/2306.01708",
    },
    section: Section::Sparse,
    adapters: ANY,
    experimental: false,
    params: &[VARIANT, DENSITY, SCOPE_OF_VARIANT, ELECT, COMBINE, SPACE],
    laws: &[Law::OrderFree, Law::GaugeFree, Law::Cancels, Law::SingleAt(&[("density", "1")])],
};

impl MergeMethod for Ties {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let variant = params.choice("variant");
        let combine = match params.choice("combine") {
            "variant" if variant == "mergekit" => "weighted",
            combine => combine,
        };
        on_factors::merged(module, params, |matrices| {
            let mut rule = Rule::sum(matrices.weights());
            matrices.keep(&mut rule, &trim(params), params);
            Ok(elected(rule, variant, params.choice("elect"), combine))
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
    let scope = match (params.choice("scope"), params.choice("variant")) {
        ("variant", "paper") => "file",
        ("variant", _) => "module",
        (scope, _) => scope,
    };
    Trim::new(params, scope)
}
