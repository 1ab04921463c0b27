//! MetaGPT: shares by squared norm, over the whole model.
//!
//! M = Σ cᵢ·τᵢ with cᵢ = ‖τᵢ‖²/Σⱼ‖τⱼ‖²: what minimises a bound on the tasks' mean loss, if losses are quadratic around the
//! base and adapters lie at right angles. A mean: the shares add up to 1.
//!
//! Strong adapters are favoured twice, by their norm and by their share; in published comparisons of adapters it comes
//! out last. Costs a Gram matrix per module and one more look at all modules.

use super::from::shares;
use crate::gram::{Gram, Scalar, from};
use crate::spec::{ANY, Law, Params, Reference, Section, Spec};

static SPEC: Spec = Spec {
    id: "metagpt",
    title: "MetaGPT",
    summary: "Averages the adapters with shares by their squared norms.",
    formula: "M = Σ ‖τᵢ‖²/(Σⱼ ‖τⱼ‖²) · τᵢ",
    when: "To reproduce it. Large adapters are favoured; mean or norm-equalise do better where norms differ by accident.",
    reference: Reference { title: "MetaGPT (Zhou et al., EMNLP 2024)", url: "https://arxiv.org/abs/2406.11385" },
    section: Section::Scalar,
    adapters: ANY,
    experimental: false,
    params: &[from("file")],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree],
};

pub(super) static METHOD: Scalar = Scalar { spec: &SPEC, rule };

fn rule(gram: &Gram, _: &Params) -> Vec<f64> {
    shares(&gram.norms(), 2.0)
}
