//! Mosaic: every place belongs to one adapter, by chance or by size; nothing is averaged.
//!
//! ```text
//! M = Σ maskᵢ∘τᵢ,   Σ maskᵢ = 1        τᵢ = wᵢ·ΔWᵢ (out×columns)
//! ```
//!
//! | `of` | places | result |
//! |---|---|---|
//! | `units` | k rank-one units; pᵢ·k of adapter i, by chance or its largest ‖b‖·‖a‖ | exact, of rank k |
//! | `rows` | rows of ΔW | exact, of rank Σ rᵢ at most |
//! | `columns` | columns of ΔW | exact, of rank Σ rᵢ at most |
//! | `elements` | entries | of full rank |
//!
//! An adapter gets the share pᵢ = |wᵢ|/Σ|wⱼ| of the places, or 1/T (`shares`); each place has the adapter's τᵢ, so that a
//! larger weight means more places and a larger value at each. `rescale` divides by pᵢ, for units by the share of the
//! adapter's units that stay: then M is the sum on average over seeds. k is as many units as `units` says, and where that
//! is 0 as the rank that is asked for; without one as many as the largest adapter has. With k ≥ Σ rᵢ all units stay and M
//! is the sum.
//!
//! The merging analogue of how MoSA trains: there the masks are drawn first, and the plain sum of the experts is the file.
//! Units depend on how a delta is split into its factors. Costs nothing but copies; `elements` three to five looks at
//! every entry, each Σ 2·rᵢ operations per entry.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{ANY, Law, Option as Choice, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::stacked::{self, Pick};
use rankweave_adapter::Result;
use rankweave_compute::RankPolicy;
use rankweave_compute::entries::{Rule, Select};
use rankweave_compute::rng::Stream;

pub(super) struct Mosaic;

static SPEC: Spec = Spec {
    id: "mosaic",
    title: "Mosaic",
    summary: "Gives every unit, row, column or entry to one of the adapters, so that nothing is averaged.",
    formula: "M = Σ maskᵢ∘τᵢ,   Σ maskᵢ = 1,   τᵢ = wᵢ·ΔWᵢ",
    when: "As a yardstick for methods that average: it costs nothing, and of units the rank is exactly what was asked for. \
           The share of an adapter that is masked away is gone; try several seeds.",
    reference: Reference {
        title: "after MoSA: Mixture of Sparse Adapters (Zhang et al., 2023)",
        url: "https://arxiv.org/abs/2312.02923",
    },
    section: Section::Sparse,
    adapters: ANY,
    experimental: false,
    params: &[
        ParamSpec {
            name: "of",
            title: "Pieces are",
            help: "Whole rank-one units, what a module writes (rows), what it reads (columns), or single entries, which have \
                   full rank.",
            kind: ParamKind::Choice {
                default: "units",
                options: &[
                    Choice { id: "units", title: "rank-one units" },
                    Choice { id: "rows", title: "output rows" },
                    Choice { id: "columns", title: "input columns" },
                    Choice { id: "elements", title: "entries" },
                ],
            },
        },
        ParamSpec {
            name: "shares",
            title: "Places by",
            help: "Whether an adapter of twice the weight gets twice the places, or each as many.",
            kind: ParamKind::Choice {
                default: "weights",
                options: &[
                    Choice { id: "weights", title: "the weights" },
                    Choice { id: "equal", title: "as many for each" },
                ],
            },
        },
        ParamSpec {
            name: "units",
            title: "Units",
            help: "How many units there are: 0 as many as the rank asked for, more than there are all of them.",
            kind: ParamKind::Number { default: 0.0, min: 0.0, max: 4096.0, step: 1.0 },
        },
        ParamSpec {
            name: "pick",
            title: "Units are picked",
            help: "By chance, or an adapter's largest first, which loses less of it and is the same for every seed.",
            kind: ParamKind::Choice {
                default: "energy",
                options: &[
                    Choice { id: "energy", title: "largest first" },
                    Choice { id: "random", title: "by chance" },
                ],
            },
        },
        ParamSpec {
            name: "rescale",
            title: "Divide by the share",
            help: "On makes an adapter's pieces as strong as it is whole on average, off leaves them as they are.",
            kind: ParamKind::Flag { default: false },
        },
    ],
    laws: &[Law::Single],
};

impl MergeMethod for Mosaic {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let shares = shares(module, params);
        let rescale = params.flag("rescale");
        let of = params.choice("of");
        if of == "units" {
            let picks = picked(module, params, &shares, rescale);
            let own = stacked::pair(module.pairs, &picks);
            return Ok(Outcome::from(Merged::Pair(own)).with("units", picks.len() as f64));
        }
        let weight = |(w, share): (&f64, &f64)| if rescale && *share > 0.0 { w / share } else { *w };
        let weights: Vec<f64> = module.weights.iter().zip(&shares).map(weight).collect();
        let (stream, bounds) = (Stream::new(module.seed, module.name, 0), bounds(&shares));
        if of == "elements" {
            let rule = Rule { select: Select::Mosaic { stream, bounds }, ..Rule::sum(&weights) };
            return Ok(Merged::Entries(Box::new(rule)).into());
        }
        let mut picks = stacked::all(module);
        picks.iter_mut().for_each(|pick| pick.factor = weights[pick.pair]);
        let mut own = stacked::pair(module.pairs, &picks);
        let owners = owners(if of == "rows" { own.out } else { own.columns }, stream, &bounds);
        if of == "rows" {
            for (row, owner) in own.up.chunks_exact_mut(own.rank.max(1)).zip(&owners) {
                row.iter_mut().zip(&picks).filter(|(_, pick)| pick.pair != *owner).for_each(|(b, _)| *b = 0.0);
            }
        } else {
            for (row, pick) in own.down.chunks_exact_mut(own.columns.max(1)).zip(&picks) {
                row.iter_mut().zip(&owners).filter(|(_, owner)| pick.pair != **owner).for_each(|(a, _)| *a = 0.0);
            }
        }
        Ok(Merged::Pair(own).into())
    }

    fn full_rank(&self) -> bool {
        true
    }
}

/// pᵢ.
fn shares(module: &ModuleInputs, params: &Params) -> Vec<f64> {
    let size = |weight: &f64| if params.choice("shares") == "weights" { weight.abs() } else { 1.0 };
    let sum: f64 = module.weights.iter().map(size).sum();
    module.weights.iter().map(|weight| if sum > 0.0 { size(weight) / sum } else { 0.0 }).collect()
}

/// The words that an adapter's places end below.
fn bounds(shares: &[f64]) -> Vec<u32> {
    let mut sum = 0.0;
    let bound = |share: &f64| {
        sum += share;
        (sum * 4_294_967_296.0) as u32
    };
    shares.iter().map(bound).collect()
}

/// Whose each of `count` places is.
fn owners(count: usize, stream: Stream, bounds: &[u32]) -> Vec<usize> {
    let mut words = vec![0; count];
    stream.words(0, &mut words);
    let last = bounds.len().saturating_sub(1);
    words.iter().map(|word| bounds.iter().position(|bound| word < bound).unwrap_or(last)).collect()
}

/// The units that stay.
fn picked(module: &ModuleInputs, params: &Params, shares: &[f64], rescale: bool) -> Vec<Pick> {
    let candidates: Vec<Vec<usize>> = (0..module.pairs.len()).map(|i| candidates(module, params, i)).collect();
    let largest = module.pairs.iter().map(|pair| pair.rank).max().unwrap_or(0);
    let count = match (params.count("units"), module.rank) {
        (0, RankPolicy::Fixed(rank)) => rank,
        (0, policy) => policy.bound(largest),
        (count, _) => count,
    };
    let there: Vec<usize> = candidates.iter().map(Vec::len).collect();
    let mut picks = Vec::new();
    for (i, kept) in quotas(count, shares, &there).into_iter().enumerate() {
        let grown = if rescale && kept > 0 { there[i] as f64 / kept as f64 } else { 1.0 };
        let factor = module.weights[i] * grown;
        picks.extend(candidates[i][..kept].iter().map(|slot| Pick { pair: i, slot: *slot, factor }));
    }
    picks
}

/// Adapter `i`'s units that carry something, the first to be picked first.
fn candidates(module: &ModuleInputs, params: &Params, i: usize) -> Vec<usize> {
    let at = module.grams.offsets[i];
    let energy = |slot: usize| module.grams.up_norms[at + slot] * module.grams.down_norms[at + slot];
    let mut slots: Vec<usize> =
        (0..module.pairs[i].rank).filter(|slot| module.weights[i] != 0.0 && energy(*slot) > 0.0).collect();
    if params.choice("pick") == "energy" {
        slots.sort_by(|x, y| energy(*y).total_cmp(&energy(*x)));
    } else {
        let stream = Stream::new(module.seed, module.name, 1 + module.present[i] as u64);
        slots.sort_by_key(|slot| stream.bits(*slot as u64));
    }
    slots
}

/// How many units each adapter has of `count`: one after the other goes to the adapter that is furthest from its share and
/// has some left.
fn quotas(count: usize, shares: &[f64], there: &[usize]) -> Vec<usize> {
    let mut quotas = vec![0; shares.len()];
    for _ in 0..count.min(there.iter().sum()) {
        let missing = |i: &usize| shares[*i] * count as f64 - quotas[*i] as f64;
        let open = (0..shares.len()).filter(|i| quotas[*i] < there[*i]);
        let Some(next) = open.reduce(|best, i| if missing(&i) > missing(&best) { i } else { best }) else { break };
        quotas[next] += 1;
    }
    quotas
}
