//! SCE: where adapters differ most, weighted by their energy there, those that agree on a sign.
//!
//! ```text
//! select      the share `select` of positions at which the τᵢ have the largest variance over the adapters
//! calculate   ηᵢ = mean of τᵢ² over those positions, over the sum of all adapters' means
//! erase       γ = sign Σ τᵢ at each position, τᵢ of another sign go
//! M           Σ ηᵢ·τᵢ / Σ ηᵢ over the τᵢ ≠ 0 that have γ
//! ```
//!
//! τᵢ = wᵢ·ΔWᵢ (out×columns); every module by itself. A mean: copies of an adapter give the adapter. The share is of positions
//! with a variance, as in mergekit, here rounded to the nearest and one at least, with all that are equal to the smallest; where
//! there is no variance, as with one adapter, all positions stay. `select` = 1, mergekit's default, leaves the weighted mean of
//! what agrees; the paper, which fuses chat models, takes 0.1.
//!
//! mergekit takes equal ηᵢ where the means add up to less than 1e-6, which those of low-rank adapters mostly do, and the sign +
//! where adapters cancel; here ηᵢ has no such floor, and what cancels is 0. Costs four looks at every entry (none at 1), and those
//! of the truncated SVD.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::order::{ROUNDS, Ranks, kept};
use crate::spec::{ANY, Law, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::survey::Survey;
use rankweave_adapter::Result;
use rankweave_compute::entries::{Combine, Elect, Key, Rule, Select, Sums, radix};

pub(super) struct Sce;

static SPEC: Spec = Spec {
    id: "sce",
    title: "SCE",
    summary: "Averages what agrees in sign, each adapter weighted by its energy, at the entries where adapters differ most.",
    formula: "M = Σ ηᵢτᵢ / Σ ηᵢ over sign τᵢ = γ = sign Στᵢ,   ηᵢ ∝ mean τᵢ²,   at the entries of the largest variance",
    when: "Where one adapter changes a module much more than the others and should have its say there. Adapters of unlike size are \
           so made more unlike: level them first with norm-equalise. Selecting makes a change of full rank, which a small rank \
           does not hold.",
    reference: Reference {
        title: "FuseChat: Knowledge Fusion of Chat Models (Wan et al., 2024)",
        url: "https://arxiv.org/abs/2408.07990",
    },
    section: Section::Sparse,
    adapters: ANY,
    experimental: false,
    params: &[ParamSpec {
        name: "select",
        title: "Selected",
        help: "Share of a module's entries that stay, those first at which adapters differ most. 1 keeps all, 0.1 a tenth, 0 a \
               single one.",
        kind: ParamKind::Number { default: 1.0, min: 0.0, max: 1.0, step: 0.05 },
    }],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree, Law::Idempotent, Law::Cancels],
};

impl MergeMethod for Sce {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let mut rule = selected(module, params);
        let energies = energies(module, params);
        let total: f64 = energies.iter().sum();
        for (part, energy) in rule.parts.iter_mut().zip(&energies) {
            part.weight = if total > 0.0 { (energy / total) as f32 } else { 0.0 };
        }
        rule.elect = Elect::Unweighted;
        rule.combine = Combine::Weighted;
        let mut outcome = Outcome::from(Merged::Entries(Box::new(rule)));
        for (adapter, energy) in module.present.iter().zip(&energies).filter(|_| total > 0.0) {
            outcome = outcome.with(&format!("share-{}", adapter + 1), energy / total);
        }
        Ok(outcome)
    }

    fn looks(&self, params: &Params) -> usize {
        if params.number("select") < 1.0 { ROUNDS + 1 } else { 0 }
    }

    fn survey(&self, round: usize, module: &ModuleInputs, params: &Params) -> Result<Survey> {
        if round < ROUNDS {
            return Ok(ranked(module, params, |ranks| ranks.survey(round, weighted(module), module)));
        }
        Ok(Survey::Sums(selected(module, params)))
    }

    fn full_rank(&self) -> bool {
        true
    }
}

/// Σ τᵢ, with the weights as gains: a part's weight is for ηᵢ.
fn weighted(module: &ModuleInputs) -> Rule {
    let mut rule = Rule::sum(&vec![1.0; module.weights.len()]);
    rule.parts.iter_mut().zip(module.weights).for_each(|(part, weight)| part.gain = *weight as f32);
    rule
}

/// The same of what is selected.
fn selected(module: &ModuleInputs, params: &Params) -> Rule {
    let mut rule = weighted(module);
    if params.number("select") < 1.0 && varied(module) > 0.0 {
        rule.select = Select::Varied { least: ranked(module, params, |ranks| ranks.key(0, 0)) };
    }
    rule
}

/// Σ τᵢ² over what is selected.
fn energies(module: &ModuleInputs, params: &Params) -> Vec<f64> {
    if params.number("select") >= 1.0 {
        return (0..module.pairs.len()).map(|i| module.inner(i, i)).collect();
    }
    let sums = Sums::of(module.looked.round(ROUNDS)).parts;
    let squares = |(weight, a): (&f64, &usize)| weight * weight * sums.get(*a).map_or(0.0, |part| part.squares);
    module.weights.iter().zip(module.present).map(squares).collect()
}

/// How many positions have a variance: all but those of the first bin, which is below 1e-38.
fn varied(module: &ModuleInputs) -> f64 {
    module.looked.round(0).iter().take(radix::bins(0)).skip(1).sum()
}

fn ranked<T>(module: &ModuleInputs, params: &Params, with: impl FnOnce(Ranks) -> T) -> T {
    let wanted = |_| kept(params.number("select"), varied(module));
    with(Ranks { key: Key::Variance, first: 0, wanted: &[&wanted], facts: module.looked })
}
