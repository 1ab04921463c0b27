//! Dropping entries by chance, and making up for it.
//!
//! Entry (r, c) of an out×columns matrix is dropped by word r·columns + c of the stream of seed, module and adapter: the same
//! one whoever works on the module, and when. What is left is multiplied, by `rescale`:
//!
//! | | by | |
//! |---|---|---|
//! | `density`, `probability` | 1/P(an entry stays) | the mean over all masks is the adapter; |x| of what is left grows |
//! | `l1` | Σ\|x\| before over Σ\|x\| after, per module | mergekit's; takes one more look at the module |
//! | `none` | 1 | the adapter shrinks |

use crate::on_factors::Matrices;
use crate::spec::{Option as Choice, ParamKind, ParamSpec, Params};
use rankweave_adapter::Result;
use rankweave_compute::entries::{Drop, Rule};

/// How much is dropped. The default is what low-rank adapters of image classifiers were found to stand (KnOTS); large
/// language models, tuned whole, stand 0.9.
pub(crate) const DROP: ParamSpec = ParamSpec {
    name: "drop",
    title: "Dropped",
    help: "How likely an entry is left out. 0 leaves out none. At p the noise that it leaves behind has p/(1 − p) of the \
           adapter's energy: a quarter at 0.2, as much as the adapter at 0.5, nine times as much at 0.9.",
    kind: ParamKind::Number { default: 0.2, min: 0.0, max: 0.99, step: 0.05 },
};

/// What makes up for dropping, of equal chance for all entries.
pub(crate) const RESCALE: ParamSpec = ParamSpec {
    name: "rescale",
    title: "Made up for",
    help: "What the entries that are left are multiplied by: 1/(1 − dropped), which is right on average; whatever keeps the \
           module's sum of sizes (mergekit); or nothing, and the adapter shrinks.",
    kind: ParamKind::Choice { default: "density", options: &[DENSITY, L1, NONE] },
};

/// The same, where the method has variants.
pub(crate) const RESCALE_OF_VARIANT: ParamSpec = ParamSpec {
    kind: ParamKind::Choice {
        default: "variant",
        options: &[Choice { id: "variant", title: "as the variant has it" }, DENSITY, L1, NONE],
    },
    ..RESCALE
};

const DENSITY: Choice = Choice { id: "density", title: "on average" };
/// As mergekit does.
pub(crate) const L1: Choice = Choice { id: "l1", title: "so that sizes add up to the same" };
/// Not at all.
pub(crate) const NONE: Choice = Choice { id: "none", title: "not at all" };

/// Σ wᵢ·xᵢ of what chance leaves of the entries, not made up for.
pub(crate) fn thinned(matrices: &Matrices, params: &Params) -> Rule {
    let drop = params.number("drop");
    let mut rule = Rule::sum(matrices.weights());
    for (i, part) in rule.parts.iter_mut().enumerate().filter(|_| drop > 0.0) {
        part.drop = Drop::Flat { stream: matrices.stream(i), chance: (drop * 2f64.powi(32)) as u32 };
    }
    rule
}

/// Makes up for what [`thinned`] dropped.
///
/// # Errors
/// As [`Matrices::sums`].
pub(crate) fn rescaled(mut rule: Rule, rescale: &str, matrices: &Matrices, params: &Params) -> Result<Rule> {
    match rescale {
        "density" => {
            let gain = 1.0 / (1.0 - params.number("drop"));
            rule.parts.iter_mut().for_each(|part| part.gain = gain as f32);
        }
        "l1" => return matched(rule, matrices),
        _ => {}
    }
    Ok(rule)
}

/// Makes each matrix's Σ|x| after the rule's sparsification what it was before.
///
/// # Errors
/// As [`Matrices::sums`].
pub(crate) fn matched(mut rule: Rule, matrices: &Matrices) -> Result<Rule> {
    let sums = matrices.sums(&rule)?;
    for (part, sums) in rule.parts.iter_mut().zip(sums) {
        // Nothing cannot be made larger.
        part.gain = if sums.left > 0.0 { (sums.size / sums.left) as f32 } else { 1.0 };
    }
    Ok(rule)
}
