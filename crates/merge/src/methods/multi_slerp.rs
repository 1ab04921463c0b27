//! Multi-SLERP: the mean direction of several adapters, at their mean strength.
//!
//! With directions uᵢ = τᵢ/‖τᵢ‖ and shares ωᵢ = |wᵢ|/Σ|wⱼ|, μ the direction of Σωᵢuᵢ: M = n·μ with n = Σ ωᵢ·‖τᵢ‖.
//!
//! mergekit goes on from μ along Σ ωᵢ·(uᵢ − ⟨uᵢ, μ⟩·μ), which is zero, since Σωᵢuᵢ is parallel to μ: nothing is lost by
//! leaving that out. As strong as the adapters are on average, however many there are. A weight says both how far the
//! direction leans and how strong the adapter is. Where the directions cancel, nothing is left. `karcher` is the exact
//! mean on the sphere. Costs a Gram matrix per module.

use crate::gram::{Gram, Scalar, from};
use crate::spec::{ANY, Law, Params, Reference, Section, Spec};
use crate::sphere::Sphere;

static SPEC: Spec = Spec {
    id: "multi-slerp",
    title: "Multi-SLERP",
    summary: "Averages the directions of the adapters and keeps their mean strength.",
    formula: "M = (Σ ωᵢ·‖τᵢ‖) · μ,   μ the direction of Σ ωᵢ·τᵢ/‖τᵢ‖",
    when: "For several adapters whose blend should be as strong as each of them is. karcher is the exact mean.",
    reference: Reference { title: "Multi-SLERP of mergekit", url: "https://github.com/arcee-ai/mergekit" },
    section: Section::Scalar,
    adapters: ANY,
    experimental: false,
    params: &[from("module")],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree, Law::Idempotent],
};

pub(super) static METHOD: Scalar = Scalar { spec: &SPEC, rule };

fn rule(gram: &Gram, _: &Params) -> Vec<f64> {
    let sphere = Sphere::new(gram);
    let Some(middle) = sphere.direction(&sphere.shares) else { return vec![0.0; gram.count] };
    sphere.lengthened(&middle)
}
