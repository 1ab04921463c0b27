//! Karcher mean: the middle of several adapters on the sphere.
//!
//! The direction x whose logarithms to all uᵢ = τᵢ/‖τᵢ‖ balance, Σ ωᵢ·log_x uᵢ = 0, with shares ωᵢ = |wᵢ|/Σ|wⱼ|; found by
//! x ← exp_x(Σ ωᵢ·log_x uᵢ) from the direction of Σωᵢuᵢ until a step is shorter than 10⁻⁹ or `steps` are done.
//!
//! ```text
//! log_x u = θ/sin θ·(u − cos θ·x)      cos θ = ⟨u, x⟩      M = (Σ ωᵢ·‖τᵢ‖)·x
//! ```
//!
//! As strong as the adapters are on average. For two adapters it is on the arc between them. Everything happens in the
//! span of the adapters, so that their Gram matrix suffices. Costs that, per module.

use crate::gram::{Gram, Scalar, from};
use crate::spec::{ANY, Law, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::sphere::Sphere;

static SPEC: Spec = Spec {
    id: "karcher",
    title: "Karcher mean",
    summary: "Finds the middle of the adapters on the sphere of directions and keeps their mean strength.",
    formula: "M = (Σ ωᵢ·‖τᵢ‖)·x,   Σ ωᵢ·log_x(τᵢ/‖τᵢ‖) = 0",
    when: "For several adapters whose blend should be as strong as each of them is, and lie fairly between them.",
    reference: Reference {
        title: "Riemannian centre of mass (Karcher, 1977), as in mergekit",
        url: "https://doi.org/10.1002/cpa.3160300502",
    },
    section: Section::Scalar,
    adapters: ANY,
    experimental: false,
    params: &[
        ParamSpec {
            name: "steps",
            title: "Steps",
            help: "At most this many; 10 are plenty for adapters that do not oppose each other.",
            kind: ParamKind::Number { default: 10.0, min: 1.0, max: 100.0, step: 1.0 },
        },
        from("module"),
    ],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree, Law::Idempotent],
};

pub(super) static METHOD: Scalar = Scalar { spec: &SPEC, rule };

/// A step, or the sine of an angle, that counts as none.
const SMALL: f64 = 1e-9;

fn rule(gram: &Gram, params: &Params) -> Vec<f64> {
    let sphere = Sphere::new(gram);
    let Some(mut x) = sphere.direction(&sphere.shares) else { return vec![0.0; gram.count] };
    for _ in 0..params.count("steps") {
        let logarithm = |i: usize| {
            let cosine = sphere.cosine(&x, i);
            let angle = cosine.acos();
            let factor = if angle.sin() > SMALL { angle / angle.sin() } else { 1.0 };
            sphere.tangent(&x, i, cosine).iter().map(|c| factor * c).collect()
        };
        let step = sphere.blended(logarithm);
        let (next, length) = sphere.walked(&x, &step);
        x = next;
        if length < SMALL {
            break;
        }
    }
    sphere.lengthened(&x)
}
