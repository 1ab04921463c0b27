//! EMR: the elected sign, the largest that has it, and one factor for the size.
//!
//! ```text
//! elect     γ = sign Σᵢ τᵢ                                 at every entry of τᵢ = wᵢ·ΔWᵢ (out×columns)
//! take      u = γ·max{ |τᵢ| : τᵢ has γ }
//! rescale   M = mean(λᵢ)·u,   λᵢ = Σ|τᵢ| / Σ{ |u| : τᵢ has γ }   over all modules
//! ```
//!
//! The paper keeps u once and for each task a mask and its λᵢ, with which the task is put back. A single file has room
//! for no masks: this is u itself, as large as the adapters' masked ones are on average. A maximum is larger than any of
//! what it is of, so that λᵢ < 1 as a rule.
//!
//! | `rescale` | λᵢ | as in |
//! |---|---|---|
//! | `sums` | sums over all entries of all modules | the paper's code |
//! | `means` | each module counts as its mean, small and large ones alike | FusionBench |
//! | `none` | 1 | |
//!
//! Both take the sign − where adapters cancel; here the entry is 0, as an adapter and its negation would otherwise leave
//! all of one. Costs a look at every entry for λ, and three to five for the truncated SVD, each Σ 2·rᵢ operations per
//! entry.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{ANY, Law, Option as Choice, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::survey::Survey;
use rankweave_adapter::Result;
use rankweave_compute::entries::{Combine, Elect, Rule, Sums};

pub(super) struct Emr;

static SPEC: Spec = Spec {
    id: "emr",
    title: "EMR",
    summary: "Elects a sign at every entry, takes the largest entry that has it, and scales to the adapters' size.",
    formula: "M = mean(λᵢ)·γ·max{ |τᵢ| : sign τᵢ = γ },   γ = sign Σ τᵢ,   λᵢ = Σ|τᵢ| / Σ{ |u| : sign τᵢ = γ }",
    when: "To hear of every adapter what it says loudest, without averaging it away. The method is made for files that keep \
           a mask for each task; without masks every adapter's largest entries act at once, which is much of them.",
    reference: Reference {
        title: "EMR-Merging: Tuning-Free High-Performance Model Merging (Huang et al., NeurIPS 2024)",
        url: "https://arxiv.org/abs/2405.17461",
    },
    section: Section::Sparse,
    adapters: ANY,
    experimental: false,
    params: &[ParamSpec {
        name: "rescale",
        title: "Size from",
        help: "What the adapters' size is compared by: the sums of all their entries, the sums of each module's mean, which \
               lets a small module count as much as a large one, or nothing.",
        kind: ParamKind::Choice {
            default: "sums",
            options: &[
                Choice { id: "sums", title: "all entries together" },
                Choice { id: "means", title: "the means of the modules" },
                Choice { id: "none", title: "nothing: the largest as they are" },
            ],
        },
    }],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree, Law::Idempotent, Law::Cancels],
};

impl MergeMethod for Emr {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let mut rule = rule(module);
        let factor = if self.rounds(params) > 0 { factor(module) } else { 1.0 };
        rule.scale = factor as f32;
        Ok(Outcome::from(Merged::Entries(Box::new(rule))).with("rescaled", factor))
    }

    fn rounds(&self, params: &Params) -> usize {
        usize::from(params.choice("rescale") != "none")
    }

    fn survey(&self, _: usize, module: &ModuleInputs, params: &Params) -> Result<Survey> {
        let entries = module.pairs.first().map_or(0, |pair| pair.out * pair.columns);
        let each = if params.choice("rescale") == "means" { 1.0 / entries.max(1) as f64 } else { 1.0 };
        Ok(Survey::Weighed(rule(module), each))
    }

    fn full_rank(&self) -> bool {
        true
    }
}

fn rule(module: &ModuleInputs) -> Rule {
    Rule { elect: Elect::Mass, combine: Combine::Max, ..Rule::sum(module.weights) }
}

/// The mean λᵢ of those that have one: an adapter that agrees with nothing has none.
fn factor(module: &ModuleInputs) -> f64 {
    let parts = Sums::of(module.facts.round(0)).parts;
    let factors: Vec<f64> = parts.iter().filter(|p| p.agreed > 0.0).map(|part| part.size / part.agreed).collect();
    if factors.is_empty() { 1.0 } else { factors.iter().sum::<f64>() / factors.len() as f64 }
}
