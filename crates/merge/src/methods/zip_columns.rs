//! Zip columns: adapters share a column as far as they say the same there.
//!
//! ZipLoRA gives every column of every adapter a coefficient of its own, and learns these with the diffusion model so
//! that columns that are alike do not add up. Without the model, from the columns' cosines alone, τᵢ = wᵢ·ΔWᵢ:
//!
//! ```text
//! M = Σᵢ τᵢ·diag(cᵢ)
//! share      c_ij = 1/(1 + Σ_{k≠i} max(0, cos_ik,j))
//! stronger   c_ij = 0 where a longer column k has cos_ik,j ≥ limit, else 1
//! ```
//!
//! Columns at right angles add up in full, equal ones are averaged (`share`) or only the longest stays (`stronger`;
//! among equals that of the earlier adapter). A limit of 1 or more is nearly the plain sum. A sum, not a mean. A proxy: columns are judged by
//! themselves, not by pictures; that it helps is not known.
//!
//! Exact as a stack of factors, rank Σrᵢ. Costs columns·(Σrᵢ)² multiply-adds.

use crate::columns;
use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{ANY, Law, Option, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use rankweave_adapter::Result;

pub(super) struct ZipColumns;

static SPEC: Spec = Spec {
    id: "zip-columns",
    title: "Zip columns",
    summary: "Adds the adapters up column by column, and shares a column out where several say the same.",
    formula: "M = Σ τᵢ·diag(cᵢ),   c_ij = 1/(1 + Σ_{k≠i} max(0, cos_ik,j))",
    when: "For a subject and a style that overdo in a sum what they have in common. A stand-in for ZipLoRA, which learns the \
           coefficients from pictures; what it is worth without them is not known.",
    reference: Reference { title: "After ZipLoRA (Shah et al., 2023)", url: "https://arxiv.org/abs/2311.13600" },
    section: Section::Orthogonal,
    adapters: ANY,
    experimental: true,
    params: &[
        ParamSpec {
            name: "rule",
            title: "Columns that are alike",
            help: "Are shared out by their cosines, or left to the adapter with the longest one.",
            kind: ParamKind::Choice {
                default: "share",
                options: &[
                    Option { id: "share", title: "are shared" },
                    Option { id: "stronger", title: "go to the strongest" },
                ],
            },
        },
        ParamSpec {
            name: "limit",
            title: "Alike from",
            help: "The cosine from which columns go to the strongest: 0 nearly always, 1 only where they are equal.",
            kind: ParamKind::Number { default: 0.5, min: 0.0, max: 1.0, step: 0.05 },
        },
    ],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree, Law::Idempotent, Law::Cancels],
};

impl MergeMethod for ZipColumns {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let (pairs, count) = (module.pairs, module.pairs.len());
        let factors: Vec<f64> = module.weights.iter().zip(pairs).map(|(w, pair)| w * pair.scale).collect();
        let products = columns::products(pairs, module.grams, &factors);
        let square = |i: usize, j: usize| products[i * count + i][j].max(0.0);
        let cosine = |i: usize, k: usize, j: usize| {
            let size = (square(i, j) * square(k, j)).sqrt();
            if size > 0.0 { (products[i * count + k][j] / size).clamp(-1.0, 1.0) } else { 0.0 }
        };
        let others = |i: usize| (0..count).filter(move |k| *k != i);
        // Copies differ by rounding.
        let limit = params.number("limit") - 1e-9;
        let longer = |k: usize, i: usize, j: usize| {
            let (own, other) = (square(i, j), square(k, j));
            if (own - other).abs() <= 1e-9 * own { k < i } else { other > own }
        };
        let share = params.choice("rule") == "share";
        let coefficient = |i: usize, j: usize| {
            if share {
                return 1.0 / (1.0 + others(i).map(|k| cosine(i, k, j).max(0.0)).sum::<f64>());
            }
            if others(i).any(|k| cosine(i, k, j) >= limit && longer(k, i, j)) { 0.0 } else { 1.0 }
        };
        let columns = pairs.first().map_or(0, |pair| pair.columns);
        let mean = (0..count).map(|i| (0..columns).map(|j| coefficient(i, j)).sum::<f64>()).sum::<f64>();
        let merged = columns::multiplied(pairs, |i, j| factors[i] * coefficient(i, j));
        Ok(Outcome::from(Merged::Pair(merged)).with("mean-coefficient", mean / (count * columns).max(1) as f64))
    }
}
