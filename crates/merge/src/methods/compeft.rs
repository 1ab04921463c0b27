//! ComPEFT: one adapter as signs and one magnitude per factor.
//!
//! Of each of the two factors X ∈ {B, A} the share `density` of its entries that are largest stays, as signs:
//!
//! ```text
//! X' = μ·sign(X) on the kept entries, 0 elsewhere        M = w·s·B'·A'
//! μ = mean |X| over the kept entries     (`least-squares`: the X' nearest to X)
//! μ = α·std(X) over all entries          (`std`: the paper's, α tuned on data)
//! ```
//!
//! density = 1 keeps all signs, 0 one entry. round(density·n) entries are kept, the first ones among equals. The paper
//! takes one threshold and one deviation over all tensors of an adapter; here every factor has its own, so that up,
//! which starts at zero in training, is not drowned by down. The file written is an ordinary one: what is saved shows
//! when it is packed. The units' own sizes inside a factor count, so another gauge gives another answer.
//!
//! For storing many adapters of large models, at densities of 0.05 to 0.5. Not without loss at any setting: small ranks
//! and images suffer most. Costs a partial sort per factor.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{Option, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use rankweave_adapter::Result;
use rankweave_compute::FactorPair;

pub(super) struct Compeft;

static SPEC: Spec = Spec {
    id: "compeft",
    title: "ComPEFT",
    summary: "Turns an adapter's factors into signs of their largest entries with one magnitude each.",
    formula: "M = w·s·B'·A'   with   X' = μ·sign(X) on the largest |X|, else 0",
    when: "For packing an adapter of a large model small (8 to 50 times, packed). Loses some of it always; compare the \
           result before the original is deleted.",
    reference: Reference { title: "ComPEFT (Yadav et al., 2023)", url: "https://arxiv.org/abs/2311.13171" },
    section: Section::Reduction,
    adapters: (1, 1),
    experimental: false,
    params: &[
        ParamSpec {
            name: "density",
            title: "Density",
            help: "Share of a factor's entries that stay: 1 keeps all signs, 0.05 one entry of twenty.",
            kind: ParamKind::Number { default: 0.5, min: 0.0, max: 1.0, step: 0.05 },
        },
        ParamSpec {
            name: "magnitude",
            title: "Magnitude",
            help: "What the kept entries are: their own mean size, which is nearest, or α standard deviations.",
            kind: ParamKind::Choice {
                default: "least-squares",
                options: &[
                    Option { id: "least-squares", title: "mean size of what is kept" },
                    Option { id: "std", title: "α standard deviations" },
                ],
            },
        },
        ParamSpec {
            name: "alpha",
            title: "α",
            help: "Standard deviations of a kept entry, where the magnitude is taken from them: 0 gives nothing, 1 suits \
                   large models.",
            kind: ParamKind::Number { default: 1.0, min: 0.0, max: 10.0, step: 0.1 },
        },
    ],
    laws: &[],
};

impl MergeMethod for Compeft {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let pair = &module.pairs[0];
        let alpha = (params.choice("magnitude") == "std").then(|| params.number("alpha"));
        let of = |factor: &[f32]| ternary(factor, params.number("density"), alpha);
        let scale = module.weights[0] * pair.scale;
        Ok(Merged::Pair(FactorPair { up: of(&pair.up), down: of(&pair.down), scale, ..*pair }).into())
    }
}

/// The signs of the largest entries times α standard deviations, or their mean size.
fn ternary(x: &[f32], density: f64, alpha: std::option::Option<f64>) -> Vec<f32> {
    let mut out = vec![0.0; x.len()];
    if x.is_empty() {
        return out;
    }
    let kept = ((density * x.len() as f64).round() as usize).clamp(1, x.len());
    let mut order: Vec<usize> = (0..x.len()).collect();
    // Descending, the first ones among equals.
    order.select_nth_unstable_by(kept - 1, |a, b| x[*b].abs().total_cmp(&x[*a].abs()).then(a.cmp(b)));
    let order = &mut order[..kept];
    order.sort_unstable();
    let n = x.len() as f64;
    let magnitude = match alpha {
        None => order.iter().map(|at| f64::from(x[*at].abs())).sum::<f64>() / kept as f64,
        Some(alpha) => {
            let mean = x.iter().map(|x| f64::from(*x)).sum::<f64>() / n;
            alpha * (x.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / n).sqrt()
        }
    };
    for at in order.iter().filter(|at| x[**at] != 0.0) {
        out[*at] = magnitude.copysign(f64::from(x[*at])) as f32;
    }
    out
}
