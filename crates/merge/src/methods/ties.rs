//! TIES: of each adapter its largest entries, of those the ones that agree on a sign.
//!
//! ```text
//! trim      τ̂ᵢ = τᵢ where |τᵢ| is among the largest `density` of its module's or its adapter's entries, else 0
//! elect     γ = sign Σᵢ τ̂ᵢ                     at every entry (or the sign of most)
//! combine   M = mean of the τ̂ᵢ ≠ 0 that have γ  (or their sum, or the largest)
//! ```
//!
//! τᵢ = wᵢ·ΔWᵢ = wᵢ·xᵢ (out×columns). The entries are those of ΔW itself, not of up and down.
//!
//! | `variant` | thresholds | sign of | combined |
//! |---|---|---|---|
//! | `paper` | of the adapter | Σ wᵢ·x̂ᵢ | mean of wᵢ·x̂ᵢ by count |
//! | `peft` (`ties_svd`) | of the module | Σ x̂ᵢ, without weights | mean of wᵢ·x̂ᵢ by count |
//! | `mergekit` | of the module | Σ wᵢ·x̂ᵢ | Σ wᵢ·x̂ᵢ over Σ wᵢ |
//!
//! Where adapters cancel the paper takes the majority's sign and the others +; here `paper` leaves 0 there, as an adapter and
//! its negation would otherwise give rounding noise a sign.
//!
//! Costs three looks at every entry for thresholds and three to five for the truncated SVD, each Σ 2·rᵢ operations per entry.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::order::by_file;
use crate::spec::{ANY, Law, Option as Choice, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::survey::Survey;
use crate::trim::{DENSITY, Trim};
use rankweave_adapter::Result;
use rankweave_compute::entries::{Cancelled, Combine, Elect, Keep, Rule};

pub(super) struct Ties;

static SPEC: Spec = Spec {
    id: "ties",
    title: "TIES",
    summary: "Keeps each adapter's largest entries, elects a sign at every entry and averages what agrees with it.",
    formula: "M = mean{ τ̂ᵢ : sign τ̂ᵢ = γ },   γ = sign Σ τ̂ᵢ,   τ̂ᵢ = the largest `density` of τᵢ = wᵢ·ΔWᵢ",
    when: "For several adapters that pull entries both ways. On low-rank adapters it often comes out near the mean, and what \
           trimming makes has full rank: see how much of it the rank asked for keeps. The paper takes a density of 0.2.",
    reference: Reference {
        title: "TIES-Merging: Resolving Interference When Merging Models (Yadav et al., NeurIPS 2023)",
        url: "https://arxiv.org/abs/2306.01708",
    },
    section: Section::Sparse,
    adapters: ANY,
    experimental: false,
    params: &[VARIANT, DENSITY, SCOPE, ELECT, COMBINE],
    laws: &[Law::OrderFree, Law::GaugeFree, Law::Cancels, Law::SingleAt(&[("density", "1")])],
};

const VARIANT: ParamSpec = ParamSpec {
    name: "variant",
    title: "As in",
    help: "Which implementation's thresholds, signs and averages; the other settings can change single ones of them.",
    kind: ParamKind::Choice {
        default: "paper",
        options: &[
            Choice { id: "paper", title: "the paper" },
            Choice { id: "peft", title: "PEFT" },
            Choice { id: "mergekit", title: "mergekit" },
        ],
    },
};

const ELECT: ParamSpec = ParamSpec {
    name: "elect",
    title: "Sign by",
    help: "Whether an entry counts as much as it is large, or as one.",
    kind: ParamKind::Choice {
        default: "mass",
        options: &[Choice { id: "mass", title: "size" }, Choice { id: "count", title: "number" }],
    },
};

const COMBINE: ParamSpec = ParamSpec {
    name: "combine",
    title: "What agrees",
    help: "What becomes of the entries that have the elected sign.",
    kind: ParamKind::Choice {
        default: "mean",
        options: &[
            Choice { id: "mean", title: "is averaged" },
            Choice { id: "sum", title: "is added up" },
            Choice { id: "max", title: "leaves the largest" },
        ],
    },
};

const SCOPE: ParamSpec = ParamSpec {
    name: "scope",
    title: "Largest entries of",
    help: "Whether each module keeps its share, or the whole adapter, which takes from weak modules what strong ones get and \
           looks at all modules three times more.",
    kind: ParamKind::Choice {
        default: "variant",
        options: &[
            Choice { id: "variant", title: "what the variant says" },
            Choice { id: "module", title: "each module" },
            Choice { id: "file", title: "the whole adapter" },
        ],
    },
};

impl MergeMethod for Ties {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let mut rule = Rule::sum(module.weights);
        let trim = trim(module, params);
        for (part, adapter) in rule.parts.iter_mut().zip(module.present) {
            part.keep = trim.as_ref().map_or(Keep::All, |trim| trim.keep(*adapter));
        }
        rule.elect = match (params.choice("variant"), params.choice("elect")) {
            ("peft", "mass") => Elect::Unweighted,
            ("peft", _) => Elect::UnweightedCount,
            (_, "mass") => Elect::Mass,
            _ => Elect::Count,
        };
        if params.choice("variant") != "paper" {
            rule.cancelled = Cancelled::Plus;
        }
        rule.combine = match (params.choice("combine"), params.choice("variant")) {
            ("sum", _) => Combine::Sum,
            ("max", _) => Combine::Max,
            (_, "mergekit") => Combine::Weighted,
            _ => Combine::Mean,
        };
        Ok(Merged::Entries(Box::new(rule)).into())
    }

    fn rounds(&self, params: &Params) -> usize {
        if scoped_by_file(params) { Trim::rounds(params) } else { 0 }
    }

    fn looks(&self, params: &Params) -> usize {
        if scoped_by_file(params) { 0 } else { Trim::rounds(params) }
    }

    fn survey(&self, round: usize, module: &ModuleInputs, params: &Params) -> Result<Survey> {
        let empty = || Survey::Numbers(Vec::new());
        Ok(trim(module, params).map_or_else(empty, |trim| trim.survey(round, module)))
    }

    fn full_rank(&self) -> bool {
        true
    }
}

fn scoped_by_file(params: &Params) -> bool {
    by_file(params) || params.choice("scope") == "variant" && params.choice("variant") == "paper"
}

fn trim<'a>(module: &ModuleInputs<'a>, params: &Params) -> Option<Trim<'a>> {
    Trim::new(params, if scoped_by_file(params) { module.facts } else { module.looked })
}
