//! Norm-equalise: adapters of unlike strength brought to one.
//!
//! M = Σ cᵢ·τᵢ with cᵢ = (t/‖τᵢ‖)^γ and t the median, mean or geometric mean of the norms ‖τᵢ‖, τᵢ = wᵢ·ΔWᵢ.
//!
//! γ = 0 is the plain sum, γ = 1 makes all equally strong, ½ goes half the way. `raise` off only ever weakens. A sum,
//! not a mean. Weights count before the norms are taken: at γ = 1 their sizes have no effect but through t.
//! Zero adapters stay zero. Costs a Gram matrix per module.

use crate::gram::{Gram, Scalar, from, median};
use crate::spec::{ANY, Law, Option, ParamKind, ParamSpec, Params, Reference, Section, Spec};

static SPEC: Spec = Spec {
    id: "norm-equalise",
    title: "Norm-equalise",
    summary: "Brings adapters of unlike strength to the same norm, then adds them up.",
    formula: "M = Σ (t/‖τᵢ‖)^γ · τᵢ,   τᵢ = wᵢ·ΔWᵢ",
    when: "When one adapter drowns the others because it was trained longer or at a larger scale. At γ = 1 weights lose their \
           meaning: lower γ to keep some of it.",
    reference: Reference { title: "Norm equalisation, a practice of those who mix diffusion adapters", url: "" },
    section: Section::Scalar,
    adapters: ANY,
    experimental: false,
    params: &[
        ParamSpec {
            name: "target",
            title: "Target",
            help: "What all are brought to.",
            kind: ParamKind::Choice {
                default: "median",
                options: &[
                    Option { id: "median", title: "median of the norms" },
                    Option { id: "mean", title: "mean of the norms" },
                    Option { id: "geometric", title: "geometric mean of the norms" },
                ],
            },
        },
        ParamSpec {
            name: "gamma",
            title: "γ",
            help: "0 leaves the norms as they are, 1 makes them equal.",
            kind: ParamKind::Number { default: 1.0, min: 0.0, max: 1.0, step: 0.05 },
        },
        ParamSpec {
            name: "raise",
            title: "Raise weak ones",
            help: "Off: strong adapters are weakened, weak ones stay as they are.",
            kind: ParamKind::Flag { default: true },
        },
        from("file"),
    ],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree],
};

pub(super) static METHOD: Scalar = Scalar { spec: &SPEC, rule };

fn rule(gram: &Gram, params: &Params) -> Vec<f64> {
    let norms = gram.norms();
    let live: Vec<f64> = norms.iter().copied().filter(|norm| *norm > 0.0).collect();
    let count = live.len().max(1) as f64;
    let target = match params.choice("target") {
        "mean" => live.iter().sum::<f64>() / count,
        "geometric" => (live.iter().map(|norm| norm.ln()).sum::<f64>() / count).exp(),
        _ => median(&live),
    };
    let (gamma, raise) = (params.number("gamma"), params.flag("raise"));
    let factor = |norm: &f64| if *norm > 0.0 { (target / norm).powf(gamma) } else { 1.0 };
    norms.iter().map(factor).map(|c| if raise { c } else { c.min(1.0) }).collect()
}
