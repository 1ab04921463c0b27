//! MagMax: at every entry the adapter that changes it most.
//!
//! ```text
//! M = τⱼ,  j = argmaxᵢ |τᵢ|        at every entry of τᵢ = wᵢ·ΔWᵢ (out×columns)
//! ```
//!
//! Nothing is averaged and nothing is added: of entries that pull both ways the weaker ones go. Of equal ones the first
//! adapter's stays. The paper scales the result by 0.5, and so does FusionBench; here λ is 1, with which copies of an
//! adapter give it back. Costs three to five looks at every entry for the truncated SVD, each Σ 2·rᵢ operations per entry.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{ANY, Law, Params, Reference, Section, Spec};
use rankweave_adapter::Result;
use rankweave_compute::entries::{Combine, Rule};

pub(super) struct MagMax;

static SPEC: Spec = Spec {
    id: "magmax",
    title: "MagMax",
    summary: "Takes each entry from the adapter that changes it most.",
    formula: "M = τⱼ with the largest |τⱼ|, entry by entry,   τᵢ = wᵢ·ΔWᵢ",
    when: "For checkpoints of one model that was trained on one task after another. A louder adapter wins nearly every \
           entry: make their norms equal first. Unrelated adapters keep about as much of each other's noise as of what \
           they are for.",
    reference: Reference {
        title: "MagMax: Leveraging Model Merging for Seamless Continual Learning (Marczak et al., ECCV 2024)",
        url: "https://arxiv.org/abs/2407.06322",
    },
    section: Section::Sparse,
    adapters: ANY,
    experimental: false,
    params: &[],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree, Law::Idempotent],
};

impl MergeMethod for MagMax {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, _: &Params) -> Result<Outcome> {
        let rule = Rule { combine: Combine::Max, ..Rule::sum(module.weights) };
        Ok(Merged::Entries(Box::new(rule)).into())
    }

    fn full_rank(&self) -> bool {
        true
    }
}
