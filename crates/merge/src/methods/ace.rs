//! ACE, for adapters alone: the adapters weighed by the covariance that their rows tell of the inputs.
//!
//! A row's deviation from the mean row stands for the inputs: Cᵢ = (τᵢ − 1·μᵢᵀ)ᵀ·(τᵢ − 1·μᵢᵀ), τᵢ = wᵢ·ΔWᵢ and μᵢ the
//! mean of its rows. Then
//!
//! ```text
//! M = [Σ τᵢ·(Cᵢ + ε·I)]·[Σ (Cᵢ + ε·I)]⁻¹      ε = ridge·(mean of tr Cᵢ)/ρ
//! ```
//!
//! ρ is the number of directions that the rows span together. Where sizes differ much, γ > 0.3 with γ = Var/E² of
//! log‖τᵢ‖², each Cᵢ is divided by its trace first (`balance` = `auto`); as γ depends on the unit, this can also be set.
//! The paper weighs whole weight matrices, which needs the base model, adds a term C_agg to the denominator, which would
//! shrink an adapter, and refines the result in a way that is not settled: those are left out here. One adapter and
//! copies are themselves; a very large ridge gives the mean.
//!
//! Costs two SVDs of a matrix of Σrᵢ, and a pass over the up factors.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{ANY, Law, Option, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::spectra;
use rankweave_adapter::Result;
use rankweave_compute::{Mat, linalg};

pub(super) struct Ace;

static SPEC: Spec = Spec {
    id: "ace",
    title: "ACE (adapters alone)",
    summary: "Weighs the adapters, input direction by input direction, with covariances that their rows tell.",
    formula: "M = [Σ τᵢ·(Cᵢ + εI)]·[Σ (Cᵢ + εI)]⁻¹,   Cᵢ = centred(τᵢ)ᵀ·centred(τᵢ),   τᵢ = wᵢ·ΔWᵢ",
    when: "To try where adapters read overlapping inputs. The paper's method needs the base model; this is what is left \
           without it, and nobody has measured it.",
    reference: Reference { title: "ACE-Merging (CVPR 2026)", url: "https://arxiv.org/abs/2603.02945" },
    section: Section::Spectral,
    adapters: ANY,
    experimental: true,
    params: &[
        ParamSpec {
            name: "ridge",
            title: "Ridge",
            help: "How much all input directions count alike: near 0 each belongs to the adapters that use it, 100 is \
                   nearly the mean.",
            kind: ParamKind::Number { default: 0.01, min: 0.001, max: 100.0, step: 0.001 },
        },
        ParamSpec {
            name: "balance",
            title: "Balance",
            help: "Whether large adapters count more than small ones: only where their sizes are alike, never, or always.",
            kind: ParamKind::Choice {
                default: "auto",
                options: &[
                    Option { id: "auto", title: "by their sizes" },
                    Option { id: "always", title: "all count alike" },
                    Option { id: "never", title: "large ones count more" },
                ],
            },
        },
    ],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree, Law::Idempotent, Law::Cancels],
};

/// Above this spread of sizes covariances are divided by their traces.
const UNLIKE: f64 = 0.3;

impl MergeMethod for Ace {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let (mut deltas, q) = (module.deltas()?, module.core()?.size().1);
        let mut covariances = Vec::new();
        let (mut normalised, mut logs) = (Mat::zeros(q, q), Vec::new());
        for (i, delta) in deltas.iter().enumerate() {
            let mut covariance = spectra::covariance(delta.as_ref());
            let square = trace(&covariance);
            if square > 0.0 {
                linalg::add(&mut normalised, 1.0 / square, covariance.as_ref());
                logs.push(square.ln());
                let mean = mean_row(module, i)?;
                let outer = linalg::product(mean.as_ref(), mean.transpose());
                linalg::add(&mut covariance, -(module.pairs[i].out as f64), outer.as_ref());
                covariances.push(covariance);
            }
        }
        deltas.retain(|delta| trace(&spectra::covariance(delta.as_ref())) > 0.0);
        let count = deltas.len() as f64;
        if deltas.is_empty() {
            return Ok(Merged::Core(spectra::sum(module.core()?.size(), &[])).into());
        }
        let mean = logs.iter().sum::<f64>() / count;
        let variance = logs.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
        let balanced = match params.choice("balance") {
            "always" => true,
            "never" => false,
            _ => variance > UNLIKE * mean * mean,
        };
        if balanced {
            for covariance in &mut covariances {
                let all = trace(covariance);
                if all > 0.0 {
                    covariance.col_iter_mut().for_each(|column| column.iter_mut().for_each(|x| *x /= all));
                }
            }
        }
        let directions = spectra::seen(normalised.as_ref())? as f64;
        let size = covariances.iter().map(trace).sum::<f64>() / count;
        let epsilon = params.number("ridge") * size / directions;
        let merged = spectra::regressed(&deltas, &covariances, epsilon, count * epsilon)?;
        Ok(Outcome::from(Merged::Core(merged)).with("balanced", f64::from(u8::from(balanced))))
    }
}

/// The mean row of wᵢ·ΔWᵢ in core space (q×1): what A makes of the column means of B.
fn mean_row(module: &ModuleInputs, i: usize) -> Result<Mat<f64>> {
    let pair = &module.pairs[i];
    let factor = module.weights[i] * pair.scale / pair.out.max(1) as f64;
    let mut means = Mat::zeros(pair.rank, 1);
    for row in pair.up.chunks_exact(pair.rank.max(1)) {
        row.iter().enumerate().for_each(|(slot, x)| means[(slot, 0)] += factor * f64::from(*x));
    }
    Ok(linalg::product(module.core()?.down(i), means.as_ref()))
}

fn trace(x: &Mat<f64>) -> f64 {
    (0..x.nrows()).map(|l| x[(l, l)]).sum()
}
