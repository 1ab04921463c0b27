//! RobustMerge: factors are pruned, rows are scaled by what pruning took from them, and the factors are added up apart.
//!
//! Aᵢ (r×in) and Bᵢ (out×r, scale and weight in it) keep the share `keep` of their entries, the largest, as Ãᵢ and B̃ᵢ.
//! Row j of Aᵢ gets Sᵢⱼ = Σ|Aᵢ\[j, :\]|/Σ|Ãᵢ\[j, :\]|, 0 where nothing is left of it:
//!
//! | `variant` | A' | B' | from |
//! |---|---|---|---|
//! | `ctm` | Σ Ãᵢ | Σ B̃ᵢ·diag(Sᵢ/Σₜ Sₜ) | as reimplemented beside Compress-then-Merge |
//! | `paper` | Σ Ãᵢ | 2·Σ B̃ᵢ·diag(Sᵢ/Σₜ Sₜ) | the paper, whose λ is 2 |
//! | `official` | Σ 2·Ãᵢ | Σ 2·B̃ᵢ·diag(S̄ᵢ/Σₜ S̄ₜ) | the authors' code; S̄ᵢ is Sᵢ, none below its 80th percentile |
//!
//! M = B'·A' has the rank of one adapter, and the cross terms Bᵢ·Aⱼ, which belong to no adapter: row j of one adapter
//! is added to row j of another, as stored. `align` first brings the units of each adapter into the order that matches
//! the first adapter's best (largest total |cos| of the rank-one units), and gives their rows its signs. All adapters
//! must have one rank. One adapter is itself at `ctm` and `keep` = 1 alone; T copies
//! at weight 1 then are T times the adapter, so it is a sum, not a mean.
//!
//! Costs a pass over the factors.

use crate::align::aligned;
use crate::assignment::assigned;
use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{ANY, Law, Option, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::ties::trim;
use rankweave_adapter::{Adapter, Error, Kind, Result};
use rankweave_compute::{FactorPair, MatRef, linalg};

pub(super) struct RobustMerge;

static SPEC: Spec = Spec {
    id: "robust-merge",
    title: "RobustMerge",
    summary: "Prunes the factors, rescales their rows, and adds A and B up apart: the result has one adapter's rank.",
    formula: "M = (Σ B̃ᵢ·diag(Sᵢ/ΣₜSₜ))·(Σ Ãᵢ),   Sᵢ = |Aᵢ|·1/|Ãᵢ|·1",
    when: "For adapters of one rank that were trained from one start, as of multimodal language models. Depends on how the \
           factors are stored, and makes cross terms: for other adapters use tsv, or at least align.",
    reference: Reference { title: "RobustMerge (Zeng et al., NeurIPS 2025)", url: "https://arxiv.org/abs/2502.17159" },
    section: Section::Spectral,
    adapters: ANY,
    experimental: false,
    params: &[
        ParamSpec {
            name: "keep",
            title: "Entries kept",
            help: "Share of each factor's entries, the largest: 1 prunes nothing, 0.05 leaves a twentieth.",
            kind: ParamKind::Number { default: 0.2, min: 0.0, max: 1.0, step: 0.05 },
        },
        ParamSpec {
            name: "variant",
            title: "Variant",
            help: "Which of the published forms: they differ in strength and in how small scales are treated.",
            kind: ParamKind::Choice {
                default: "ctm",
                options: &[
                    Option { id: "ctm", title: "plain" },
                    Option { id: "paper", title: "the paper's, twice as strong" },
                    Option { id: "official", title: "the authors' code, four times" },
                ],
            },
        },
        ParamSpec {
            name: "align",
            title: "Align units",
            help: "Whether the rank-one units are first brought into the first adapter's order: for adapters that were \
                   not trained from one start. On, the first adapter matters.",
            kind: ParamKind::Flag { default: false },
        },
    ],
    laws: &[Law::OrderFree, Law::Cancels],
};

impl MergeMethod for RobustMerge {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn suits(&self, adapters: &[Adapter], _: &Params) -> Result<()> {
        let adapters: Vec<&Adapter> = adapters.iter().collect();
        for group in aligned(&adapters) {
            let unlike =
                |w: &&[(usize, usize)]| adapters[w[0].0].modules[w[0].1].rank != adapters[w[1].0].modules[w[1].1].rank;
            if let Some([a, b]) = group.windows(2).find(unlike).map(|w| [w[0], w[1]]) {
                let of = |(adapter, module): (usize, usize)| {
                    format!("rank {} in {}", adapters[adapter].modules[module].rank, adapters[adapter].label)
                };
                let name = adapters[b.0].modules[b.1].key.id();
                return Err(refusal(of(a), of(b)).file(&adapters[b.0].label).module(name));
            }
        }
        Ok(())
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let Some(first) = module.pairs.first() else { return Err(refusal("a module".into(), "none".into())) };
        let (out, columns, rank) = (first.out, first.columns, first.rank);
        if let Some(other) = module.pairs.iter().find(|pair| pair.rank != rank) {
            return Err(refusal(format!("rank {rank}"), format!("rank {}", other.rank)));
        }
        let variant = params.choice("variant");
        let kept = |length: usize| (params.number("keep") * length as f64).round() as usize;
        // Of every adapter: B̃, Ã, S and its slots in the first one's order, with their signs.
        let mut parts = Vec::new();
        for (i, pair) in module.pairs.iter().enumerate() {
            let factor = module.weights[i] * pair.scale;
            let mut up: Vec<f64> = pair.up.iter().map(|x| factor * f64::from(*x)).collect();
            let mut down: Vec<f64> = pair.down.iter().map(|x| f64::from(*x)).collect();
            let whole = sizes(&down, columns, rank);
            trim(&mut up, kept(out * rank));
            trim(&mut down, kept(rank * columns));
            let rest = sizes(&down, columns, rank);
            let mut scales: Vec<f64> =
                whole.iter().zip(&rest).map(|(all, left)| if *left > 0.0 { all / left } else { 0.0 }).collect();
            if variant == "official" {
                let least = percentile(&scales, 0.8);
                scales.iter_mut().for_each(|scale| *scale = scale.max(least));
            }
            let slots =
                if params.flag("align") { matched(module, i)? } else { (0..rank).map(|slot| (slot, 1.0)).collect() };
            parts.push((up, down, scales, slots));
        }
        let factor = match variant {
            "official" => 4.0,
            "paper" => 2.0,
            _ => 1.0,
        };
        let mut pair = FactorPair::zero(out, columns, rank);
        for slot in 0..rank {
            let total: f64 = parts.iter().map(|(.., scales, slots)| scales[slots[slot].0]).sum();
            let (mut b, mut a) = (vec![0.0; out], vec![0.0; columns]);
            for (up, down, scales, slots) in &parts {
                let (own, sign) = slots[slot];
                let by = if total > 0.0 { factor * sign * scales[own] / total } else { 0.0 };
                b.iter_mut().enumerate().for_each(|(row, b)| *b += by * up[row * rank + own]);
                a.iter_mut().zip(&down[own * columns..]).for_each(|(a, x)| *a += sign * x);
            }
            b.iter().enumerate().for_each(|(row, b)| pair.up[row * rank + slot] = *b as f32);
            a.iter().enumerate().for_each(|(column, a)| pair.down[slot * columns + column] = *a as f32);
        }
        Ok(Merged::Pair(pair).into())
    }
}

fn refusal(expected: String, found: String) -> Error {
    Error::new(Kind::Mismatch, "RobustMerge adds up the factors of adapters of one rank")
        .expected(expected)
        .found(found)
        .hint(
            "Bring the adapters to one rank first, each merged alone with a fixed output rank, or choose a method that \
             takes any ranks, such as tsv.",
        )
}

/// Σ|x| of every row.
fn sizes(down: &[f64], columns: usize, rank: usize) -> Vec<f64> {
    (0..rank).map(|slot| down[slot * columns..(slot + 1) * columns].iter().map(|x| x.abs()).sum()).collect()
}

/// The value below which the share `share` of `values` lies, between neighbours in proportion.
fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = share * (sorted.len().max(1) - 1) as f64;
    let value = |at: f64| sorted.get(at as usize).copied().unwrap_or(0.0);
    value(at.floor()) + at.fract() * (value(at.ceil()) - value(at.floor()))
}

/// For every slot of the first pair the slot of pair `i` that is most like it, and the sign that turns its row to the
/// same side.
fn matched(module: &ModuleInputs, i: usize) -> Result<Vec<(usize, f64)>> {
    let (core, rank) = (module.core()?, module.pairs[i].rank);
    let cosines = |first: MatRef<'_, f64>, other: MatRef<'_, f64>| {
        let products = linalg::product(first.transpose(), other);
        let sizes = |side: MatRef<'_, f64>| side.col_iter().map(|unit| unit.norm_l2()).collect::<Vec<f64>>();
        let (rows, columns) = (sizes(first), sizes(other));
        move |at: usize| {
            let (p, q) = (at / rank, at % rank);
            let size = rows[p] * columns[q];
            if size > 0.0 { products[(p, q)] / size } else { 0.0 }
        }
    };
    let (ups, downs) = (cosines(core.up(0), core.up(i)), cosines(core.down(0), core.down(i)));
    let costs: Vec<f64> = (0..rank * rank).map(|at| -(ups(at) * downs(at)).abs()).collect();
    let sign = |(p, own): (usize, usize)| (own, if downs(p * rank + own) < 0.0 { -1.0 } else { 1.0 });
    Ok(assigned(&costs, rank).into_iter().enumerate().map(sign).collect())
}
