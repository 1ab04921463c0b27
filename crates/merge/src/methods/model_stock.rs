//! Model Stock: an average that is the stronger, the more the adapters agree.
//!
//! With c̄ the mean cosine of all pairs (at least 0) and t = T·c̄/(1 + (T − 1)·c̄): M = (t/T)·Σ τᵢ.
//!
//! Copies give t = 1, the plain mean; adapters at right angles give nothing, for the centre of the thin shell on which
//! fine-tuned weights lie is then the base itself. The base cancels, so that adapters suffice. A mean. Costs a Gram
//! matrix per module.

use crate::gram::{Gram, Scalar, from};
use crate::spec::{ANY, Law, Params, Reference, Section, Spec};

static SPEC: Spec = Spec {
    id: "model-stock",
    title: "Model Stock",
    summary: "Averages the adapters and pulls the average towards the base the less they agree.",
    formula: "M = t · (1/T) · Σ τᵢ,   t = T·c̄/(1 + (T − 1)·c̄)",
    when: "For several runs of one training. Adapters of different subjects are nearly at right angles and all but vanish.",
    reference: Reference { title: "Model Stock (Jang et al., ECCV 2024)", url: "https://arxiv.org/abs/2403.19522" },
    section: Section::Scalar,
    adapters: ANY,
    experimental: false,
    params: &[from("module")],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree, Law::Idempotent],
};

pub(super) static METHOD: Scalar = Scalar { spec: &SPEC, rule };

fn rule(gram: &Gram, _: &Params) -> Vec<f64> {
    let count = gram.count as f64;
    let pairs = (0..gram.count).flat_map(|i| (0..i).map(move |j| (i, j)));
    let (sum, n) = pairs.fold((0.0, 0), |(sum, n), (i, j)| (sum + gram.cosine(i, j), n + 1));
    let mean = if n > 0 { (sum / f64::from(n)).clamp(0.0, 1.0) } else { 1.0 };
    let t = count * mean / (1.0 + (count - 1.0) * mean);
    vec![t / count; gram.count]
}
