//! NAN: the stronger an adapter, the smaller its share.
//!
//! M = Σ cᵢ·τᵢ with cᵢ ∝ 1/‖τᵢ‖ and Σcᵢ = 1 (`total` = `mean`) or T (`total` = `sum`).
//!
//! The paper takes norms of whole fine-tuned weights; adapters alone have only those of their deltas. Zero adapters get
//! no share and do not count. All shares cᵢ·τᵢ have the same norm. Costs a Gram matrix per module.

use crate::gram::{Gram, Scalar, from};
use crate::spec::{ANY, Law, Option, ParamKind, ParamSpec, Params, Reference, Section, Spec};

static SPEC: Spec = Spec {
    id: "nan",
    title: "NAN (inverse norm)",
    summary: "Averages the adapters with shares inverse to their norms.",
    formula: "M = Σ cᵢ·τᵢ,   cᵢ = (1/‖τᵢ‖)/(Σⱼ 1/‖τⱼ‖)",
    when: "When adapters of very unlike strength should count alike. Unlike norm-equalise it looks at each module by itself.",
    reference: Reference {
        title: "NAN: training-free merging by norms (Si et al., 2025)",
        url: "https://arxiv.org/abs/2505.16148",
    },
    section: Section::Scalar,
    adapters: ANY,
    experimental: false,
    params: &[
        ParamSpec {
            name: "total",
            title: "Shares add up to",
            help: "1, as an average does, or the number of adapters, as a sum does.",
            kind: ParamKind::Choice {
                default: "mean",
                options: &[Option { id: "mean", title: "1: an average" }, Option { id: "sum", title: "T: a sum" }],
            },
        },
        from("module"),
    ],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree],
};

pub(super) static METHOD: Scalar = Scalar { spec: &SPEC, rule };

fn rule(gram: &Gram, params: &Params) -> Vec<f64> {
    let norms = gram.norms();
    let inverse: Vec<f64> = norms.iter().map(|norm| if *norm > 0.0 { 1.0 / norm } else { 0.0 }).collect();
    let sum: f64 = inverse.iter().sum();
    let live = inverse.iter().filter(|x| **x > 0.0).count() as f64;
    let total = if params.choice("total") == "sum" { live } else { 1.0 };
    inverse.iter().map(|x| if sum > 0.0 { total * x / sum } else { 0.0 }).collect()
}
