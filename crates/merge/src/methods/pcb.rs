//! PCB: entries compete, within their adapter by size and with the other adapters' by agreement.
//!
//! ```text
//! cᵢ      = τᵢ with |τᵢ| clamped to its 0.01 % and 99.99 % quantiles      τᵢ = wᵢ·ΔWᵢ (out×columns)
//! scoreᵢ  = exp(T·minmax(|cᵢ|)²) · tanh(τᵢ·Σⱼτⱼ)                          intra- and inter-balancing
//! sᵢ      = (scoreᵢ − floor)/(top − floor), in 0 … 1                      floor: the 1 − `ratio` quantile; top: the largest
//! M       = Σ cᵢ·sᵢ / Σ sᵢ                                                entry by entry
//! ```
//!
//! Quantiles are order statistics, exactly, and not between two of them. They are each module's or, as in the paper, the
//! whole adapter's: `scope`. Scores grow with the square of the entries' sizes and more, so that over the whole adapter
//! only the strongest modules have any above the floor; therefore the module's are the default. An adapter's weight
//! multiplies its clamps. Where no score is above the floor, M is 0: one adapter alone keeps its largest `ratio`.
//!
//! A mean, not a sum. The paper searches λ from 0.8 to 1.3 for each task and takes about 1.2; it is 1 here, as in the
//! other methods. Scores are f32: where |τ| ~ 1e-3 the tanh is its argument, which f32 holds as exactly as any number.
//!
//! Costs six looks at every entry for clamps and scores, three to five for the truncated SVD, each Σ 2·rᵢ operations per
//! entry and an exp and tanh with the last three of the six and all of the others.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::order::{ROUNDS, Ranks, SCOPE, by_file, kept};
use crate::spec::{Law, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::survey::Survey;
use rankweave_adapter::Result;
use rankweave_compute::entries::{Combine, Key, Rule, Score, radix};

pub(super) struct Pcb;

static SPEC: Spec = Spec {
    id: "pcb",
    title: "PCB-Merging",
    summary: "Scores each entry by its size and by how far the other adapters pull the same way, and averages by score.",
    formula: "M = Σ cᵢ·sᵢ / Σ sᵢ,   sᵢ = minmax of exp(T·minmax(|cᵢ|)²)·tanh(τᵢ·Στⱼ) above its 1 − ratio quantile",
    when: "For several adapters of one base that partly compete. Like TIES it drops most entries, and of low-rank adapters \
           with them what makes them low-rank. The paper tunes λ on data, around 1.2.",
    reference: Reference {
        title: "Parameter Competition Balancing for Model Merging (Du et al., NeurIPS 2024)",
        url: "https://arxiv.org/abs/2410.02396",
    },
    section: Section::Sparse,
    // exp(T) has to be a number.
    adapters: (1, 64),
    experimental: false,
    params: &[
        ParamSpec {
            name: "ratio",
            title: "Ratio",
            help: "Share of an adapter's entries whose score counts, the best first: 1 counts all but the worst one, 0.1 is \
                   the paper's, 0 leaves a few.",
            kind: ParamKind::Number { default: 0.1, min: 0.0, max: 1.0, step: 0.05 },
        },
        SCOPE,
    ],
    laws: &[Law::OrderFree, Law::GaugeFree, Law::Cancels],
};

/// The share of entries above the upper clamp, and of those below the lower one.
const CLAMPED: f64 = 1e-4;

impl MergeMethod for Pcb {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let mut scores = clamps(module, params);
        scored(module, params, |ranks| {
            for (score, adapter) in scores.iter_mut().zip(module.present) {
                score.floor = radix::unordered(ranks.key(*adapter, 0));
                score.top = radix::unordered(ranks.key(*adapter, 1));
            }
        });
        let rule = Rule { combine: Combine::Scored(scores), ..Rule::sum(module.weights) };
        Ok(Merged::Entries(Box::new(rule)).into())
    }

    fn rounds(&self, params: &Params) -> usize {
        if by_file(params) { 2 * ROUNDS } else { 0 }
    }

    fn looks(&self, params: &Params) -> usize {
        2 * ROUNDS - self.rounds(params)
    }

    fn survey(&self, round: usize, module: &ModuleInputs, params: &Params) -> Result<Survey> {
        let rule = Rule::sum(module.weights);
        if round < ROUNDS {
            return Ok(sized(module, params, |ranks| ranks.survey(round, rule, module)));
        }
        let rule = Rule { combine: Combine::Scored(clamps(module, params)), ..rule };
        Ok(scored(module, params, |ranks| ranks.survey(round, rule, module)))
    }

    fn full_rank(&self) -> bool {
        true
    }
}

/// The scores' clamps, from the first rounds.
fn clamps(module: &ModuleInputs, params: &Params) -> Vec<Score> {
    sized(module, params, |ranks| {
        let clamp = |(adapter, weight): (&usize, &f64)| {
            let at = |place| weight.abs() as f32 * f32::from_bits(ranks.key(*adapter, place));
            Score { low: at(0), high: at(1), ..Score::default() }
        };
        module.present.iter().zip(module.weights).map(clamp).collect()
    })
}

/// With the quantiles of |x|.
fn sized<T>(module: &ModuleInputs, params: &Params, with: impl FnOnce(&Ranks) -> T) -> T {
    let (low, high) = (|all| kept(1.0 - CLAMPED, all), |all| kept(CLAMPED, all));
    let facts = if by_file(params) { module.facts } else { module.looked };
    with(&Ranks { key: Key::Magnitude, first: 0, wanted: &[&low, &high], facts })
}

/// With the quantiles of the scores.
fn scored<T>(module: &ModuleInputs, params: &Params, with: impl FnOnce(&Ranks) -> T) -> T {
    let (floor, top) = (|all| kept(params.number("ratio"), all), |_| 1.0);
    let facts = if by_file(params) { module.facts } else { module.looked };
    with(&Ranks { key: Key::Score, first: ROUNDS, wanted: &[&floor, &top], facts })
}
