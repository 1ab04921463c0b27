//! SLERP: from one adapter to another along the arc between them.
//!
//! With θ the angle between τ₁ and τ₂: M = \[sin((1 − t)θ)·τ₁ + sin(tθ)·τ₂]/sin θ. t = 0 is the first, t = 1 the second.
//!
//! Nearly parallel or opposite adapters (|cos θ| > 0.9995), and a module that one of them lacks, are mixed in a straight
//! line. Between adapters at right angles, as most are, t = ½ gives 0.71 of each: louder than their mean. The angle is
//! taken between the deltas, as mergekit does for task vectors. Costs a Gram matrix per module.

use crate::gram::{Gram, Scalar, from};
use crate::spec::{Law, ParamKind, ParamSpec, Params, Reference, Section, Spec};

static SPEC: Spec = Spec {
    id: "slerp",
    title: "SLERP",
    summary: "Goes from one adapter to another along the arc between them, which keeps its strength.",
    formula: "M = [sin((1 − t)θ)·τ₁ + sin(tθ)·τ₂]/sin θ",
    when: "For a blend of two adapters that is as strong as they are, where a mean of them would be too weak.",
    reference: Reference {
        title: "Animating rotation with quaternion curves (Shoemake, 1985)",
        url: "https://doi.org/10.1145/325334.325242",
    },
    section: Section::Scalar,
    adapters: (2, 2),
    experimental: false,
    params: &[
        ParamSpec {
            name: "t",
            title: "t",
            help: "0 gives the first adapter, 1 the second, 0.5 the middle of the arc.",
            kind: ParamKind::Number { default: 0.5, min: 0.0, max: 1.0, step: 0.05 },
        },
        from("module"),
    ],
    laws: &[Law::GaugeFree, Law::Idempotent],
};

pub(super) static METHOD: Scalar = Scalar { spec: &SPEC, rule };

fn rule(gram: &Gram, params: &Params) -> Vec<f64> {
    let t = params.number("t");
    let share = |adapter: &usize| if *adapter == 0 { 1.0 - t } else { t };
    match gram.norms()[..] {
        [a, b] if a > 0.0 && b > 0.0 => arc(gram.cosine(0, 1), t).to_vec(),
        _ => gram.adapters.iter().map(share).collect(),
    }
}

/// Coefficients of the point at share `t` of the arc between two vectors with this cosine.
pub(super) fn arc(cosine: f64, t: f64) -> [f64; 2] {
    const STRAIGHT: f64 = 0.9995;
    if cosine.abs() > STRAIGHT {
        return [1.0 - t, t];
    }
    let angle = cosine.acos();
    [((1.0 - t) * angle).sin() / angle.sin(), (t * angle).sin() / angle.sin()]
}
