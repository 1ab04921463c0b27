//! Mean: the weighted average of the adapters' deltas.
//!
//! M = (1/T)·Σᵢ wᵢ·ΔWᵢ (out×in), T the number of adapters that have the module
//! (`present`) or of all adapters (`all`). The weights are not normalised: with all
//! weights 1 it is the plain average, and equal adapters give themselves back.
//!
//! The deltas are averaged, not A and B: mean(B)·mean(A) is another matrix. Costs
//! as `sum`.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{ANY, Law, Option, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use rankweave_adapter::Result;
use rankweave_compute::Nulls;

pub(super) struct Mean;

static SPEC: Spec = Spec {
    id: "mean",
    title: "Mean",
    summary: "Averages the adapters: the sum divided by how many there are.",
    formula: "M = (1/T) · Σ wᵢ·ΔWᵢ",
    when: "For checkpoints of one training run, or adapters of one subject, whose common part is wanted at its own \
           strength. Adapters of different subjects each come out weaker: use sum to keep them.",
    reference: Reference { title: "Model soups (Wortsman et al., 2022)", url: "https://arxiv.org/abs/2203.05482" },
    section: Section::Linear,
    adapters: ANY,
    experimental: false,
    params: &[ParamSpec {
        name: "divide_by",
        title: "Divide by",
        help: "The adapters that have the module (one that lacks it does not weaken the others), or all of them (a \
               missing module counts as zero).",
        kind: ParamKind::Choice {
            default: "present",
            options: &[
                Option { id: "present", title: "adapters that have the module" },
                Option { id: "all", title: "all adapters" },
            ],
        },
    }],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree, Law::Idempotent, Law::Cancels],
};

impl MergeMethod for Mean {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let count = match params.choice("divide_by") {
            "all" => module.adapters,
            _ => module.pairs.len(),
        };
        Ok(Merged::Linear {
            coefficients: module.weights.iter().map(|w| w / count as f64).collect(),
            nulls: Nulls::Drop,
        }
        .into())
    }
}
