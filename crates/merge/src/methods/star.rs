//! STAR: every adapter's weakest directions are cut off and the rest is made as large as it all was; then the mean.
//!
//! τᵢ = wᵢ·ΔWᵢ = Uᵢ·diag(σ)·Vᵢᵀ (r values); k is the least number of values with σ₁ + … + σ_k ≥ η·Σσ:
//!
//! ```text
//! M = (1/T)·Σᵢ Σ_{l ≤ k} σ'_l·u_l·v_lᵀ      σ'_l = σ_l·(Σσ / (σ₁ + … + σ_k))
//! ```
//!
//! η = 1 is the mean, η → 0 the strongest direction of each adapter alone, with the size of all. T counts the adapters
//! that have the module. The paper finds η = 0.4 on 20 models; at the small ranks of adapters that leaves one to three
//! directions, so here it is 0.8. One adapter at η < 1 is not itself. A mean, not a sum.
//!
//! Costs T SVDs of matrices of Σrᵢ.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{ANY, Law, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::spectra;
use rankweave_adapter::Result;
use rankweave_compute::{Mat, linalg};

pub(super) struct Star;

static SPEC: Spec = Spec {
    id: "star",
    title: "STAR",
    summary: "Cuts off each adapter's weakest directions, gives their size to the rest, and averages.",
    formula: "M = (1/T) · Σ (Σσ/Σ_{≤k}σ) · SVD_k(wᵢ·ΔWᵢ),   k: Σ_{≤k}σ ≥ η·Σσ",
    when: "For many noisy adapters of which the main directions are wanted. A mean: adapters of different subjects come \
           out weaker. At small ranks a small η leaves very few directions: stay between 0.7 and 0.9.",
    reference: Reference {
        title: "STAR: Spectral Truncation and Rescale (Lee et al., NAACL 2025)",
        url: "https://arxiv.org/abs/2502.10339",
    },
    section: Section::Spectral,
    adapters: ANY,
    experimental: false,
    params: &[ParamSpec {
        name: "eta",
        title: "η",
        help: "Share of the sum of singular values that is kept: 1 keeps all directions (the mean), near 0 only the \
               strongest one of each adapter.",
        kind: ParamKind::Number { default: 0.8, min: 0.0, max: 1.0, step: 0.05 },
    }],
    laws: &[Law::OrderFree, Law::GaugeFree, Law::Cancels],
};

/// A share that is reached but for rounding is reached.
const REACHED: f64 = 1.0 - 1e-9;

impl MergeMethod for Star {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let eta = params.number("eta");
        let (deltas, (p, q)) = (module.deltas()?, module.core()?.size());
        let mut mean = Mat::zeros(p, q);
        let (mut kept, mut total) = (0.0, 0.0);
        for mut part in spectra::thins(&deltas)? {
            let all: f64 = part.sigma.iter().sum();
            total += energy(&part.sigma);
            let mut reached = 0.0;
            let short = |sigma: &&f64| {
                let more = reached < eta * all * REACHED;
                reached += **sigma;
                more
            };
            // The strongest direction stays in any case.
            let k = part.sigma.iter().take_while(short).count().max(1).min(part.sigma.len());
            spectra::shorten(&mut part, k);
            kept += energy(&part.sigma);
            let rescale = all / part.sigma.iter().sum::<f64>() / deltas.len() as f64;
            if k > 0 {
                part.sigma.iter_mut().for_each(|sigma| *sigma *= rescale);
                linalg::add(&mut mean, 1.0, spectra::whole(&part).as_ref());
            }
        }
        let share = if total > 0.0 { kept / total } else { 1.0 };
        Ok(Outcome::from(Merged::Core(mean)).with("kept-energy", share))
    }
}

fn energy(sigma: &[f64]) -> f64 {
    sigma.iter().map(|sigma| sigma * sigma).sum()
}
