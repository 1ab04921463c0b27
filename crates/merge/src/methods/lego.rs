//! LoRA-LEGO: rank-one units of all adapters are grouped, and each group becomes one unit.
//!
//! Unit j of τᵢ = wᵢ·ΔWᵢ is its row of A and its column of B, xⱼ = \[√|sᵢwᵢ|·a; √|sᵢwᵢ|·b] (the sign of sᵢwᵢ goes to a).
//! Weighted k-means over all N units that are not null makes k groups with means μ_c = \[ā_c; b̄_c], and
//!
//! ```text
//! M = ρ·Σ_c g_c²·b̄_c·ā_cᵀ      g_c = mean ‖x‖_∞ / ‖μ_c‖_∞ over the group (`reweighting`), else 1
//!                              ρ = √(r/k), r the largest rank that goes in (`output` = source) or N (units), else 1
//! ```
//!
//! | parameter | one end | other end |
//! |---|---|---|
//! | `k` | 1: one unit is left | N or more: nothing is grouped, the exact sum |
//! | `gauge` | `raw`: factors as stored, as in the paper | `balanced`: from the SVD, so that the deltas alone count |
//! | `pull` | `equal`: units count alike | `size`: by ‖a‖·‖b‖ |
//!
//! Neither a sum nor a mean: alike units average, the others stay. For copies, or adapters that grew from one
//! initialisation; units of different seeds are at right angles, all groupings are then about as good, and the report
//! says so. (a, b) and (−a, −b) are one unit and yet far apart: that is what `balanced` is for. Means of a and b apart
//! have cross terms. Implementations differ in ρ (SMoEA: source, compress-then-merge: units) and count null units in;
//! here they are left out, since ones that carry nothing would pull the means.
//!
//! Distances come from the Gram matrices, so k-means costs O(N²) per round, whatever the module's size.

use crate::Facts;
use crate::gauge;
use crate::method::{Detail, MergeMethod, Merged, ModuleInputs, Outcome, failed};
use crate::spec::{ANY, Law, Option, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::units;
use rankweave_adapter::{Result, Warning};
use rankweave_compute::{Grams, Mat, Nulls, kmeans, plane};

pub(super) struct Lego;

static SPEC: Spec = Spec {
    id: "lego",
    title: "LoRA-LEGO",
    summary: "Groups the rank-one units of all adapters that are alike, and keeps the mean of each group.",
    formula: "M = √(r/k) · Σ_c g_c²·b̄_c·ā_cᵀ   over the k groups of units (aⱼ, bⱼ)",
    when: "For near copies, or adapters that grew from one initialisation, of any ranks. Adapters trained from different \
           seeds have units at right angles: their groups are nearly arbitrary, and a sum does better.",
    reference: Reference {
        title: "Merging LoRAs like Playing LEGO (Zhao et al., ICLR 2025)",
        url: "https://arxiv.org/abs/2409.16167",
    },
    section: Section::Clustering,
    adapters: ANY,
    experimental: false,
    params: &[
        ParamSpec {
            name: "k",
            title: "Groups (k)",
            help: "Rank of the result: 0 takes the largest rank that goes in, 1 leaves a single unit, as many as there \
                   are units (or more) give the exact sum.",
            kind: ParamKind::Number { default: 0.0, min: 0.0, max: 4096.0, step: 1.0 },
        },
        ParamSpec {
            name: "gauge",
            title: "Factors",
            help: "As they are stored, as in the paper, or balanced, which does not depend on how a delta is split into \
                   its factors.",
            kind: ParamKind::Choice {
                default: "raw",
                options: &[Option { id: "raw", title: "as stored" }, Option { id: "balanced", title: "balanced" }],
            },
        },
        ParamSpec {
            name: "pull",
            title: "A unit counts",
            help: "Like every other, or by its size, so that faint units do not pull a group's mean.",
            kind: ParamKind::Choice {
                default: "equal",
                options: &[
                    Option { id: "equal", title: "like every other" },
                    Option { id: "size", title: "by its size" },
                ],
            },
        },
        ParamSpec {
            name: "reweighting",
            title: "Restore lost size",
            help: "Means are smaller than what they are means of: on makes their largest entry as large as their members' \
                   is on average, off leaves them.",
            kind: ParamKind::Flag { default: true },
        },
        ParamSpec {
            name: "output",
            title: "Output factor",
            help: "Makes up for the number of units: nothing, √(r/k) with the largest rank r that goes in, or √(N/k) with \
                   the number N of all units.",
            kind: ParamKind::Choice {
                default: "source",
                options: &[
                    Option { id: "none", title: "none" },
                    Option { id: "source", title: "√(r/k)" },
                    Option { id: "units", title: "√(N/k)" },
                ],
            },
        },
        ParamSpec {
            name: "restarts",
            title: "Restarts",
            help: "How often the grouping starts anew; the best is kept. 1 is quick, more find better groups.",
            kind: ParamKind::Number { default: 10.0, min: 1.0, max: 100.0, step: 1.0 },
        },
    ],
    laws: &[Law::Single, Law::OrderFree, Law::Idempotent],
};

/// A mean silhouette below this is no substantial structure (Kaufman and Rousseeuw, 1990).
const STRUCTURE: f64 = 0.25;

impl MergeMethod for Lego {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let own;
        let (pairs, weights, grams) = if params.choice("gauge") == "balanced" {
            let pairs = gauge::balanced(module)?;
            let grams = Grams::new(&pairs).map_err(failed)?;
            own = (pairs, vec![1.0; module.weights.len()], grams);
            (own.0.as_slice(), own.1.as_slice(), &own.2)
        } else {
            (module.pairs, module.weights, module.grams)
        };
        let units = units::units(pairs, weights, grams);
        let largest = module.pairs.iter().map(|pair| pair.rank).max().unwrap_or(0);
        let count = match params.count("k") {
            0 => largest,
            k => k,
        };
        if count >= units.len() {
            let sum = Merged::Linear { coefficients: module.weights.to_vec(), nulls: Nulls::Drop };
            return Ok(Outcome::from(sum).with("units", units.len() as f64).with("groups", units.len() as f64));
        }
        let (up, down) = (grams.whole_up(pairs), grams.whole_down(pairs));
        let product = |i: usize, j: usize| {
            let (x, y) = (&units[i], &units[j]);
            let at = (x.index, y.index);
            x.fold * y.fold * (x.sign * y.sign * down[at] + up[at])
        };
        let gram = Mat::from_fn(units.len(), units.len(), product);
        let size = |x: &units::Unit| x.fold * x.fold * (grams.up_norms[x.index] * grams.down_norms[x.index]).sqrt();
        let pull: Vec<f64> =
            units.iter().map(|x| if params.choice("pull") == "size" { size(x) } else { 1.0 }).collect();
        let restarts = params.count("restarts");
        let clusters = kmeans::cluster(gram.as_ref(), &pull, count, restarts, module.seed, module.name);
        let rank = match params.choice("output") {
            "source" => largest,
            "units" => units.len(),
            _ => count,
        };
        let mut means = units::means(pairs, &units, &clusters, &pull, params.flag("reweighting"));
        means.scale = (rank as f64 / count as f64).sqrt();
        let silhouette = kmeans::silhouette(gram.as_ref(), &clusters.of, count);
        let scatter = clusters.inertia / kmeans::total(gram.as_ref(), &pull).max(f64::MIN_POSITIVE);
        let picture = units::picture(module, &units, &clusters, plane(gram.as_ref()).map_err(failed)?);
        let sizes = (0..count).map(|c| clusters.of.iter().filter(|of| **of == c).count());
        let mixed = |c: &usize| {
            let mut members = (0..units.len()).filter(|i| clusters.of[*i] == *c).map(|i| units[i].pair);
            let first = members.next();
            members.any(|pair| Some(pair) != first)
        };
        let outcome = Outcome { picture: Some(picture), ..Merged::Pair(means).into() };
        Ok(outcome
            .with("units", units.len() as f64)
            .with("groups", count as f64)
            .with("largest-group", sizes.clone().max().unwrap_or(0) as f64)
            .with("single-groups", sizes.filter(|size| *size == 1).count() as f64)
            .with("mixed-groups", (0..count).filter(mixed).count() as f64)
            .with("scatter", scatter)
            .with("silhouette", silhouette))
    }

    fn remarks(&self, _: &Facts, details: &[&[Detail]], _: &Params) -> Vec<Warning> {
        let of = |details: &&[Detail]| details.iter().find(|d| d.name == "silhouette").map(|d| d.value);
        let found: Vec<f64> = details.iter().filter_map(of).collect();
        let weak = found.iter().filter(|s| **s < STRUCTURE).count();
        if 2 * weak <= found.len() {
            return Vec::new();
        }
        let mean = found.iter().sum::<f64>() / found.len() as f64;
        let message = format!(
            "In {weak} of {} modules the groups are nearly arbitrary (silhouette {mean:.2} on average, 1 is clear): these \
             adapters share few units, and sum or tsv suit them better",
            found.len()
        );
        vec![Warning { code: "arbitrary-groups".into(), message, place: Default::default() }]
    }
}
