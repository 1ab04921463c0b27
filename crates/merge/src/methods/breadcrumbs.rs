//! Model Breadcrumbs: of each adapter's module neither the largest entries nor the small ones, added up.
//!
//! ```text
//! M = Σ mᵢ∘τᵢ      mᵢ: of |τᵢ|'s n entries not the ⌊γ·n⌋ largest, and of the others the `density`·n next
//! ```
//!
//! τᵢ = wᵢ·ΔWᵢ (out×columns). A sum, and nothing makes up for what is cut. Where density and γ are more than all entries γ is less
//! (as in mergekit), so that a density of 1 keeps all. Entries equal to the smallest that is too large go too, and those equal to
//! the smallest that stays stay; where that leaves none, as where all entries are of one size, those stay.
//!
//! | setting | as |
//! |---|---|
//! | defaults | the paper, mergekit's `breadcrumbs` |
//! | `elect` = `mass`, `combine` = `sum` | mergekit's `breadcrumbs_ties` |
//!
//! mergekit's result is zero where ⌊γ·n⌋ = 0; here nothing is then cut at the top. Costs three looks at every entry for the two
//! thresholds, and those of the truncated SVD.

use crate::election::{COMBINE_AS, elected};
use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::order::{ROUNDS, Ranks, kept};
use crate::spec::{ANY, Law, Option as Choice, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::survey::Survey;
use crate::trim::DENSITY;
use rankweave_adapter::Result;
use rankweave_compute::entries::{Keep, Key, Rule};

pub(super) struct Breadcrumbs;

static SPEC: Spec = Spec {
    id: "breadcrumbs",
    title: "Model Breadcrumbs",
    summary: "Cuts each adapter's largest entries and its small ones and adds up what is between.",
    formula: "M = Σ mᵢ∘τᵢ,   mᵢ = the `density` of |τᵢ| that come next after the γ largest",
    when: "For many adapters of large models, where single large entries are outliers. In low-rank adapters large entries are the \
           adapter: keep γ small. What cutting makes has full rank: see how much of it the rank asked for keeps.",
    reference: Reference {
        title: "Model Breadcrumbs (Davari and Belilovsky, ECCV 2024)",
        url: "https://arxiv.org/abs/2312.06795",
    },
    section: Section::Sparse,
    adapters: ANY,
    experimental: false,
    params: &[
        DENSITY,
        ParamSpec {
            name: "gamma",
            title: "γ",
            help: "Share of a module's entries that go because they are the largest, before the density is counted: 0 cuts none, \
                   0.01 one of a hundred.",
            kind: ParamKind::Number { default: 0.01, min: 0.0, max: 0.5, step: 0.01 },
        },
        ParamSpec {
            name: "elect",
            title: "Sign by",
            help: "No sign is elected and all are added up; or an entry counts as much as it is large, or as one, and those that \
                   have the sign of most are combined.",
            kind: ParamKind::Choice {
                default: "none",
                options: &[
                    Choice { id: "none", title: "nothing: a sum" },
                    Choice { id: "mass", title: "size" },
                    Choice { id: "count", title: "number" },
                ],
            },
        },
        COMBINE_AS,
    ],
    laws: &[Law::OrderFree, Law::GaugeFree, Law::Cancels, Law::SingleAt(&[("density", "1")])],
};

impl MergeMethod for Breadcrumbs {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let mut rule = Rule::sum(module.weights);
        for (part, adapter) in rule.parts.iter_mut().zip(module.present).filter(|_| cuts(params)) {
            part.keep = ranked(module, params, |ranks| band(ranks, *adapter, top(params, module)));
        }
        let rule = elected(rule, "paper", params.choice("elect"), params.choice("combine"));
        Ok(Merged::Entries(Box::new(rule)).into())
    }

    fn looks(&self, params: &Params) -> usize {
        if cuts(params) { ROUNDS } else { 0 }
    }

    fn survey(&self, round: usize, module: &ModuleInputs, params: &Params) -> Result<Survey> {
        Ok(ranked(module, params, |ranks| ranks.survey(round, Rule::sum(module.weights), module)))
    }

    fn full_rank(&self) -> bool {
        true
    }
}

fn cuts(params: &Params) -> bool {
    params.number("density") < 1.0
}

/// How many of `all` entries go at the top.
fn largest(params: &Params, all: f64) -> f64 {
    (params.number("gamma") * all).floor().min(all - kept(params.number("density"), all)).max(0.0)
}

fn top(params: &Params, module: &ModuleInputs) -> f64 {
    module.pairs.first().map_or(0.0, |pair| largest(params, pair.out as f64 * pair.columns as f64))
}

/// What stays between the two places of an adapter, if `top` entries go above.
fn band(ranks: &Ranks, adapter: usize, top: f64) -> Keep {
    let least = ranks.key(adapter, 0);
    let below = if top >= 1.0 { ranks.key(adapter, 1) } else { f32::INFINITY.to_bits() };
    Keep::Band { least, below: below.max(least.saturating_add(1)) }
}

fn ranked<T>(module: &ModuleInputs, params: &Params, with: impl FnOnce(&Ranks) -> T) -> T {
    let least = |all| largest(params, all) + kept(params.number("density"), all);
    let first = |all| largest(params, all);
    with(&Ranks { key: Key::Magnitude, first: 0, wanted: &[&least, &first], facts: module.looked })
}
