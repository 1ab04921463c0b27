//! Electing a sign at every entry and combining what has it: the second half of TIES, DARE-TIES, DELLA and Breadcrumbs.
//!
//! hᵢ is what sparsification leaves of an entry of ΔWᵢ. Implementations differ:
//!
//! | `variant` | γ is the sign of | γ where adapters cancel |
//! |---|---|---|
//! | `paper` | Σ wᵢ·hᵢ | none, and the result is 0 |
//! | `peft` | Σ hᵢ, without weights; an hᵢ takes part if it has γ | + |
//! | `mergekit` | Σ wᵢ·hᵢ | + |
//!
//! The papers take the majority's sign where adapters cancel; that would give rounding noise a sign where an adapter meets
//! its negation.

use crate::spec::{Option as Choice, ParamKind, ParamSpec};
use rankweave_compute::entries::{Cancelled, Combine, Elect, Rule};

/// Whose rules.
pub(crate) const VARIANT: ParamSpec = ParamSpec {
    name: "variant",
    title: "As in",
    help: "Which implementation's rules; the other settings can change single ones of them.",
    kind: ParamKind::Choice {
        default: "paper",
        options: &[
            Choice { id: "paper", title: "the paper" },
            Choice { id: "peft", title: "PEFT" },
            Choice { id: "mergekit", title: "mergekit" },
        ],
    },
};

/// How a sign is elected.
pub(crate) const ELECT: ParamSpec = ParamSpec {
    name: "elect",
    title: "Sign by",
    help: "Whether an entry counts as much as it is large, or as one.",
    kind: ParamKind::Choice {
        default: "mass",
        options: &[Choice { id: "mass", title: "size" }, Choice { id: "count", title: "number" }],
    },
};

/// What becomes of what agrees, with [`VARIANT`].
pub(crate) const COMBINE: ParamSpec = ParamSpec {
    name: "combine",
    title: "What agrees",
    help: COMBINE_HELP,
    kind: ParamKind::Choice {
        default: "variant",
        options: &[Choice { id: "variant", title: "what the variant says" }, MEAN, WEIGHTED, SUM, MAX],
    },
};

/// What becomes of what agrees, where there are no variants.
pub(crate) const COMBINE_AS: ParamSpec = ParamSpec {
    name: "combine",
    title: "What agrees",
    help: COMBINE_HELP,
    kind: ParamKind::Choice { default: "mean", options: &[MEAN, WEIGHTED, SUM, MAX] },
};

const COMBINE_HELP: &str = "What becomes of the entries that have the elected sign: their sum over how many they are, or over \
                            their weights, or the sum itself, or the largest.";
const MEAN: Choice = Choice { id: "mean", title: "is averaged" };
const WEIGHTED: Choice = Choice { id: "weighted", title: "is averaged by weight" };
const SUM: Choice = Choice { id: "sum", title: "is added up" };
const MAX: Choice = Choice { id: "max", title: "leaves the largest" };

/// Makes a rule elect by `elect` (`mass`, `count`, or `none` for no election at all and a sum) as `variant` does, and combine
/// what agrees by `combine`.
pub(crate) fn elected(mut rule: Rule, variant: &str, elect: &str, combine: &str) -> Rule {
    rule.elect = match (variant, elect) {
        (_, "none") => return rule,
        ("peft", "mass") => Elect::Unweighted,
        ("peft", _) => Elect::UnweightedCount,
        (_, "mass") => Elect::Mass,
        _ => Elect::Count,
    };
    if variant != "paper" {
        rule.cancelled = Cancelled::Plus;
    }
    rule.combine = match combine {
        "sum" => Combine::Sum,
        "max" => Combine::Max,
        "weighted" => Combine::Weighted,
        _ => Combine::Mean,
    };
    rule
}
