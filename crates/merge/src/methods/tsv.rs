//! TSV-M: every adapter's singular vectors side by side, made orthogonal together.
//!
//! τᵢ = wᵢ·ΔWᵢ = Uᵢ·Σᵢ·Vᵢᵀ over its first kᵢ directions; U = \[U₁|…|U_T] (out×K), V likewise (in×K), Σ all values in
//! turn. Directions of different adapters overlap, so both frames are replaced by the nearest ones with orthonormal
//! columns, their polar factors:
//!
//! ```text
//! M = polar(U)·diag(Σ)·polar(V)ᵀ      polar(U) = P·Qᵀ of U = P·S·Qᵀ
//! ```
//!
//! `keep` = 1 takes every direction of every adapter, smaller shares only the strongest ones. A sum, not a mean.
//! Adapters at right angles give their plain sum. For dissimilar adapters, three or more; near copies are what it
//! is not made for. The official code takes ⌊min(out, in)/T⌋ directions, null ones of low-rank adapters among them,
//! and the full polar factor, which for copies of an adapter turns arbitrary directions on: here the polar factor is
//! restricted to directions that are there, so that copies give the adapter itself.
//!
//! Costs T + 3 SVDs of matrices of Σrᵢ.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{ANY, Law, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::spectra;
use rankweave_adapter::Result;

pub(super) struct Tsv;

static SPEC: Spec = Spec {
    id: "tsv",
    title: "TSV-M",
    summary: "Makes the adapters' singular vectors orthogonal to each other before adding them up.",
    formula: "M = polar([U₁|…|U_T]) · diag(σ) · polar([V₁|…|V_T])ᵀ",
    when: "For three or more dissimilar adapters that blur each other in a sum. Adapters that are alike come out weaker \
           than in a sum, as strong as one of them.",
    reference: Reference {
        title: "Task Singular Vectors (Gargiulo et al., CVPR 2025)",
        url: "https://arxiv.org/abs/2412.00081",
    },
    section: Section::Spectral,
    adapters: ANY,
    experimental: false,
    params: &[ParamSpec {
        name: "keep",
        title: "Directions kept",
        help: "Share of each adapter's directions, strongest first: 1 keeps all, 0.1 a tenth (and one at least).",
        kind: ParamKind::Number { default: 1.0, min: 0.0, max: 1.0, step: 0.05 },
    }],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree, Law::Idempotent],
};

impl MergeMethod for Tsv {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let parts = spectra::leading(&module.deltas()?, params.number("keep"))?;
        let merged = Merged::Core(spectra::orthogonalised(&parts)?);
        Ok(Outcome::from(merged).with("interference", spectra::interference(&parts)))
    }
}
