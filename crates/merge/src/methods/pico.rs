//! PICO: output directions that adapters share are turned down before merging.
//!
//! With U the directions of Σᵢ BᵢBᵢᵀ and p_j each one's share of its trace:
//!
//! ```text
//! τ̃ᵢ = (I + U·diag(a − 1)·Uᵀ)·τᵢ      a_j = 1/(1 + (T − 1)·p_j)      M = γ·merge(τ̃₁, …, τ̃_T)
//! ```
//!
//! γ = (mean of ‖τᵢ‖)/‖merge(…)‖ per module, so that the result is as large as an adapter is on average. A direction
//! that holds nearly all comes down to 1/T, one that holds little stays. Where the merged matrix is zero, γ is 1; where
//! adapters nearly cancel, γ makes what is left large.
//!
//! | `factors` | Bᵢ |
//! |---|---|
//! | `delta` | τᵢ itself, as if A had orthonormal rows: does not depend on how ΔW is split |
//! | `stored` | up as the file has it, times scale and weight: as published |
//!
//! Trained files have an A that is near its random start, whose rows are nearly orthogonal, so both mostly agree.
//! The inner rule is the sum or TSV-M. T counts the adapters that have the module. Costs an SVD of a matrix of Σrᵢ,
//! and the inner rule.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome, failed};
use crate::spec::{ANY, Law, Option, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::spectra;
use rankweave_adapter::Result;
use rankweave_compute::{Mat, linalg};

pub(super) struct Pico;

static SPEC: Spec = Spec {
    id: "pico",
    title: "PICO",
    summary: "Turns down the output directions that adapters share, merges, and restores an adapter's size.",
    formula: "M = γ·merge(C·τ₁, …, C·τ_T),   C = I + U·diag(1/(1 + (T − 1)p) − 1)·Uᵀ,   τᵢ = wᵢ·ΔWᵢ",
    when: "For adapters that all push the same outputs, which a sum counts several times. The result is as large as one \
           adapter: raise λ for more. With two adapters the effect is small.",
    reference: Reference { title: "PICO (2026)", url: "https://arxiv.org/abs/2604.16826" },
    section: Section::Spectral,
    adapters: ANY,
    experimental: false,
    params: &[
        ParamSpec {
            name: "inner",
            title: "Then",
            help: "How the calibrated adapters are merged: added up, or by TSV-M.",
            kind: ParamKind::Choice {
                default: "sum",
                options: &[Option { id: "sum", title: "sum" }, Option { id: "tsv", title: "TSV-M" }],
            },
        },
        ParamSpec {
            name: "factors",
            title: "Directions of",
            help: "What shared directions are looked for in: the deltas, or the up factors as the files have them (as \
                   published).",
            kind: ParamKind::Choice {
                default: "delta",
                options: &[
                    Option { id: "delta", title: "the deltas" },
                    Option { id: "stored", title: "the stored up factors" },
                ],
            },
        },
    ],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree, Law::Cancels],
};

impl MergeMethod for Pico {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let (core, mut deltas) = (module.core()?, module.deltas()?);
        let norms: Vec<f64> = deltas.iter().map(|delta| spectra::norm(delta.as_ref())).collect();
        let mut shared = Mat::zeros(core.size().0, core.size().0);
        for (i, delta) in deltas.iter().enumerate() {
            let (of, factor) = match params.choice("factors") {
                "stored" => (core.up(i), module.weights[i] * module.pairs[i].scale),
                _ => (delta.as_ref(), 1.0),
            };
            linalg::add(&mut shared, factor * factor, linalg::product(of, of.transpose()).as_ref());
        }
        let svd = linalg::svd(shared.as_ref()).map_err(failed)?;
        let all: f64 = svd.sigma.iter().sum();
        let others = deltas.len() as f64 - 1.0;
        // a − 1 of every direction.
        let change: Vec<f64> = svd.sigma.iter().map(|s| 1.0 / (1.0 + others * s / all) - 1.0).collect();
        if all > 0.0 {
            let turn = linalg::assembled(svd.u.as_ref(), &change, svd.u.as_ref());
            for delta in &mut deltas {
                let change = linalg::product(turn.as_ref(), delta.as_ref());
                linalg::add(delta, 1.0, change.as_ref());
            }
        }
        let mut merged = match params.choice("inner") {
            "tsv" => spectra::orthogonalised(&spectra::thins(&deltas)?)?,
            _ => spectra::sum(core.size(), &deltas),
        };
        let (size, total) = (spectra::norm(merged.as_ref()), norms.iter().sum::<f64>());
        let gamma = if size > spectra::DUST * total { total / norms.len() as f64 / size } else { 1.0 };
        merged.col_iter_mut().for_each(|column| column.iter_mut().for_each(|x| *x *= gamma));
        let strongest = change.first().map_or(1.0, |change| 1.0 + change);
        Ok(Outcome::from(Merged::Core(merged)).with("gamma", gamma).with("least-factor", strongest))
    }
}
