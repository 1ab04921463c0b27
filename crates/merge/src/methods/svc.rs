//! SVC: the sum, each of its directions brought down to what the adapters have in it.
//!
//! Σ τᵢ = U·diag(σ)·Vᵀ, τᵢ = wᵢ·ΔWᵢ. Direction l of the sum answers σ_l·v_lᵀ, adapter i there answers
//! aᵢ = u_lᵀ·τᵢ (1×in), and the sum overshoots it by
//!
//! ```text
//! sᵢ = ⟨σ_l·v_l, aᵢ⟩/‖aᵢ‖²      σ'_l = γ_l·σ_l      γ_l = T_l/Σᵢ max(α, sᵢ)
//! ```
//!
//! T_l counts the adapters that answer there at all. A direction that T adapters share alike has sᵢ = T and comes down
//! to a T-th; one that adapters pull both ways has small sᵢ and is raised, 1/α times at most. An adapter with a faint
//! answer of the same sign has a very large sᵢ, and turns the direction down with it: α bounds the other end alone.
//! The formula follows descriptions of the paper. Copies of an adapter give that adapter.
//!
//! Costs an SVD and T products of matrices of Σrᵢ.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{ANY, Law, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::spectra;
use rankweave_adapter::Result;
use rankweave_compute::{NULL, linalg};

pub(super) struct Svc;

static SPEC: Spec = Spec {
    id: "svc",
    title: "SVC",
    summary: "Adds the adapters up, then calibrates each singular value by how far the sum overshoots the adapters.",
    formula: "M = U·diag(γσ)·Vᵀ,   γ_l = T/Σᵢ max(α, sᵢ),   sᵢ = ⟨σ_l·v_l, u_lᵀτᵢ⟩/‖u_lᵀτᵢ‖²",
    when: "For adapters that share a subject or style, which a sum applies several times over. Directions in which an \
           adapter is faint are turned down with it, so adapters of unlike sizes come out weak: compare the report's \
           energy.",
    reference: Reference { title: "Singular value calibration (2026)", url: "https://arxiv.org/abs/2602.05536" },
    section: Section::Spectral,
    adapters: ANY,
    experimental: true,
    params: &[ParamSpec {
        name: "alpha_min",
        title: "α",
        help: "Bounds how much a direction can be raised: 0.1 ten times, 1 not at all.",
        kind: ParamKind::Number { default: 0.1, min: 0.01, max: 1.0, step: 0.01 },
    }],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree, Law::Idempotent, Law::Cancels],
};

impl MergeMethod for Svc {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let least = params.number("alpha_min");
        let (sum, deltas) = spectra::sum_and_parts(module)?;
        let norms: Vec<f64> = deltas.iter().map(|delta| spectra::norm(delta.as_ref())).collect();
        let mut svd = spectra::thin(sum.as_ref(), spectra::DUST * norms.iter().sum::<f64>())?;
        let mut overshoot = vec![(0.0, 0.0); svd.sigma.len()];
        for (delta, norm) in deltas.iter().zip(&norms) {
            let answers = linalg::product(svd.u.transpose(), delta.as_ref());
            for (l, (count, total)) in overshoot.iter_mut().enumerate() {
                let square: f64 = answers.row(l).iter().map(|x| x * x).sum();
                if square.sqrt() > NULL * norm {
                    let along: f64 = (0..answers.ncols()).map(|j| answers[(l, j)] * svd.v[(j, l)]).sum();
                    *count += 1.0;
                    *total += (svd.sigma[l] * along / square).max(least);
                }
            }
        }
        let before = spectra::norm(sum.as_ref());
        for (sigma, (count, total)) in svd.sigma.iter_mut().zip(&overshoot) {
            *sigma *= if *count > 0.0 { count / total } else { 1.0 };
        }
        let after = svd.sigma.iter().map(|s| s * s).sum::<f64>().sqrt();
        let change = if before > 0.0 { after / before } else { 1.0 };
        Ok(Outcome::from(Merged::Core(spectra::whole(&svd))).with("norm-change", change))
    }
}
