//! Analogy: what some adapters add and others take away.
//!
//! M = Σ τᵢ over the first adapters − Σ τᵢ over the last `minus` of them, in the mix's order, τᵢ = wᵢ·ΔWᵢ. Three adapters
//! and minus = 1 are a + b − c: what b has over c, added to a. One adapter and minus = 1 is its negation, which makes a
//! model forget what the adapter teaches. minus = 0 is the plain sum. A sum, not a mean.
//!
//! The same as `sum` with negative weights; here the weights stay what they are. Costs as `sum`.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{ANY, Law, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use rankweave_adapter::Result;
use rankweave_compute::Nulls;

pub(super) struct Analogy;

static SPEC: Spec = Spec {
    id: "analogy",
    title: "Analogy, negation",
    summary: "Adds the first adapters and takes the last ones away: a + b − c, or −a to forget.",
    formula: "M = τ₁ + … − … − τ_T",
    when: "To carry a difference over (a style learnt with another subject), or to unlearn. What is taken away should be \
           trained like what it is taken from; strong negations break models.",
    reference: Reference {
        title: "Editing Models with Task Arithmetic (Ilharco et al., 2023)",
        url: "https://arxiv.org/abs/2212.04089",
    },
    section: Section::Linear,
    adapters: ANY,
    experimental: false,
    params: &[ParamSpec {
        name: "minus",
        title: "Taken away",
        help: "How many adapters, counted from the last, are taken away: 0 none, all of them for a negation.",
        kind: ParamKind::Number { default: 1.0, min: 0.0, max: 64.0, step: 1.0 },
    }],
    laws: &[Law::GaugeFree],
};

impl MergeMethod for Analogy {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let plus = module.adapters.saturating_sub(params.count("minus"));
        let signed = |(adapter, weight): (&usize, &f64)| if *adapter < plus { *weight } else { -weight };
        let coefficients = module.present.iter().zip(module.weights).map(signed).collect();
        Ok(Merged::Linear { coefficients, nulls: Nulls::Drop }.into())
    }
}
