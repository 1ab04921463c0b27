//! Trimming: of each adapter the share `density` of its largest entries, by exact thresholds.

use crate::facts::Facts;
use crate::method::ModuleInputs;
use crate::order::{ROUNDS, Ranks, kept};
use crate::spec::{ParamKind, ParamSpec, Params};
use crate::survey::Survey;
use rankweave_compute::entries::{Keep, Key, Rule};

/// The share.
pub(crate) const DENSITY: ParamSpec = ParamSpec {
    name: "density",
    title: "Density",
    help: "Share of an adapter's entries that stay, largest first. 1 keeps all, 0.2 a fifth, 0 a single one; all that are \
           equal to the smallest that stays do.",
    kind: ParamKind::Number { default: 0.2, min: 0.0, max: 1.0, step: 0.05 },
};

/// The thresholds of one module's adapters.
pub(crate) struct Trim<'a> {
    density: f64,
    facts: &'a Facts,
}

impl<'a> Trim<'a> {
    /// Rounds that the density of `params` takes: none where all entries stay.
    pub fn rounds(params: &Params) -> usize {
        if params.number("density") < 1.0 { ROUNDS } else { 0 }
    }

    /// Those of `params`, found in the first rounds of `facts`; none where all entries stay.
    pub fn new(params: &Params, facts: &'a Facts) -> Option<Trim<'a>> {
        (Trim::rounds(params) > 0).then(|| Trim { density: params.number("density"), facts })
    }

    /// What round `round` counts.
    pub fn survey(&self, round: usize, module: &ModuleInputs) -> Survey {
        self.ranked(|ranks| ranks.survey(round, Rule::sum(module.weights), module))
    }

    /// What an adapter keeps.
    pub fn keep(&self, adapter: usize) -> Keep {
        Keep::Band { least: self.ranked(|ranks| ranks.key(adapter, 0)), below: f32::INFINITY.to_bits() }
    }

    fn ranked<T>(&self, with: impl FnOnce(Ranks) -> T) -> T {
        let wanted = |all| kept(self.density, all);
        with(Ranks { key: Key::Magnitude, first: 0, wanted: &[&wanted], facts: self.facts })
    }
}
