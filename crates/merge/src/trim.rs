//! Trimming: of each adapter the share `density` of its largest entries, by exact thresholds.
//!
//! | `scope` | the share is of | of equal entries | looks |
//! |---|---|---|---|
//! | `file` | the whole adapter | all stay | [`ROUNDS`] at all modules |
//! | `module` | each module | all stay | [`ROUNDS`] at the module |
//! | `row` | each row | the earlier stay | none; rows are put in order as they pass, on the CPU |

use crate::method::ModuleInputs;
use crate::order::{ROUNDS, Ranks, kept};
use crate::spec::{Option as Choice, ParamKind, ParamSpec, Params};
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

/// What the share is of.
pub(crate) const SCOPE: ParamSpec = ParamSpec {
    name: "scope",
    title: "Largest entries of",
    help: SCOPE_HELP,
    kind: ParamKind::Choice { default: "module", options: &[MODULE, FILE, ROW] },
};

/// What the share is of, where the method has variants.
pub(crate) const SCOPE_OF_VARIANT: ParamSpec = ParamSpec {
    name: "scope",
    title: "Largest entries of",
    help: SCOPE_HELP,
    kind: ParamKind::Choice {
        default: "variant",
        options: &[Choice { id: "variant", title: "what the variant says" }, MODULE, FILE, ROW],
    },
};

const SCOPE_HELP: &str = "Whether each module keeps its share; or the whole adapter, which takes from weak modules what strong \
                          ones get and looks at all modules three times more; or each row, so that every output keeps some.";
const MODULE: Choice = Choice { id: "module", title: "each module" };
const FILE: Choice = Choice { id: "file", title: "the whole adapter" };
const ROW: Choice = Choice { id: "row", title: "each row" };

/// How adapters are trimmed.
pub(crate) struct Trim<'a> {
    density: f64,
    scope: &'a str,
}

impl<'a> Trim<'a> {
    /// By `params` and this `scope`.
    pub fn new(params: &Params, scope: &'a str) -> Trim<'a> {
        Trim { density: params.number("density"), scope }
    }

    /// Rounds that it takes, over all modules.
    pub fn rounds(&self) -> usize {
        if self.density < 1.0 && self.scope == "file" { ROUNDS } else { 0 }
    }

    /// Looks that it takes, at a module.
    pub fn looks(&self) -> usize {
        if self.density < 1.0 && self.scope == "module" { ROUNDS } else { 0 }
    }

    /// What round or look `round` counts.
    pub fn survey(&self, round: usize, module: &ModuleInputs) -> Survey {
        self.ranked(module, |ranks| ranks.survey(round, Rule::sum(module.weights), module))
    }

    /// What an adapter keeps of its entries in a module.
    pub fn keep(&self, module: &ModuleInputs, adapter: usize) -> Keep {
        match self.scope {
            _ if self.density >= 1.0 => Keep::All,
            "row" => {
                let columns = module.pairs.first().map_or(0, |pair| pair.columns);
                Keep::Row { skip: 0, keep: kept(self.density, columns as f64) as usize }
            }
            _ => at_least(self.ranked(module, |ranks| ranks.key(adapter, 0))),
        }
    }

    fn ranked<T>(&self, module: &ModuleInputs, with: impl FnOnce(Ranks) -> T) -> T {
        let wanted = |all| kept(self.density, all);
        let facts = if self.scope == "file" { module.facts } else { module.looked };
        with(Ranks { key: Key::Magnitude, first: 0, wanted: &[&wanted], facts })
    }
}

/// All entries of at least this magnitude.
pub(crate) fn at_least(bits: u32) -> Keep {
    Keep::Band { least: bits, below: f32::INFINITY.to_bits() }
}
