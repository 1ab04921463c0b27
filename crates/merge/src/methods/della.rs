//! DELLA: entries are dropped by chance, small ones of a row more likely than large ones; of the rest those that agree on a sign.
//!
//! ```text
//! drop      entry j of a row of n stays with probability pⱼ = d − ε + 2ε·(rankⱼ − 1)/(n − 1),   ranks of |x|, the smallest 1
//!           hⱼ = xⱼ/pⱼ, or 0
//! elect     γ = sign Σ wᵢ·hᵢ
//! combine   M = mean of the wᵢ·hᵢ ≠ 0 that have γ,  or with `elect` = `none`  M = Σ wᵢ·hᵢ
//! ```
//!
//! d is `density`, the mean share that stays; ε = 0 is DARE, and the larger it is the more this is trimming by size. ε is no more
//! than d − 0.01 and 1 − d, so that every entry has a chance; so d = 1 keeps all. The only entry of a row has p = d. A row is an
//! output of the module, which is what the paper prunes by. Signs are elected as in `election.rs`.
//!
//! | setting | as |
//! |---|---|
//! | defaults | the paper (MagPrune, Elect, Fuse) |
//! | `rescale` = `l1`, `combine` = `weighted` | mergekit's `della` |
//! | `rescale` = `l1`, `elect` = `none` | mergekit's `della_linear` |
//!
//! mergekit refuses an ε that is too large, and its rows of one entry are NaN. Costs the looks of the truncated SVD, and one for
//! `l1`, each with every row put in order: n·log n per adapter, on the CPU.

use crate::election::{COMBINE_AS, elected};
use crate::method::Merged;
use crate::method::{MergeMethod, ModuleInputs, Outcome};
use crate::on_factors::Matrices;
use crate::spec::{ANY, Law, Option as Choice, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::survey::Survey;
use crate::thin::{L1, NONE, matched};
use rankweave_adapter::Result;
use rankweave_compute::entries::{Drop, Rule};

pub(super) struct Della;

static SPEC: Spec = Spec {
    id: "della",
    title: "DELLA",
    summary: "Drops entries by chance, the smaller of a row the more likely, elects a sign at every entry and averages what agrees.",
    formula: "M = mean{ wᵢ·hᵢ : sign wᵢhᵢ = γ },   γ = sign Σ wᵢ·hᵢ,   h = x/p with probability p = d − ε + 2ε·rank(|x|), else 0",
    when: "Between TIES, which keeps what is large, and DARE, which does not look: for adapters of large models. The noise that \
           dropping leaves has full rank, so it takes a high rank to hold, and the seed matters.",
    reference: Reference {
        title: "DELLA-Merging: Reducing Interference through Magnitude-Based Sampling (Deep et al., 2024)",
        url: "https://arxiv.org/abs/2406.11617",
    },
    section: Section::Sparse,
    adapters: ANY,
    experimental: false,
    params: &[
        ParamSpec {
            name: "density",
            title: "Density",
            help: "How likely an entry stays, on average over a row: 1 keeps all, 0.1 one of ten and makes it ten times as large.",
            kind: ParamKind::Number { default: 0.8, min: 0.01, max: 1.0, step: 0.05 },
        },
        ParamSpec {
            name: "epsilon",
            title: "ε",
            help: "How much likelier than that the largest of a row stays, and less likely the smallest: 0 treats all alike. No \
                   more than the density allows: at 0.8 it is 0.2 at most.",
            kind: ParamKind::Number { default: 0.15, min: 0.0, max: 0.5, step: 0.05 },
        },
        ParamSpec {
            name: "rescale",
            title: "Made up for",
            help: "What an entry that is left is divided by: how likely it was to stay, which is right on average; whatever keeps \
                   the module's sum of sizes (mergekit); or nothing, and the adapter shrinks.",
            kind: ParamKind::Choice {
                default: "probability",
                options: &[Choice { id: "probability", title: "on average" }, L1, NONE],
            },
        },
        ParamSpec {
            name: "elect",
            title: "Sign by",
            help: "Whether an entry counts as much as it is large, or as one; or no sign is elected and all are added up.",
            kind: ParamKind::Choice {
                default: "mass",
                options: &[
                    Choice { id: "mass", title: "size" },
                    Choice { id: "count", title: "number" },
                    Choice { id: "none", title: "nothing: a sum" },
                ],
            },
        },
        COMBINE_AS,
    ],
    laws: &[Law::GaugeFree, Law::SingleAt(&[("density", "1")])],
};

/// The least that the smallest entry of a row stays with.
const LEAST: f64 = 0.01;

impl MergeMethod for Della {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let matrices = Matrices::deltas(module);
        let mut rule = pruned(&matrices, params);
        if params.choice("rescale") == "l1" {
            rule = matched(rule, &matrices)?;
        }
        let rule = elected(rule, "paper", params.choice("elect"), params.choice("combine"));
        Ok(Merged::Entries(Box::new(rule)).into())
    }

    fn looks(&self, params: &Params) -> usize {
        usize::from(params.choice("rescale") == "l1")
    }

    fn survey(&self, _: usize, module: &ModuleInputs, params: &Params) -> Result<Survey> {
        Ok(Survey::Sums(pruned(&Matrices::deltas(module), params)))
    }

    fn full_rank(&self) -> bool {
        true
    }
}

/// Σ wᵢ·xᵢ of what chance leaves of the entries.
fn pruned(matrices: &Matrices, params: &Params) -> Rule {
    let density = params.number("density");
    let epsilon = params.number("epsilon").min(density - LEAST).min(1.0 - density).max(0.0);
    let rescaled = params.choice("rescale") == "probability";
    let (least, most) = ((density - epsilon) as f32, (density + epsilon) as f32);
    let mut rule = Rule::sum(matrices.weights());
    for (i, part) in rule.parts.iter_mut().enumerate().filter(|_| density < 1.0) {
        part.drop = Drop::Ranked { stream: matrices.stream(i), least, most, rescaled };
    }
    rule
}
