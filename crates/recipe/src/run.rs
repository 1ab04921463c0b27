//! Running what was prepared: first all rounds of the survey, then the tasks, on the CPU or on another device.

use crate::prepare::Prepared;
use rankweave_adapter::{Error, Kind, Source};
use rankweave_merge::entries::{Backend, Cpu, now};
use rankweave_merge::{Facts, ModuleReport, run_task, survey_task};

/// What one task made.
#[derive(Clone, Debug)]
pub struct TaskOutput {
    /// Number of the task.
    pub task: usize,
    /// A run of the output's tensor data.
    pub bytes: Vec<u8>,
    /// One report per module.
    pub modules: Vec<ModuleReport>,
}

impl Prepared {
    /// How many rounds of [`Prepared::survey_task`] over all tasks come before [`Prepared::run_task`].
    pub fn rounds(&self) -> usize {
        self.plan.rounds()
    }

    /// What the next round finds in one task, after those in `facts`; for [`Facts::add`]. `sources` as in
    /// [`Prepared::run_task`].
    ///
    /// # Errors
    /// As [`rankweave_merge::survey_task`].
    pub fn survey_task(&self, sources: &[&dyn Source], task: usize, facts: &Facts) -> Result<Vec<f64>, Error> {
        now(self.survey_task_on(&Cpu, sources, task, facts)).unwrap_or_else(|| Err(waiting()))
    }

    /// The same on another device.
    ///
    /// # Errors
    /// As [`Prepared::survey_task`].
    pub async fn survey_task_on(
        &self,
        backend: &dyn Backend,
        sources: &[&dyn Source],
        task: usize,
        facts: &Facts,
    ) -> Result<Vec<f64>, Error> {
        survey_task(&self.plan, &self.adapters, &self.ordered(sources), task, facts, backend).await
    }

    /// Sources in the mix's order, then the base's.
    pub(crate) fn ordered<'a>(&self, sources: &[&'a dyn Source]) -> Vec<&'a dyn Source> {
        let base = sources.get(self.recipe.sources.len()..).unwrap_or_default();
        self.order.iter().map(|i| sources[*i]).chain(base.iter().copied()).collect()
    }

    /// Runs one task, after all rounds. `sources` are the adapters' bytes in the order of the recipe's
    /// sources, then those of the base's files, if there is one. Independent of all other tasks.
    ///
    /// # Errors
    /// As [`rankweave_merge::run_task`].
    pub fn run_task(&self, sources: &[&dyn Source], task: usize, facts: &Facts) -> Result<TaskOutput, Error> {
        now(self.run_task_on(&Cpu, sources, task, facts)).unwrap_or_else(|| Err(waiting()))
    }

    /// The same on another device, which takes what rules by entry it can; its results differ from the CPU's by
    /// rounding.
    ///
    /// # Errors
    /// As [`Prepared::run_task`].
    pub async fn run_task_on(
        &self,
        backend: &dyn Backend,
        sources: &[&dyn Source],
        task: usize,
        facts: &Facts,
    ) -> Result<TaskOutput, Error> {
        let output = run_task(&self.plan, &self.adapters, &self.ordered(sources), task, facts, backend).await?;
        Ok(TaskOutput { task, bytes: output.bytes, modules: output.modules })
    }
}

/// The CPU's work never waits.
pub(crate) fn waiting() -> Error {
    Error::new(Kind::Device, "Work on the CPU had to be waited for").hint("Please report this.")
}
