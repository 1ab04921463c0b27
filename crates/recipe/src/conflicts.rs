//! How adapters pull against each other, measured over all modules: what [`rankweave_merge::conflicts`] counts, as data.

use crate::check::parameter;
use crate::prepare::Prepared;
use crate::recipe::{MethodRef, Output, Rank, Recipe};
use crate::run::waiting;
use rankweave_adapter::{Adapter, Base, Error, Source};
use rankweave_merge::conflicts::{HELD, Sample, Shares, Tally, conflicts_task};
use rankweave_merge::entries::{Backend, Cpu, now};
use serde::{Deserialize, Serialize};

/// Rows that are looked at in each module unless all are.
pub const CONFLICT_ROWS: usize = 64;

/// How adapters pull against each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conflicts {
    /// Version of this layout: 1.
    pub conflicts: u32,
    /// All entries were looked at, and nothing is by chance.
    pub exact: bool,
    /// Else: how many rows of each module.
    pub rows: Option<usize>,
    /// And what they were drawn from.
    pub seed: Option<u32>,
    /// λ of the masks that tell selfish, shared and catastrophic positions.
    pub factor: f64,
    /// The adapters' labels, in the mix's order.
    pub sources: Vec<String>,
    /// Their weights, before blocks and rules; text encoders may have others.
    pub weights: Vec<f64>,
    /// All modules together that several adapters change.
    pub total: Shares,
    /// How many modules one adapter alone changes: they are not among the rest.
    pub alone: usize,
    /// The modules, those with the most conflict first.
    pub modules: Vec<ModuleConflicts>,
}

/// One module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModuleConflicts {
    /// Display name.
    pub module: String,
    /// The adapters that change it: positions in `sources`.
    pub sources: Vec<usize>,
    /// Rows of ΔW.
    pub out: usize,
    /// Columns of ΔW.
    pub columns: usize,
    /// Rows that were looked at.
    pub rows: usize,
    /// What was found.
    pub shares: Shares,
}

/// A measurement, task by task.
pub struct Measurement {
    prepared: Prepared,
    sample: Sample,
    seed: Option<u32>,
}

impl Measurement {
    /// Of the adapters at the weights of `recipe`, whatever its method and output are. Looks at `rows` rows of each module,
    /// drawn from the recipe's seed, or at all. `adapters` stand in the order of the recipe's sources.
    ///
    /// # Errors
    /// All problems at once: what is wrong with the mix, and what could not be merged either.
    pub fn new(
        recipe: Recipe,
        adapters: Vec<Adapter>,
        base: Option<&Base>,
        rows: Option<usize>,
    ) -> Result<Measurement, Vec<Error>> {
        if adapters.len() < 2 {
            return Err(vec![
                parameter("Conflicts are between adapters")
                    .expected("two adapters or more")
                    .found(adapters.len().to_string())
                    .hint("Add another adapter."),
            ]);
        }
        let seed = rows.map(|_| recipe.seed.unwrap_or_default());
        let sample = match (rows, seed) {
            (Some(count), Some(seed)) => Sample::Rows { count, seed: u64::from(seed) },
            _ => Sample::All,
        };
        let output = Output { rank: Rank::Exact, dtype: "f32".into(), ..recipe.output };
        let method = MethodRef { id: "sum".into(), params: Default::default() };
        let prepared = Prepared::checked(Recipe { method, output, ..recipe }, adapters, base, rows.is_none())?;
        Ok(Measurement { prepared, sample, seed })
    }

    /// Number of tasks.
    pub fn tasks(&self) -> usize {
        self.prepared.tasks()
    }

    /// Modules in a task, for progress.
    pub fn modules_in(&self, task: usize) -> usize {
        self.prepared.modules_in(task)
    }

    /// Counts in one task, on the CPU. `sources` are the adapters' bytes in the order of the recipe's sources, then those of
    /// the base's files. Independent of all other tasks.
    ///
    /// # Errors
    /// As [`rankweave_merge::conflicts::conflicts_task`].
    pub fn task(&self, sources: &[&dyn Source], task: usize) -> Result<Vec<Tally>, Error> {
        now(self.task_on(&Cpu, sources, task)).unwrap_or_else(|| Err(waiting()))
    }

    /// The same on another device, which looks at whole modules; rows are the CPU's in any case.
    ///
    /// # Errors
    /// As [`Measurement::task`].
    pub async fn task_on(
        &self,
        backend: &dyn Backend,
        sources: &[&dyn Source],
        task: usize,
    ) -> Result<Vec<Tally>, Error> {
        let Prepared { plan, adapters, .. } = &self.prepared;
        conflicts_task(plan, adapters, &self.prepared.ordered(sources), task, self.sample, backend).await
    }

    /// What all tasks' counts come to, in the tasks' order.
    pub fn finish(&self, tallies: &[Tally]) -> Conflicts {
        let module = |tally: &Tally| ModuleConflicts {
            module: tally.module.clone(),
            sources: tally.sources.clone(),
            out: tally.out,
            columns: tally.columns,
            rows: tally.rows,
            shares: Shares::of(&[tally]),
        };
        let mut modules: Vec<ModuleConflicts> = tallies.iter().map(module).collect();
        modules.sort_by(|a, b| {
            let share = |m: &ModuleConflicts| m.shares.conflict.share;
            share(b).total_cmp(&share(a)).then_with(|| a.module.cmp(&b.module))
        });
        let Prepared { recipe, adapters, plan, .. } = &self.prepared;
        Conflicts {
            conflicts: 1,
            exact: self.sample == Sample::All,
            rows: match self.sample {
                Sample::All => None,
                Sample::Rows { count, .. } => Some(count),
            },
            seed: self.seed,
            factor: HELD,
            sources: adapters.iter().map(|adapter| adapter.label.clone()).collect(),
            weights: recipe.mix.iter().map(|entry| entry.weight).collect(),
            total: Shares::of(&tallies.iter().collect::<Vec<_>>()),
            alone: plan.modules.len().saturating_sub(tallies.len()),
            modules,
        }
    }
}
