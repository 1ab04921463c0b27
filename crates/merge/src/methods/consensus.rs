//! Consensus merging: of the sum only the entries that several adapters would know as their own.
//!
//! ```text
//! maskᵢ = |τᵢ| > λ·|τ_MT − τᵢ|         at every entry of τᵢ = wᵢ·ΔWᵢ (out×columns), τ_MT = Σ τᵢ or TIES
//! M     = τ_MT where Σ maskᵢ ≥ k, else 0
//! ```
//!
//! An entry is *catastrophic* where no mask holds (the adapters bury one another), *selfish* where one does, *shared*
//! where several do; the report has the shares, with which this is a diagnosis too. Of a module that fewer than k
//! adapters have, k is as many as have it: what one adapter alone changes stays as it is. Of up to 1 + 1/λ adapters (three,
//! by default) nothing of the sum is catastrophic: the largest entry's mask always holds.
//!
//! A sum, not a mean. The paper then takes an α of 0.3 to 0.4 for eight tasks and more, found on data, as it finds each
//! task's λ among 0.2 … 0.6; here λ = 0.4 and nothing is scaled. `ties` is the sum of what agrees with the elected sign.
//! FusionBench's `TallMaskTaskArithmetic` compares with the base model's weights where the adapter's are meant.
//!
//! Costs a look at every entry for the shares, three for thresholds of TIES, three to five for the truncated SVD, each
//! Σ 2·rᵢ operations per entry.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::multitask::{self, FACTOR, OF};
use crate::spec::{ANY, Law, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::survey::Survey;
use crate::trim::{DENSITY, SCOPE};
use rankweave_adapter::Result;
use rankweave_compute::entries::{Rule, Select, Sums};

pub(super) struct Consensus;

static SPEC: Spec = Spec {
    id: "consensus",
    title: "Consensus (TALL masks)",
    summary: "Adds the adapters up and drops the entries that fewer than k of them would know as their own.",
    formula: "M = τ where Σᵢ [ |τᵢ| > λ·|τ − τᵢ| ] ≥ k, else 0,   τ = Σ τᵢ or TIES,   τᵢ = wᵢ·ΔWᵢ",
    when: "As a filter on the sum of many adapters, and to see how much of it is shared, selfish or lost. With few adapters \
           most entries are one's own: k = 2 then drops much of what each is for, k = 1 only what none of them knows.",
    reference: Reference {
        title: "Localizing Task Information for Improved Model Merging and Compression (Wang et al., ICML 2024)",
        url: "https://arxiv.org/abs/2405.07813",
    },
    section: Section::Sparse,
    adapters: ANY,
    experimental: false,
    params: &[
        ParamSpec {
            name: "k",
            title: "Adapters that must agree",
            help: "0 keeps all, 1 drops what no adapter knows (catastrophic), 2 also what only one does (selfish).",
            kind: ParamKind::Number { default: 2.0, min: 0.0, max: 64.0, step: 1.0 },
        },
        FACTOR,
        OF,
        DENSITY,
        SCOPE,
    ],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree, Law::Cancels],
};

impl MergeMethod for Consensus {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let sums = Sums::of(module.looked.round(multitask::looks(params)));
        let share = |count: f64| count / sums.entries.max(1.0);
        let [catastrophic, selfish, shared] = sums.held.map(share);
        Ok(Outcome::from(Merged::Entries(Box::new(rule(module, params))))
            .with("catastrophic", catastrophic)
            .with("selfish", selfish)
            .with("shared", shared))
    }

    fn rounds(&self, params: &Params) -> usize {
        multitask::rounds(params)
    }

    fn survey(&self, round: usize, module: &ModuleInputs, params: &Params) -> Result<Survey> {
        Ok(multitask::survey(round, module, params))
    }

    fn looks(&self, params: &Params) -> usize {
        multitask::looks(params) + 1
    }

    fn look(&self, look: usize, module: &ModuleInputs, params: &Params) -> Result<Survey> {
        if look < multitask::looks(params) {
            return self.survey(look, module, params);
        }
        Ok(Survey::Sums(rule(module, params)))
    }

    fn full_rank(&self) -> bool {
        true
    }
}

fn rule(module: &ModuleInputs, params: &Params) -> Rule {
    let least = params.count("k").min(module.pairs.len()) as u32;
    multitask::rule(module, params, Select::Held { factor: params.number("factor") as f32, least, only: None })
}
