//! Multi-SLERP: the middle of several adapters on the sphere, in one step.
//!
//! With directions uᵢ = τᵢ/‖τᵢ‖ and shares ωᵢ = |wᵢ|/Σ|wⱼ|, μ the direction of Σωᵢuᵢ and v = Σ ωᵢ·(uᵢ − ⟨uᵢ, μ⟩·μ):
//!
//! ```text
//! M = n·(cos‖v‖·μ + sin‖v‖·v/‖v‖)      n = Σ ωᵢ·‖τᵢ‖
//! ```
//!
//! As strong as the adapters are on average, however many there are. A weight says both how far the direction leans
//! and how strong the adapter is. Where the directions cancel, nothing is left. One step of what `karcher` repeats.
//! Costs a Gram matrix per module.

use crate::gram::{Gram, Scalar, from};
use crate::spec::{ANY, Law, Params, Reference, Section, Spec};
use crate::sphere::Sphere;

static SPEC: Spec = Spec {
    id: "multi-slerp",
    title: "Multi-SLERP",
    summary: "Averages the directions of the adapters on the sphere, in one step, and keeps their mean strength.",
    formula: "M = n · exp_μ(Σ ωᵢ·(uᵢ − ⟨uᵢ, μ⟩·μ)),   uᵢ = τᵢ/‖τᵢ‖",
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
    let step = sphere.blended(|i| sphere.tangent(&middle, i, sphere.cosine(&middle, i)));
    sphere.lengthened(&sphere.walked(&middle, &step).0)
}
