//! Iso-CTS: what the adapters share and what each has of its own, all equally strong.
//!
//! Σᵢ τᵢ = U·diag(σ)·Vᵀ with ρ directions, τᵢ = wᵢ·ΔWᵢ. The first k are the common ones, U_c and V_c; of what an
//! adapter has outside of them, τᵢ − U_c·U_cᵀ·τᵢ, the first s directions Uᵢ, Vᵢ are its own:
//!
//! ```text
//! M = polar([U_c|U₁|…|U_T])·diag((1 − β)·σ + β·σ̄)·polar([V_c|V₁|…|V_T])ᵀ
//! ```
//!
//! with σ all values in turn and σ̄ their mean. k = `common`·ρ, and s = (ρ − k)/T rounded down where `own` is 0. The
//! paper takes shares of min(out, in), null directions among them, and the full polar factor; here only directions
//! that are there count, so that λ = 1 is stronger than the paper's by min(out, in)/ρ. `common` = 1, `own` = 0 is
//! Iso-C, at β = 0 the plain sum. A sum, not a mean. One adapter at β > 0 is not itself.
//!
//! Costs T + 3 SVDs of matrices of Σrᵢ.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{ANY, Law, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::spectra;
use rankweave_adapter::Result;
use rankweave_compute::{NULL, linalg};

pub(super) struct IsoCts;

static SPEC: Spec = Spec {
    id: "iso-cts",
    title: "Iso-CTS",
    summary: "Keeps the sum's main directions and some of each adapter's own, all equally strong.",
    formula: "M = polar([U_c|U₁|…]) · diag((1 − β)·σ + β·σ̄) · polar([V_c|V₁|…])ᵀ",
    when: "For many adapters, where Iso-C loses what only one of them has. Raises what is weak, noise included: for \
           images stay at β = 0.5 or below.",
    reference: Reference {
        title: "No Task Left Behind: isotropic merging (Marczak et al., ICML 2025)",
        url: "https://arxiv.org/abs/2502.04959",
    },
    section: Section::Spectral,
    adapters: ANY,
    experimental: false,
    params: &[
        ParamSpec {
            name: "common",
            title: "Common directions",
            help: "Share of the sum's directions that are kept as common ones: 1 leaves no place for the adapters' own, \
                   0 takes none from the sum.",
            kind: ParamKind::Number { default: 0.8, min: 0.0, max: 1.0, step: 0.05 },
        },
        ParamSpec {
            name: "own",
            title: "Own directions",
            help: "How many directions of its own each adapter gets; 0 shares out evenly what the common ones leave.",
            kind: ParamKind::Number { default: 0.0, min: 0.0, max: 256.0, step: 1.0 },
        },
        ParamSpec {
            name: "beta",
            title: "β",
            help: "0 keeps the singular values as they are, 1 makes all directions equally strong.",
            kind: ParamKind::Number { default: 1.0, min: 0.0, max: 1.0, step: 0.05 },
        },
    ],
    laws: &[Law::OrderFree, Law::GaugeFree, Law::Cancels],
};

impl MergeMethod for IsoCts {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let (sum, deltas) = spectra::sum_and_parts(module)?;
        let size: f64 = deltas.iter().map(|delta| spectra::norm(delta.as_ref())).sum();
        let mut common = spectra::thin(sum.as_ref(), spectra::DUST * size)?;
        let rank = common.sigma.len();
        let k = (params.number("common") * rank as f64).round() as usize;
        spectra::shorten(&mut common, k);
        let own = match params.count("own") {
            0 => (rank - common.sigma.len()) / deltas.len().max(1),
            own => own,
        };
        let mut parts = vec![common];
        for delta in &deltas {
            let seen = linalg::product(parts[0].u.transpose(), delta.as_ref());
            let mut rest = delta.clone();
            linalg::add(&mut rest, -1.0, linalg::product(parts[0].u.as_ref(), seen.as_ref()).as_ref());
            let mut part = spectra::thin(rest.as_ref(), NULL * spectra::norm(delta.as_ref()))?;
            spectra::shorten(&mut part, own);
            parts.push(part);
        }
        let beta = params.number("beta");
        let mut sigma: Vec<f64> = parts.iter().flat_map(|part| part.sigma.iter().copied()).collect();
        let mean = sigma.iter().sum::<f64>() / sigma.len().max(1) as f64;
        sigma.iter_mut().for_each(|s| *s = (1.0 - beta) * *s + beta * mean);
        let (u, v) = spectra::frames(&parts)?;
        Ok(Outcome::from(Merged::Core(linalg::assembled(u.as_ref(), &sigma, v.as_ref())))
            .with("common-directions", parts[0].sigma.len() as f64)
            .with("own-directions", (sigma.len() - parts[0].sigma.len()) as f64))
    }
}
