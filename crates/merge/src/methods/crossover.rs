//! Crossover: a child of several adapters, by chance.
//!
//! Every adapter draws one number ω, and the child is their average at these weights:
//!
//! ```text
//! M = Σ ωᵢ·wᵢ·ΔWᵢ / Σ ωᵢ        ωᵢ ~ N(1, spread²), i over the adapters that have the module
//! ```
//!
//! ω is drawn from the seed and the adapter's place alone, so that it is the same for all modules, and each seed is
//! another child. spread = 0 is the mean; at 1 some adapters nearly vanish. A mean, not a sum. Draws that are not above
//! zero are drawn again, so that the child lies between its parents and Σω cannot vanish; at the default this does not
//! happen. CycleQD takes a variance of 0.01, which is the default spread of 0.1, and chooses among many children by
//! measuring them: without that choice a child is no better than the mean.
//!
//! Costs as `sum`.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{ANY, Law, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use rankweave_adapter::Result;
use rankweave_compute::Nulls;
use rankweave_compute::rng::Stream;

pub(super) struct Crossover;

static SPEC: Spec = Spec {
    id: "crossover",
    title: "Crossover",
    summary: "Averages the adapters at weights drawn by chance: each seed gives another child.",
    formula: "M = Σ ωᵢ·wᵢ·ΔWᵢ / Σ ωᵢ,   ωᵢ ~ N(1, spread²)",
    when: "For trying several blends of the same adapters and keeping the best. A single draw is on average no better \
           than the mean.",
    reference: Reference {
        title: "Agent Skill Acquisition via CycleQD (Kuroki et al., ICLR 2025)",
        url: "https://arxiv.org/abs/2410.14735",
    },
    section: Section::Variation,
    adapters: ANY,
    experimental: false,
    params: &[ParamSpec {
        name: "spread",
        title: "Spread",
        help: "How unlike the weights are: 0 is the plain mean, 0.1 varies it a little, 1 nearly leaves adapters out.",
        kind: ParamKind::Number { default: 0.1, min: 0.0, max: 1.0, step: 0.01 },
    }],
    laws: &[Law::Single, Law::GaugeFree, Law::Idempotent],
};

/// How often a number is drawn again before it is 1.
const DRAWS: u64 = 32;

impl MergeMethod for Crossover {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let spread = params.number("spread");
        let drawn = |adapter: &usize| {
            let stream = Stream::new(module.seed, "", *adapter as u64);
            (0..DRAWS).map(|n| 1.0 + spread * stream.normal(n)).find(|omega| *omega > 0.0).unwrap_or(1.0)
        };
        let omegas: Vec<f64> = module.present.iter().map(drawn).collect();
        let sum: f64 = omegas.iter().sum();
        let coefficients = omegas.iter().zip(module.weights).map(|(omega, weight)| omega / sum * weight).collect();
        let outcome = Outcome::from(Merged::Linear { coefficients, nulls: Nulls::Drop });
        let tell = |outcome: Outcome, (i, omega): (usize, f64)| {
            outcome.with(&["omega-", &(module.present[i] + 1).to_string()].concat(), omega / sum)
        };
        Ok(omegas.into_iter().enumerate().fold(outcome, tell))
    }
}
