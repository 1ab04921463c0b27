//! DO-Merging: how large a column is and where it points are merged apart.
//!
//! Column j of τᵢ = wᵢ·ΔWᵢ has the length m_ij and the direction d_ij = τ_ij/m_ij, what input j does to the output.
//! Lengths and directions are averaged (or added up) each for themselves:
//!
//! ```text
//! M_j = λ'·(Σᵢ m_ij)·(Σᵢ d_ij)      λ' = 1/T² (`mean-mean`), or 1/T (`mean-sum`)
//! ```
//!
//! so that a large adapter no longer says where a column points. With 1/T² copies give the adapter itself, with 1/T they
//! add up; many unlike adapters come out weak under 1/T², since directions at right angles average to 1/√T. Columns of
//! an adapter below 1e-6 of its largest have no direction.
//!
//! With `orthogonalise` the factors are first moved apart, ups and downs each for themselves: X̂ = X + δ goes 30 steps
//! down the gradient of Σ_{i≠k}‖X̂ᵢᵀX̂_k‖² + γ·Σ‖δᵢ‖², of factors scaled so that their stack has norm 1, from δ = 0. All
//! steps stay in the span of the factors and need their Gram matrix alone. Known code takes 100 steps of Adam, which
//! depends on the coordinates; and the answer then depends on how a delta is split into factors. γ = 0 only moves apart,
//! a large γ leaves the factors nearly as they are.
//!
//! Exact as a stack of factors, rank Σrᵢ. Costs columns·(Σrᵢ)² multiply-adds; `orthogonalise` 180 products of R×R.

use crate::columns;
use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome, failed};
use crate::spec::{ANY, Law, Option, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use rankweave_adapter::Result;
use rankweave_compute::{FactorPair, Grams, Mat, NULL, linalg};

pub(super) struct DoMerging;

static SPEC: Spec = Spec {
    id: "do-merging",
    title: "DO-Merging",
    summary: "Merges the lengths and the directions of the deltas' columns apart, so that size does not decide direction.",
    formula: "M = λ'·(Σ mᵢ) ∘ (Σ dᵢ),   mᵢ the column lengths of τᵢ, dᵢ = τᵢ/mᵢ",
    when: "For adapters of very unlike strength. With 1/T² many unlike adapters come out weak: compare the norm, or match \
           it.",
    reference: Reference {
        title: "Decouple and Orthogonalize (Zheng et al., 2025)",
        url: "https://arxiv.org/abs/2505.15875",
    },
    section: Section::Orthogonal,
    adapters: ANY,
    experimental: false,
    params: &[
        ParamSpec {
            name: "convention",
            title: "Averages",
            help: "Both lengths and directions (1/T²: copies give the adapter), or lengths alone (1/T: copies add up).",
            kind: ParamKind::Choice {
                default: "mean-mean",
                options: &[
                    Option { id: "mean-mean", title: "lengths and directions" },
                    Option { id: "mean-sum", title: "lengths alone" },
                ],
            },
        },
        ParamSpec {
            name: "orthogonalise",
            title: "Move factors apart first",
            help: "On moves the stored factors of different adapters towards right angles before the merge, off leaves them.",
            kind: ParamKind::Flag { default: false },
        },
        ParamSpec {
            name: "gamma",
            title: "γ",
            help: "How strongly factors are held where they are while they move apart: 0 not at all, 10 firmly.",
            kind: ParamKind::Number { default: 1.0, min: 0.0, max: 10.0, step: 0.1 },
        },
    ],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree, Law::Idempotent, Law::Cancels],
};

/// Steps of the gradient descent.
const STEPS: usize = 30;

impl MergeMethod for DoMerging {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let own;
        let (pairs, grams) = if params.flag("orthogonalise") && module.pairs.len() > 1 {
            let pairs = apart(module, params.number("gamma"))?;
            let grams = Grams::new(&pairs).map_err(failed)?;
            own = (pairs, grams);
            (own.0.as_slice(), &own.1)
        } else {
            (module.pairs, module.grams)
        };
        let count = pairs.len();
        let factors: Vec<f64> = module.weights.iter().zip(module.pairs).map(|(w, pair)| w * pair.scale).collect();
        let products = columns::products(pairs, grams, &factors);
        let lengths = |i: usize| -> Vec<f64> { products[i * count + i].iter().map(|x| x.max(0.0).sqrt()).collect() };
        let lengths: Vec<Vec<f64>> = (0..count).map(lengths).collect();
        let largest: Vec<f64> = lengths.iter().map(|own| own.iter().copied().fold(0.0, f64::max)).collect();
        let share = match params.choice("convention") {
            "mean-sum" => 1.0 / count as f64,
            _ => 1.0 / (count * count) as f64,
        };
        let merged = columns::multiplied(pairs, |i, j| {
            let total: f64 = lengths.iter().map(|own| own[j]).sum();
            if lengths[i][j] > NULL * largest[i] { share * factors[i] * total / lengths[i][j] } else { 0.0 }
        });
        let norms: Vec<f64> =
            (0..count).map(|i| module.inner(i, i).max(0.0).sqrt()).filter(|norm| *norm > 0.0).collect();
        let (least, most) = norms.iter().fold((f64::INFINITY, 0.0f64), |(a, b), x| (a.min(*x), b.max(*x)));
        let outcome = Outcome::from(Merged::Pair(merged));
        Ok(if norms.is_empty() { outcome } else { outcome.with("norm-ratio", most / least) })
    }
}

/// The pairs with their factors moved apart, of their scales.
fn apart(module: &ModuleInputs, gamma: f64) -> Result<Vec<FactorPair>> {
    let (core, offsets) = (module.core()?, &module.grams.offsets);
    let count = module.pairs.len();
    let mix_up = mix(&module.grams.whole_up(module.pairs), offsets, gamma)?;
    let mix_down = mix(&module.grams.whole_down(module.pairs), offsets, gamma)?;
    let up = linalg::beside(&(0..count).map(|i| core.up(i)).collect::<Vec<_>>());
    let down = linalg::beside(&(0..count).map(|i| core.down(i)).collect::<Vec<_>>());
    let pair = |(i, old): (usize, &FactorPair)| {
        let own = |stack: &Mat<f64>, mix: &Mat<f64>| {
            linalg::product(stack.as_ref(), mix.as_ref().subcols(offsets[i], old.rank))
        };
        let (up, down) = (core.lift_up(own(&up, &mix_up).as_ref()), core.lift_down(own(&down, &mix_down).as_ref()));
        FactorPair { out: old.out, columns: old.columns, rank: old.rank, up, down, scale: old.scale }
    };
    Ok(module.pairs.iter().enumerate().map(pair).collect())
}

/// C (R×R) of X̂ = X·C: one step is C ← C − η·(4·C·N + 2γ·(C − 1)), N the blocks of CᵀGC off the diagonal.
fn mix(gram: &Mat<f64>, offsets: &[usize], gamma: f64) -> Result<Mat<f64>> {
    let size = gram.nrows();
    let mut mix = Mat::<f64>::identity(size, size);
    if size == 0 {
        return Ok(mix);
    }
    let largest = linalg::svd(gram.as_ref()).map_err(failed)?.sigma[0];
    // The gradient changes at most this much per length, while the stack has norm 1.
    let step = 1.0 / (12.0 + 2.0 * gamma);
    for _ in 0..STEPS * usize::from(largest > 0.0) {
        let mut between = linalg::product(mix.transpose(), linalg::product(gram.as_ref(), mix.as_ref()).as_ref());
        for own in offsets.windows(2) {
            between.as_mut().submatrix_mut(own[0], own[0], own[1] - own[0], own[1] - own[0]).fill(0.0);
        }
        let push = linalg::product(mix.as_ref(), between.as_ref());
        for j in 0..size {
            for i in 0..size {
                let moved = mix[(i, j)] - if i == j { 1.0 } else { 0.0 };
                mix[(i, j)] -= step * (4.0 / largest * push[(i, j)] + 2.0 * gamma * moved);
            }
        }
    }
    Ok(mix)
}
