//! Sum: what loading all adapters at once does.
//!
//! M = Σᵢ wᵢ·ΔWᵢ (out×in), formed from the stacked factors
//! \[w₁B₁|…|w_T·B_T]·\[A₁;…;A_T] and never from its parts A and B averaged apart:
//! (ΣB)(ΣA) contains the cross terms BᵢAⱼ, which belong to no adapter. PEFT's
//! `linear` and kohya's plain merge have them; PEFT's `svd` and `cat` do not.
//!
//! Costs: the Gram matrices, one R×R SVD and two thin products per module.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{ANY, Law, Params, Reference, Section, Spec};
use rankweave_adapter::Result;
use rankweave_compute::Nulls;

pub(super) struct Sum;

static SPEC: Spec = Spec {
    id: "sum",
    title: "Sum (exact)",
    summary: "Adds the adapters up: the merged file acts as all of them loaded at once, each at its weight.",
    formula: "M = Σ wᵢ·ΔWᵢ",
    when: "The first choice. Right when the adapters are to act together as they would when stacked at inference. \
           When they change the same things in different ways, their effects add up and may overshoot: lower the \
           weights or λ.",
    reference: Reference {
        title: "Editing Models with Task Arithmetic (Ilharco et al., 2023)",
        url: "https://arxiv.org/abs/2212.04089",
    },
    section: Section::Linear,
    adapters: ANY,
    experimental: false,
    params: &[],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree, Law::Additive, Law::Cancels],
};

impl MergeMethod for Sum {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, _: &Params) -> Result<Outcome> {
        Ok(Merged::Linear { coefficients: module.weights.to_vec(), nulls: Nulls::Drop }.into())
    }
}
