//! Twin-Merging: one shared adapter, and for each adapter a small one that makes it itself again.
//!
//! ```text
//! shared   θ = κ·Σ τᵢ                 τᵢ = wᵢ·ΔWᵢ
//! part i   vᵢ = SVD_r(τᵢ − θ)         so that θ + vᵢ ≈ τᵢ, exactly where r is large enough
//! ```
//!
//! A merge writes one of them, chosen by `part`: T + 1 merges of the same adapters make the set, to be loaded as the
//! shared one and some of the others at strengths of one's choice. (The paper lets a trained router choose the
//! strengths for each input; that is no merge.) κ = 1/T with `mean`, T the adapters that have the module, or the
//! paper's 0.3. An adapter that lacks a module has the part −θ there. The shared part at κ = 1/T is the mean.
//!
//! The shared part costs as `mean`, another one an SVD of a matrix of Σrᵢ.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{ANY, Law, Option, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::spectra;
use rankweave_adapter::{Adapter, Error, Kind, Result};
use rankweave_compute::{Nulls, linalg};

pub(super) struct Twin;

static SPEC: Spec = Spec {
    id: "twin",
    title: "Twin-Merging",
    summary: "Splits adapters into one shared adapter and a small one for each; writes the one that is asked for.",
    formula: "θ = κ·Σ wᵢ·ΔWᵢ,   vᵢ = SVD_r(wᵢ·ΔWᵢ − θ)",
    when: "To keep several adapters at hand in little space: load the shared part and add one part, or mix some. One part \
           alone is no adapter of use.",
    reference: Reference { title: "Twin-Merging (Lu et al., NeurIPS 2024)", url: "https://arxiv.org/abs/2406.15479" },
    section: Section::Spectral,
    adapters: ANY,
    experimental: false,
    params: &[
        ParamSpec {
            name: "part",
            title: "Part",
            help: "Which adapter of the set is written: 0 the shared one, 1 what the first adapter has beyond it, and so \
                   on.",
            kind: ParamKind::Number { default: 0.0, min: 0.0, max: 1000.0, step: 1.0 },
        },
        ParamSpec {
            name: "rank",
            title: "Rank of a part",
            help: "How many directions a part keeps: few make a small file, 0 keeps all, which gives the adapter back \
                   exactly. The shared one is not cut by this.",
            kind: ParamKind::Number { default: 8.0, min: 0.0, max: 1024.0, step: 1.0 },
        },
        ParamSpec {
            name: "shared",
            title: "Shared one",
            help: "How strong the shared adapter is: the mean of all, or 0.3 times their sum as in the paper.",
            kind: ParamKind::Choice {
                default: "mean",
                options: &[
                    Option { id: "mean", title: "the mean" },
                    Option { id: "paper", title: "0.3 times the sum" },
                ],
            },
        },
    ],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree, Law::Idempotent, Law::Cancels],
};

impl MergeMethod for Twin {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn suits(&self, adapters: &[Adapter], params: &Params) -> Result<()> {
        let part = params.count("part");
        if part <= adapters.len() {
            return Ok(());
        }
        Err(Error::new(Kind::Parameter, "There is no such part")
            .key("part")
            .expected(format!("0 for the shared one, or 1 to {} for an adapter's own", adapters.len()))
            .found(part.to_string())
            .hint("Choose the number of one of the adapters, in their order."))
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let kappa = if params.choice("shared") == "mean" { 1.0 / module.pairs.len().max(1) as f64 } else { 0.3 };
        let mut coefficients: Vec<f64> = module.weights.iter().map(|w| kappa * w).collect();
        let Some(adapter) = params.count("part").checked_sub(1) else {
            return Ok(Merged::Linear { coefficients, nulls: Nulls::Drop }.into());
        };
        coefficients.iter_mut().for_each(|c| *c = -*c);
        if let Some(own) = module.present.iter().position(|a| *a == adapter) {
            coefficients[own] += module.weights[own];
        }
        let (core, mut rest) = (module.core()?, spectra::sum(module.core()?.size(), &[]));
        coefficients.iter().enumerate().for_each(|(i, c)| linalg::add(&mut rest, *c, core.delta(i).as_ref()));
        let size: f64 = (0..module.pairs.len()).map(|i| module.inner(i, i).max(0.0).sqrt()).sum();
        let mut main = spectra::thin(rest.as_ref(), spectra::DUST * size)?;
        let energy = |sigma: &[f64]| sigma.iter().map(|s| s * s).sum::<f64>();
        let all = energy(&main.sigma);
        spectra::shorten(&mut main, Some(params.count("rank")).filter(|rank| *rank > 0).unwrap_or(usize::MAX));
        let kept = if all > 0.0 { energy(&main.sigma) / all } else { 1.0 };
        Ok(Outcome::from(Merged::Core(spectra::whole(&main))).with("kept-energy", kept))
    }
}
