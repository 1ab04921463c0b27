//! Concat: the sum, with the adapters' own rank slots kept side by side.
//!
//! M = \[w₁B₁|…|w_T·B_T]·\[A₁;…;A_T], rank Σrᵢ: the same delta as `sum`, but with no
//! decomposition at all while the rank policy leaves every slot in, so that the
//! first r₁ slots are the first adapter and so on. PEFT calls it `cat`. kohya's
//! `--concat` keeps the first file's alpha at the larger rank and so comes out
//! weaker; here the scale is right.
//!
//! Costs: one pass over the factors.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{ANY, Law, Params, Reference, Section, Spec};
use rankweave_adapter::Result;
use rankweave_compute::Nulls;

pub(super) struct Concat;

static SPEC: Spec = Spec {
    id: "concat",
    title: "Concat",
    summary: "Puts the adapters' rank slots side by side: the same delta as the sum, nothing recomputed.",
    formula: "M = [w₁·B₁ | … | w_T·B_T] · [A₁; …; A_T]",
    when: "To keep the adapters separable inside one file, or as the fastest lossless merge. The rank is the sum of \
           all ranks and the file as large as all inputs; sum with rank exact gives the same delta and drops what is \
           redundant.",
    reference: Reference {
        title: "PEFT add_weighted_adapter, combination_type \"cat\"",
        url: "https://huggingface.co/docs/peft/developer_guides/lora",
    },
    section: Section::Linear,
    adapters: ANY,
    experimental: false,
    params: &[],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree, Law::Additive, Law::Cancels],
};

impl MergeMethod for Concat {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, _: &Params) -> Result<Outcome> {
        Ok(Merged::Linear { coefficients: module.weights.to_vec(), nulls: Nulls::Keep }.into())
    }
}
