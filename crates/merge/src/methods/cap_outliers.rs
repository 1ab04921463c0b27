//! Cap outliers: an adapter far stronger than the others is weakened to where the others end.
//!
//! M = Σ min(1, (m + k·d)/‖τᵢ‖)·τᵢ, m the median of the norms ‖τᵢ‖ and d the median of |‖τᵢ‖ − m|.
//!
//! k = 0 caps at the median, large k at nothing. With two adapters m lies half way between them and d is half their
//! difference, so that from k = 1 on nothing is capped: it is made for three and more. A sum, not a mean; it only ever
//! weakens. Costs a Gram matrix per module.

use crate::gram::{Gram, Scalar, from, median};
use crate::spec::{ANY, Law, ParamKind, ParamSpec, Params, Reference, Section, Spec};

static SPEC: Spec = Spec {
    id: "cap-outliers",
    title: "Cap outliers",
    summary: "Weakens an adapter that is far stronger than the others, module by module, then adds up.",
    formula: "M = Σ min(1, (m + k·d)/‖τᵢ‖) · τᵢ",
    when: "When one adapter of several is overtrained in some modules. Needs three adapters or more to tell an outlier.",
    reference: Reference { title: "OCAP: outliers capped at median and median deviation", url: "" },
    section: Section::Scalar,
    adapters: ANY,
    experimental: false,
    params: &[
        ParamSpec {
            name: "k",
            title: "k",
            help: "How many median deviations above the median are allowed: 0 allows none, 10 nearly everything.",
            kind: ParamKind::Number { default: 3.0, min: 0.0, max: 10.0, step: 0.5 },
        },
        from("module"),
    ],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree],
};

pub(super) static METHOD: Scalar = Scalar { spec: &SPEC, rule };

fn rule(gram: &Gram, params: &Params) -> Vec<f64> {
    let norms = gram.norms();
    let middle = median(&norms);
    let deviation = median(&norms.iter().map(|norm| (norm - middle).abs()).collect::<Vec<_>>());
    let most = middle + params.number("k") * deviation;
    norms.iter().map(|norm| if *norm > most { most / norm } else { 1.0 }).collect()
}
