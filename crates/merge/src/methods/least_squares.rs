//! Least squares: the sum in which every adapter is found again at full strength.
//!
//! M = Σ cᵢ·τᵢ with G·c = diag(G), G the Gram matrix ⟨τᵢ, τⱼ⟩: then ⟨M, τᵢ⟩ = ‖τᵢ‖² for every i, the retention of each
//! adapter is exactly 1. Where adapters are dependent (copies), the solution of least norm.
//!
//! Adapters at right angles give the plain sum, copies the adapter itself, and what adapters share is counted once.
//! Nearly dependent adapters of unlike strength can get large coefficients of opposite sign. A sum, not a mean.
//! Costs a Gram matrix per module.

use crate::gram::{Gram, Scalar, from};
use crate::spec::{ANY, Law, Params, Reference, Section, Spec};

static SPEC: Spec = Spec {
    id: "least-squares",
    title: "Least squares",
    summary: "Chooses the coefficients so that every adapter is in the result at exactly its own strength.",
    formula: "M = Σ cᵢ·τᵢ,   G·c = diag(G)",
    when: "When adapters overlap and a sum would count twice what they share. Of two nearly equal adapters of unlike strength \
           it makes much of the difference, which may be noise.",
    reference: Reference { title: "Normal equations of Σ cᵢ·τᵢ", url: "" },
    section: Section::Scalar,
    adapters: ANY,
    experimental: false,
    params: &[from("file")],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree, Law::Idempotent],
};

pub(super) static METHOD: Scalar = Scalar { spec: &SPEC, rule };

fn rule(gram: &Gram, _: &Params) -> Vec<f64> {
    let diagonal: Vec<f64> = (0..gram.count).map(|i| gram.inner(i, i)).collect();
    rankweave_compute::linalg::solve_gram(&gram.values, &diagonal)
}
