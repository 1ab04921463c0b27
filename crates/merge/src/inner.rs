//! The rule by which adapters are merged once they stand in a space of their own: KnOTS, core space, CtM.
//!
//! Cᵢ are the adapters' coordinates there, matrices of one size:
//!
//! | `inner` | C' |
//! |---|---|
//! | `mean` | (1/T)·Σ Cᵢ |
//! | `sum` | Σ Cᵢ |
//! | `ties` | of each Cᵢ the share `density` of largest entries; per entry the mean of those that have the elected sign |
//! | `dare` | Σ of the Cᵢ, each entry zero with probability `drop`, else divided by 1 − `drop` |
//! | `dare-ties` | entries dropped as in `dare`, then `ties` |
//! | `tsv` | singular vectors made orthogonal together |
//! | `iso` | the sum with a flat spectrum |
//!
//! `mean`, `sum`, `tsv` and `iso` are the same in every basis, so a space that loses nothing changes nothing for them. The
//! others look at single entries, so the basis is what matters; all of them treat x and −x alike, so its signs do not.
//! Where entries cancel no sign is elected and the answer is zero. (Others take + or the majority there, which an
//! adapter and its negation would turn into rounding noise.)
//!
//! Entry n (row by row) of adapter i is dropped by number n of the stream of seed, module and i.
//!
//! With `scope` = `file` an adapter's threshold is one for all modules, found to the bit in rounds of counting
//! (see [`crate::order`]). Entries equal to the threshold all stay; by module as many stay as are asked for, of equal ones the
//! earlier.

use crate::facts::Facts;
use crate::method::ModuleInputs;
use crate::order::{self, ROUNDS, Ranks};
use crate::spec::{Option as Choice, ParamKind, ParamSpec, Params};
use crate::{spectra, ties};
use rankweave_adapter::Result;
use rankweave_compute::Mat;
use rankweave_compute::entries::{Key, radix};
use rankweave_compute::rng::Stream;

/// Which rule.
pub(crate) const INNER: ParamSpec = ParamSpec {
    name: "inner",
    title: "Rule inside",
    help: "How the adapters are merged in their common space.",
    kind: ParamKind::Choice {
        default: "ties",
        options: &[
            Choice { id: "ties", title: "TIES: the mean of what agrees in sign" },
            Choice { id: "mean", title: "mean" },
            Choice { id: "sum", title: "sum" },
            Choice { id: "dare", title: "DARE: the sum of what chance leaves" },
            Choice { id: "dare-ties", title: "DARE, then TIES" },
            Choice { id: "tsv", title: "TSV-M: made orthogonal" },
            Choice { id: "iso", title: "Iso-C: a flat spectrum" },
        ],
    },
};

/// How much TIES keeps.
pub(crate) const DENSITY: ParamSpec = ParamSpec {
    name: "density",
    title: "Density",
    help: "For TIES: share of an adapter's entries that stay, largest first. 1 keeps all, 0.2 a fifth, 0 a single one.",
    kind: ParamKind::Number { default: 1.0, min: 0.0, max: 1.0, step: 0.05 },
};

/// How much DARE drops.
pub(crate) const DROP: ParamSpec = ParamSpec {
    name: "drop",
    title: "Dropped",
    help: "For DARE: how likely an entry is left out. 0 leaves out none, 0.9 nine of ten and makes the others ten times as \
           large.",
    kind: ParamKind::Number { default: 0.1, min: 0.0, max: 0.95, step: 0.05 },
};

/// Where thresholds are taken.
pub(crate) const SCOPE: ParamSpec = ParamSpec {
    name: "scope",
    title: "Largest entries of",
    help: "For TIES below density 1: whether each module keeps its share, or the whole adapter, which takes from weak \
           modules what strong ones get, and three more looks at all modules.",
    kind: ParamKind::Choice {
        default: "module",
        options: &[Choice { id: "module", title: "each module" }, Choice { id: "file", title: "the whole adapter" }],
    },
};

/// Below this share of a module's largest entry an entry is zero: far above rounding, far below what counts.
const NOTHING: f64 = 1e-9;

/// Entries cancel where their sum is at most this share of their sizes' sum.
const CANCELLED: f64 = 1e-7;

/// A rule and what it needs of its module.
pub(crate) struct Inner<'a> {
    rule: &'a str,
    density: f64,
    drop: f64,
    by_file: bool,
    seed: u64,
    name: &'a str,
    present: &'a [usize],
    facts: &'a Facts,
    adapters: usize,
}

/// How many rounds of counting the parameters of a method with [`SCOPE`] ask for.
pub(crate) fn rounds(params: &Params) -> usize {
    let trims = matches!(params.choice("inner"), "ties" | "dare-ties") && params.number("density") < 1.0;
    if trims && params.choice("scope") == "file" { ROUNDS } else { 0 }
}

impl<'a> Inner<'a> {
    /// The rule of `params` for one module; `scoped` where the method has [`SCOPE`].
    pub fn new(module: &'a ModuleInputs<'_>, params: &'a Params, scoped: bool) -> Inner<'a> {
        Inner {
            rule: params.choice("inner"),
            density: params.number("density"),
            drop: params.number("drop"),
            by_file: scoped && rounds(params) > 0,
            seed: module.seed,
            name: module.name,
            present: module.present,
            facts: module.facts,
            adapters: module.adapters,
        }
    }

    /// Does the rule look at single entries, so that the basis matters?
    pub fn by_entry(&self) -> bool {
        matches!(self.rule, "ties" | "dare" | "dare-ties")
    }

    /// C' of matrices of one size, one for each adapter that is present.
    ///
    /// # Errors
    /// `Malformed` where a decomposition does not converge.
    pub fn merged(&self, parts: &[Mat<f64>]) -> Result<Mat<f64>> {
        let columns = parts.first().map_or(0, |part| part.ncols());
        Ok(match self.rule {
            "tsv" => spectra::orthogonalised(&spectra::thins(parts)?)?,
            "iso" => spectra::flattened(sum(parts).as_ref(), 1.0)?,
            _ if self.by_entry() => {
                let merged = self.entries(parts.iter().map(rows).collect());
                Mat::from_fn(merged.len() / columns.max(1), columns, |i, j| merged[i * columns + j])
            }
            rule => {
                let mut sum = sum(parts);
                let factor = if rule == "mean" { 1.0 / parts.len().max(1) as f64 } else { 1.0 };
                sum.col_iter_mut().for_each(|column| column.iter_mut().for_each(|x| *x *= factor));
                sum
            }
        })
    }

    /// C' of a rule by entry, of coordinates row by row.
    pub fn entries(&self, mut parts: Vec<Vec<f64>>) -> Vec<f64> {
        self.thin(&mut parts);
        let length = parts.first().map_or(0, Vec::len);
        if self.rule == "dare" {
            return (0..length).map(|at| parts.iter().map(|part| part[at]).sum()).collect();
        }
        for (part, adapter) in parts.iter_mut().zip(self.present) {
            if self.by_file {
                let least = self.threshold(*adapter);
                part.iter_mut().filter(|x| key(**x) < least).for_each(|x| *x = 0.0);
            } else {
                ties::trim(part, order::kept(self.density, length as f64) as usize);
            }
        }
        let largest = parts.iter().flatten().fold(0.0, |most: f64, x| most.max(x.abs()));
        for at in 0..length {
            let (mut sum, mut size) = (0.0, 0.0);
            for part in &mut parts {
                if part[at].abs() <= NOTHING * largest {
                    part[at] = 0.0;
                }
                (sum, size) = (sum + part[at], size + part[at].abs());
            }
            if f64::abs(sum) <= CANCELLED * size {
                parts.iter_mut().for_each(|part| part[at] = 0.0);
            }
        }
        ties::elected(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>(), ties::Disjoint::Mean)
    }

    /// What round `round` counts in coordinates row by row: as many numbers for each adapter of the mix as its bits have
    /// values.
    pub fn counted(&self, round: usize, mut parts: Vec<Vec<f64>>) -> Vec<f64> {
        self.thin(&mut parts);
        let bins = radix::bins(round);
        let mut counts = vec![0.0; self.adapters * bins];
        for (part, adapter) in parts.iter().zip(self.present) {
            let above = self.ranked(|ranks| ranks.above(*adapter, 0, round));
            let keys = part.iter().filter_map(|x| radix::bin(key(*x), round, above));
            keys.for_each(|bin| counts[adapter * bins + bin] += 1.0);
        }
        counts
    }

    /// The bits of the least |x| that an adapter keeps.
    fn threshold(&self, adapter: usize) -> u32 {
        self.ranked(|ranks| ranks.key(adapter, 0))
    }

    fn ranked<T>(&self, with: impl FnOnce(Ranks) -> T) -> T {
        let wanted = |all| order::kept(self.density, all);
        with(Ranks { key: Key::Magnitude, first: 0, wanted: &[&wanted], facts: self.facts })
    }

    /// DARE, where the rule has it.
    fn thin(&self, parts: &mut [Vec<f64>]) {
        if self.rule == "ties" {
            return;
        }
        for (part, adapter) in parts.iter_mut().zip(self.present) {
            let stream = Stream::new(self.seed, self.name, *adapter as u64);
            for (at, x) in part.iter_mut().enumerate() {
                *x = if stream.uniform(at as u64) < self.drop { 0.0 } else { *x / (1.0 - self.drop) };
            }
        }
    }
}

/// The key of |x|, as f32.
fn key(x: f64) -> u32 {
    radix::magnitude(x as f32)
}

/// The entries row by row.
pub(crate) fn rows(x: &Mat<f64>) -> Vec<f64> {
    (0..x.nrows()).flat_map(|i| (0..x.ncols()).map(move |j| x[(i, j)])).collect()
}

/// Σ of matrices of one size.
fn sum(parts: &[Mat<f64>]) -> Mat<f64> {
    spectra::sum(parts.first().map_or((0, 0), |part| (part.nrows(), part.ncols())), parts)
}
