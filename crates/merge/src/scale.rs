//! How large the result is made: parameters that every method has.
//!
//! | `scale` | the result is multiplied so that its norm is |
//! |---|---|
//! | `none` | what the method says |
//! | `mean` | the mean of ‖wᵢ·ΔWᵢ‖ |
//! | `rss` | √Σ‖wᵢ·ΔWᵢ‖², what adapters at right angles add up to |
//! | `sum` | ‖Σ wᵢ·ΔWᵢ‖ |
//! | `cap` | at most the largest ‖wᵢ·ΔWᵢ‖ |
//!
//! Norms are taken over all modules together (`over` = `file`, which keeps the modules' proportions and takes one more
//! look at all of them) or module by module. Then comes λ. (METHODS §1.7.)

use crate::device::Device;
use crate::method::{Merged, ModuleInputs, failed};
use crate::spec::{Option as Choice, ParamKind, ParamSpec, Params};
use rankweave_adapter::Result;
use rankweave_compute::entries::{Backend, Entries};
use rankweave_compute::{Grams, linalg};

/// The parameters of every method, after its own.
pub static OUTPUT: [ParamSpec; 3] = [
    ParamSpec {
        name: "lambda",
        title: "λ",
        help: "Multiplies the whole result: 1 leaves it as it is, 0.5 halves it, 0 gives nothing.",
        kind: ParamKind::Number { default: 1.0, min: -10.0, max: 10.0, step: 0.05 },
    },
    ParamSpec {
        name: "scale",
        title: "Match the norm",
        help: "Makes the result as large as something else, before λ: as an adapter is on average, as adapters at right \
               angles add up to, as their sum, or no larger than the largest adapter.",
        kind: ParamKind::Choice {
            default: "none",
            options: &[
                Choice { id: "none", title: "of nothing: as it comes out" },
                Choice { id: "mean", title: "of the adapters' mean" },
                Choice { id: "rss", title: "of adapters at right angles" },
                Choice { id: "sum", title: "of the plain sum" },
                Choice { id: "cap", title: "at most of the largest adapter" },
            ],
        },
    },
    ParamSpec {
        name: "over",
        title: "Norms taken over",
        help: "The whole file, which keeps the proportions of the modules, or each module by itself. Matters only where \
               a norm is matched.",
        kind: ParamKind::Choice {
            default: "file",
            options: &[Choice { id: "file", title: "the whole file" }, Choice { id: "module", title: "each module" }],
        },
    },
];

/// Does the scale need a round of its own, after the method's?
pub(crate) fn rounds(params: &Params) -> usize {
    usize::from(params.choice("scale") != "none" && params.choice("over") == "file")
}

/// Squared norms: of the result, of the plain sum, of every adapter of the mix.
pub(crate) async fn survey(module: &ModuleInputs<'_>, merged: &Merged, device: &Device<'_>) -> Result<Vec<f64>> {
    let products = module.inner_products();
    let count = module.pairs.len();
    let mut norms = vec![0.0; 2 + module.adapters];
    norms[0] = squared_norm(module, merged, device).await?;
    norms[1] = products.iter().sum::<f64>().max(0.0);
    module.present.iter().enumerate().for_each(|(i, a)| norms[2 + a] += products[i * count + i]);
    Ok(norms)
}

/// What the method's answer for a module is to be multiplied by.
pub(crate) async fn factor(
    module: &ModuleInputs<'_>,
    merged: &Merged,
    params: &Params,
    round: usize,
    device: &Device<'_>,
) -> Result<f64> {
    let lambda = params.number("lambda");
    let scale = params.choice("scale");
    if scale == "none" {
        return Ok(lambda);
    }
    let own;
    let (norms, present): (&[f64], Vec<usize>) = if params.choice("over") == "module" {
        own = survey(module, merged, device).await?;
        (&own, module.present.to_vec())
    } else {
        (module.facts.round(round), (0..module.adapters).collect())
    };
    Ok(lambda * matched(scale, norms, &present))
}

fn matched(scale: &str, norms: &[f64], present: &[usize]) -> f64 {
    let [result, sum, adapters @ ..] = norms else { return 1.0 };
    let sizes = || present.iter().filter_map(|a| adapters.get(*a)).map(|square| square.sqrt());
    let wanted = match scale {
        "mean" => sizes().sum::<f64>() / present.len().max(1) as f64,
        "rss" => sizes().map(|size| size * size).sum::<f64>().sqrt(),
        "sum" => sum.sqrt(),
        _ => sizes().fold(0.0, f64::max).min(result.sqrt()),
    };
    // Nothing cannot be made larger.
    if *result > 0.0 { wanted / result.sqrt() } else { 1.0 }
}

async fn squared_norm(module: &ModuleInputs<'_>, merged: &Merged, device: &Device<'_>) -> Result<f64> {
    Ok(match merged {
        Merged::Linear { coefficients, .. } => {
            let products = module.grams.inner_products();
            let rows = coefficients.iter().zip(products.chunks_exact(coefficients.len().max(1)));
            rows.map(|(c, row)| c * row.iter().zip(coefficients).map(|(x, d)| x * d).sum::<f64>()).sum()
        }
        Merged::Core(delta) => linalg::inner(delta.as_ref(), delta.as_ref()),
        Merged::Pair(pair) => Grams::new(std::slice::from_ref(pair)).map_err(failed)?.inner(0, 0),
        Merged::Entries(rule) => {
            let entries = Entries { pairs: module.pairs, rule };
            let work = async |backend: &dyn Backend| backend.sums(entries).await;
            device.run(entries, work).await.map_err(failed)?.total
        }
    }
    .max(0.0))
}

impl Merged {
    /// Multiplies the answer.
    pub(crate) fn scale(&mut self, factor: f64) {
        match self {
            Merged::Linear { coefficients, .. } => coefficients.iter_mut().for_each(|c| *c *= factor),
            Merged::Core(delta) => {
                delta.col_iter_mut().for_each(|column| column.iter_mut().for_each(|x| *x *= factor));
            }
            Merged::Pair(pair) => pair.scale *= factor,
            Merged::Entries(rule) => rule.scale = (f64::from(rule.scale) * factor) as f32,
        }
    }
}
