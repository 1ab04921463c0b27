//! Iso-C: the sum with all its directions equally strong.
//!
//! With Σᵢ wᵢ·ΔWᵢ = U·diag(σ)·Vᵀ over its ρ directions that are not null, and σ̄ the mean of σ:
//!
//! ```text
//! M = U·diag((1 − β)·σ + β·σ̄)·Vᵀ
//! ```
//!
//! β = 0 is the sum, β = 1 the flat spectrum of the paper. The mean runs over the ρ directions that are there; the
//! official dense code divides by min(out, in) and fills null directions with arbitrary vectors, so that its λ = 1 is
//! here λ = ρ/min(out, in). Weak directions are raised, noise among them: adapters of images may break above β = 0.5.
//! A sum, not a mean. One adapter at β > 0 is not itself.
//!
//! Costs one SVD of a matrix of Σrᵢ.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{ANY, Law, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::spectra;
use rankweave_adapter::Result;

pub(super) struct IsoC;

static SPEC: Spec = Spec {
    id: "iso-c",
    title: "Iso-C",
    summary: "Adds the adapters up and makes the directions of the sum equally strong.",
    formula: "M = U · diag((1 − β)·σ + β·σ̄) · Vᵀ   of   Σ wᵢ·ΔWᵢ = U·diag(σ)·Vᵀ",
    when: "For many adapters of which none should drown the others. Raises what is weak, noise included: for images stay \
           at β = 0.5 or below.",
    reference: Reference {
        title: "No Task Left Behind: isotropic merging (Marczak et al., ICML 2025)",
        url: "https://arxiv.org/abs/2502.04959",
    },
    section: Section::Spectral,
    adapters: ANY,
    experimental: false,
    params: &[ParamSpec {
        name: "beta",
        title: "β",
        help: "0 is the plain sum, 1 makes all directions equally strong.",
        kind: ParamKind::Number { default: 1.0, min: 0.0, max: 1.0, step: 0.05 },
    }],
    laws: &[Law::OrderFree, Law::GaugeFree, Law::Cancels],
};

impl MergeMethod for IsoC {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let sum = spectra::sum_and_parts(module)?.0;
        Ok(Merged::Core(spectra::flattened(sum.as_ref(), params.number("beta"))?).into())
    }
}
