//! RAM: what one adapter alone changes is kept, what several change is averaged.
//!
//! ```text
//! active   |τᵢ| > t                                         at every entry of τᵢ = wᵢ·ΔWᵢ (out×columns)
//! M        = mean of the active τᵢ                          where several are
//!          = (1 + r·min(ρᵢ, α))·τᵢ                          where one is
//! ρᵢ       = entries that i shares / entries that are i's alone, over all modules
//! ```
//!
//! r = 0 is RAM, r > 0 RAM+: an adapter much of which is averaged away is made up for by what is its own. α bounds that.
//! An adapter with nothing of its own has ρ = α.
//!
//! | `active` | t | |
//! |---|---|---|
//! | `relative` | `share` times the root mean square of τᵢ in the module | the same for adapters of any size |
//! | `absolute` | `threshold`, 1e-5 in the paper | the change of a stored bf16 weight that is one |
//!
//! The paper merges whole models from reinforcement learning, most of whose weights have not moved at all, so that 1e-5
//! tells those apart. Of an adapter's ΔW hardly any entry is 0, and all of them may be below 1e-5 in one file and above in
//! another: with `absolute` the first vanishes and the second is averaged everywhere. So `relative` is the default here.
//!
//! Costs a look at every entry for ρ, and three to five for the truncated SVD, each Σ 2·rᵢ operations per entry.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{ANY, Law, Option as Choice, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::survey::Survey;
use rankweave_adapter::Result;
use rankweave_compute::entries::{Combine, Keep, Rule, Sums};

pub(super) struct Ram;

static SPEC: Spec = Spec {
    id: "ram",
    title: "RAM",
    summary: "Averages the entries that several adapters change, and keeps those that one alone changes whole.",
    formula: "M = mean{ τᵢ : |τᵢ| > t };   (1 + r·min(ρᵢ, α))·τᵢ where i is alone,   ρᵢ = shared/alone entries of i",
    when: "For adapters that work on different entries, each of which the mean would weaken. Entries of low-rank adapters \
           are seldom still: what counts as active is a setting here, and at 0 this is the mean.",
    reference: Reference {
        title: "Behavior Knowledge Merge in Reinforced Agentic Models (Yuan et al., 2026)",
        url: "https://arxiv.org/abs/2601.13572",
    },
    section: Section::Sparse,
    adapters: ANY,
    experimental: false,
    params: &[
        ParamSpec {
            name: "active",
            title: "Active is",
            help: "What is large next to the adapter's other entries in the module, or larger than a number.",
            kind: ParamKind::Choice {
                default: "relative",
                options: &[
                    Choice { id: "relative", title: "large for its adapter and module" },
                    Choice { id: "absolute", title: "larger than a number" },
                ],
            },
        },
        ParamSpec {
            name: "share",
            title: "Times the root mean square",
            help: "Of relative sizes: 0 counts all that is not 0, 1 about a third of a bell curve's entries, 3 few outliers.",
            kind: ParamKind::Number { default: 1.0, min: 0.0, max: 10.0, step: 0.05 },
        },
        ParamSpec {
            name: "threshold",
            title: "Number",
            help: "Of absolute sizes: 0 counts all that is not 0, the paper takes 0.00001.",
            kind: ParamKind::Number { default: 1e-5, min: 0.0, max: 1.0, step: 1e-6 },
        },
        ParamSpec {
            name: "r",
            title: "Make up for sharing (r)",
            help: "0 leaves what is an adapter's own as it is (RAM); 0.1 lets it grow by that of α at most (RAM+).",
            kind: ParamKind::Number { default: 0.1, min: 0.0, max: 10.0, step: 0.05 },
        },
        ParamSpec {
            name: "alpha",
            title: "At most (α)",
            help: "Bounds how much sharing counts: 0 is RAM, at 0.2 an adapter's own entries grow by 2 % with r = 0.1.",
            kind: ParamKind::Number { default: 0.2, min: 0.0, max: 10.0, step: 0.05 },
        },
    ],
    laws: &[Law::OrderFree, Law::GaugeFree, Law::Cancels, Law::SingleAt(&[("share", "0")])],
};

impl MergeMethod for Ram {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let mut rule = rule(module, params);
        let found = Sums::of(module.facts.round(0)).parts;
        for (part, adapter) in rule.parts.iter_mut().zip(module.present) {
            let shared = found.get(*adapter).map_or(0.0, |own| own.kept - own.alone);
            let alone = found.get(*adapter).map_or(0.0, |own| own.alone);
            // Nothing of its own is most, nothing shared is nothing.
            let ratio = if shared > 0.0 { (shared / alone).min(params.number("alpha")) } else { 0.0 };
            part.alone = (1.0 + params.number("r") * ratio) as f32;
        }
        Ok(Merged::Entries(Box::new(rule)).into())
    }

    fn rounds(&self, params: &Params) -> usize {
        usize::from(params.number("r") > 0.0)
    }

    fn survey(&self, _: usize, module: &ModuleInputs, params: &Params) -> Result<Survey> {
        Ok(Survey::Sums(rule(module, params)))
    }

    fn full_rank(&self) -> bool {
        true
    }
}

/// The mean of what is active.
fn rule(module: &ModuleInputs, params: &Params) -> Rule {
    let mut rule = Rule { combine: Combine::Mean, ..Rule::sum(module.weights) };
    for (i, part) in rule.parts.iter_mut().enumerate() {
        let entries = (module.pairs[i].out * module.pairs[i].columns).max(1) as f64;
        // Of xᵢ, whose weight is in the part.
        let threshold = match params.choice("active") {
            _ if module.weights[i] == 0.0 => f64::INFINITY,
            "absolute" => params.number("threshold") / module.weights[i].abs(),
            _ => params.number("share") * (module.grams.inner(i, i).max(0.0) / entries).sqrt(),
        };
        let infinity = f32::INFINITY.to_bits();
        part.keep = Keep::Band { least: ((threshold as f32).to_bits() + 1).min(infinity), below: infinity };
    }
    rule
}
