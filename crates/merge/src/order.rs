//! Thresholds: the k-th largest of a module's or a file's keys, exactly, from what the rounds of a method have counted
//! (see [`rankweave_compute::entries::radix`]).
//!
//! A method that wants some says so in a [`Ranks`], and gets a round of counting for each level: over all modules where the
//! threshold is one for the file, or as looks at the module alone. Both leave the same numbers behind.

use crate::facts::Facts;
use crate::method::ModuleInputs;
use crate::spec::{Option as Choice, ParamKind, ParamSpec, Params};
use crate::survey::Survey;
use rankweave_compute::entries::{Key, Rule, Target, radix};

/// Whose order statistics a method takes.
pub(crate) const SCOPE: ParamSpec = ParamSpec {
    name: "scope",
    title: "Thresholds of",
    help: "Whether each module has its own, or the whole adapter one, which takes from weak modules what strong ones get.",
    kind: ParamKind::Choice {
        default: "module",
        options: &[Choice { id: "module", title: "each module" }, Choice { id: "file", title: "the whole adapter" }],
    },
};

/// Are the thresholds the whole file's?
pub(crate) fn by_file(params: &Params) -> bool {
    params.choice("scope") == "file"
}

/// Rounds that one set of order statistics takes.
pub(crate) const ROUNDS: usize = radix::LEVELS.len();

/// Order statistics, one per adapter and place, of keys that are counted in the same rounds.
pub(crate) struct Ranks<'a> {
    /// What is counted.
    pub key: Key,
    /// The first of the [`ROUNDS`].
    pub first: usize,
    /// For how many keys of `all` the statistic is the least, counted from the largest (at least 1): one entry per place.
    pub wanted: &'a [&'a dyn Fn(f64) -> f64],
    /// What the rounds have found.
    pub facts: &'a Facts,
}

impl Ranks<'_> {
    /// What round `round` counts, by what is known of `rule` so far. An adapter's places have slots of their own from
    /// the second level on, as they are in different bins; the first level is counted once.
    pub fn survey(&self, round: usize, rule: Rule, module: &ModuleInputs) -> Survey {
        let level = round - self.first;
        let places = if level == 0 { 1 } else { self.wanted.len() };
        let mut targets = Vec::new();
        for (part, adapter) in self.counted(module) {
            for place in 0..places {
                let above = if level == 0 { 0 } else { self.above(adapter, place, level) };
                targets.push((Target { part, above }, adapter * places + place));
            }
        }
        Survey::Count { rule, key: self.key, level, targets, slots: module.adapters * places }
    }

    /// Parts that are counted, and the adapters they are of. A key of positions is nobody's and stands with the first.
    fn counted(&self, module: &ModuleInputs) -> Vec<(usize, usize)> {
        match self.key {
            Key::Variance => vec![(0, 0)],
            _ => module.present.iter().copied().enumerate().collect(),
        }
    }

    /// The key at place `place` of adapter `adapter`, when all rounds are done.
    pub fn key(&self, adapter: usize, place: usize) -> u32 {
        self.above(adapter, place, ROUNDS)
    }

    /// Its upper bits, as the first `levels` of the rounds have found them.
    pub fn above(&self, adapter: usize, place: usize, levels: usize) -> u32 {
        let bins = |level: usize| {
            let places = if level == 0 { 1 } else { self.wanted.len() };
            let slot = adapter * places + if level == 0 { 0 } else { place };
            let size = radix::bins(level);
            self.facts.round(self.first + level).get(slot * size..(slot + 1) * size).unwrap_or(&[])
        };
        let counts: Vec<&[f64]> = (0..levels).map(bins).collect();
        let all = counts.first().map_or(0.0, |counts| counts.iter().sum());
        radix::found(&counts, (self.wanted[place])(all))
    }
}

/// How many of `all` entries the share `density` is; one at least.
pub(crate) fn kept(density: f64, all: f64) -> f64 {
    (density * all).round().max(1.0)
}
