//! FroM: the stronger an adapter, the larger its share.
//!
//! M = Σ cᵢ·τᵢ with cᵢ = ‖τᵢ‖ᵏ/Σⱼ‖τⱼ‖ᵏ. k = 0 is the plain average, large k keeps the strongest adapter alone.
//!
//! A mean: the shares add up to 1. k = 2 over the whole file is MetaGPT. Costs a Gram matrix per module.

use crate::gram::{Gram, Scalar, from};
use crate::spec::{ANY, Law, ParamKind, ParamSpec, Params, Reference, Section, Spec};

static SPEC: Spec = Spec {
    id: "from",
    title: "FroM (Frobenius norm)",
    summary: "Averages the adapters with shares that grow with their norms, module by module.",
    formula: "M = Σ ‖τᵢ‖ᵏ/(Σⱼ ‖τⱼ‖ᵏ) · τᵢ",
    when: "When each module should mostly follow the adapter that changed it most.",
    reference: Reference {
        title: "FroM: Frobenius-norm based merging (2025)",
        url: "https://arxiv.org/abs/2506.02478",
    },
    section: Section::Scalar,
    adapters: ANY,
    experimental: false,
    params: &[
        ParamSpec {
            name: "k",
            title: "k",
            help: "0 averages plainly, 1 shares by norm, 10 nearly takes the strongest alone.",
            kind: ParamKind::Number { default: 1.0, min: 0.0, max: 10.0, step: 0.5 },
        },
        from("module"),
    ],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree],
};

pub(super) static METHOD: Scalar = Scalar { spec: &SPEC, rule };

fn rule(gram: &Gram, params: &Params) -> Vec<f64> {
    shares(&gram.norms(), params.number("k"))
}

/// xᵢᵏ/Σxⱼᵏ, by the largest x, so that no power leaves the range.
pub(super) fn shares(norms: &[f64], k: f64) -> Vec<f64> {
    let largest = norms.iter().copied().fold(0.0, f64::max);
    if largest == 0.0 {
        return vec![0.0; norms.len()];
    }
    let powers: Vec<f64> = norms.iter().map(|norm| (norm / largest).powf(k)).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| power / sum).collect()
}
