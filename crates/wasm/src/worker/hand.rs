//! A hand: has the same plan as the desk, and merges one task at a time.

use super::{file, file_source::FileSource, missing, order};
use crate::protocol::{self, Input, Output, Ready, Settings};
use js_sys::{ArrayBuffer, Uint8Array};
use rankweave_adapter::base::shards;
use rankweave_adapter::{Adapter, Base, Error, Kind, Source};
use rankweave_merge::entries::Backend;
use rankweave_recipe::{CONFLICT_ROWS, Conflicts, Facts, Measurement, Prepared, Recipe, TaskOutput};
use wasm_bindgen::JsValue;

/// What a hand remembers between tasks.
#[derive(Default)]
pub struct Hand {
    work: Option<Work>,
}

struct Work {
    prepared: Prepared,
    sources: Vec<FileSource>,
    facts: Facts,
}

impl Hand {
    /// Opens the attached files and makes the plan.
    pub fn prepare(
        &mut self,
        inputs: &[Input],
        attached: &[JsValue],
        settings: &Settings,
    ) -> Result<Ready, Vec<Error>> {
        // The last merge's plan goes first, so that memory holds only one.
        self.work = None;
        let Given { recipe, adapters, base, sources } = given(inputs, attached, settings)?;
        let prepared = Prepared::with_base(recipe, adapters, base.as_ref())?;
        let ready = ready(&prepared);
        self.work = Some(Work { prepared, sources, facts: Facts::default() });
        Ok(ready)
    }

    /// What the next round finds in one task.
    pub fn survey(&self, task: u32) -> Result<Vec<f64>, Error> {
        let work = self.work()?;
        work.prepared.survey_task(&work.sources(), task as usize, &work.facts)
    }

    /// The same, with a device for the entries.
    pub async fn survey_on(&self, backend: &dyn Backend, task: u32) -> Result<Vec<f64>, Error> {
        let work = self.work()?;
        work.prepared.survey_task_on(backend, &work.sources(), task as usize, &work.facts).await
    }

    /// Takes a round's findings, if there is anything to do with them.
    pub fn found(&mut self, tasks: &[Vec<f64>]) {
        if let Some(work) = &mut self.work {
            work.facts.add(tasks);
        }
    }

    fn work(&self) -> Result<&Work, Error> {
        self.work.as_ref().ok_or_else(|| missing("a plan"))
    }

    /// Does one task: what it made, and its bytes.
    pub fn run(&self, task: u32) -> Result<(Output, ArrayBuffer), Error> {
        let work = self.work()?;
        told(&work.prepared.run_task(&work.sources(), task as usize, &work.facts)?)
    }

    /// The same, with a device for the entries.
    pub async fn run_on(&self, backend: &dyn Backend, task: u32) -> Result<(Output, ArrayBuffer), Error> {
        let work = self.work()?;
        told(&work.prepared.run_task_on(backend, &work.sources(), task as usize, &work.facts).await?)
    }
}

fn told(output: &TaskOutput) -> Result<(Output, ArrayBuffer), Error> {
    let meta = serde_json::to_string(&output.modules).map_err(|e| Error::new(Kind::Io, e.to_string()))?;
    let modules = count(output.modules.len());
    Ok((Output { meta, modules }, Uint8Array::from(output.bytes.as_slice()).buffer()))
}

/// What a request of many files gives.
struct Given {
    recipe: Recipe,
    adapters: Vec<Adapter>,
    base: Option<Base>,
    /// The adapters', then the base's.
    sources: Vec<FileSource>,
}

fn given(inputs: &[Input], attached: &[JsValue], settings: &Settings) -> Result<Given, Vec<Error>> {
    let one = |e: Error| vec![e];
    let (mut adapters, mut sources, mut base) = (Vec::new(), Vec::new(), None);
    for (i, input) in inputs.iter().enumerate() {
        let source = file(attached, i).map_err(one)?;
        adapters.push(Adapter::open(&source, &input.label, input.config.as_deref()).map_err(one)?);
        sources.push(source);
    }
    if let Some(model) = &settings.base {
        let rest = attached.get(inputs.len()..).unwrap_or_default();
        let (opened, files) = open_base(model, None, rest).map_err(one)?;
        base = Some(opened);
        sources.extend(files);
    }
    let recipe = order::recipe(settings, &adapters.iter().collect::<Vec<_>>())?;
    Ok(Given { recipe, adapters, base, sources })
}

fn seen(sources: &[FileSource]) -> Vec<&dyn Source> {
    sources.iter().map(|source| source as &dyn Source).collect()
}

/// Counts where adapters pull against each other. `step` hears the share that is done.
pub fn conflicts(
    inputs: &[Input],
    attached: &[JsValue],
    settings: &Settings,
    exact: bool,
    step: impl Fn(f64),
) -> Result<Conflicts, Vec<Error>> {
    let Given { recipe, adapters, base, sources } = given(inputs, attached, settings)?;
    let measurement = Measurement::new(recipe, adapters, base.as_ref(), (!exact).then_some(CONFLICT_ROWS))?;
    let mut tallies = Vec::new();
    for task in 0..measurement.tasks() {
        tallies.extend(measurement.task(&seen(&sources), task).map_err(|e| vec![e])?);
        step((task + 1) as f64 / measurement.tasks() as f64);
    }
    Ok(measurement.finish(&tallies))
}

impl Work {
    fn sources(&self) -> Vec<&dyn Source> {
        seen(&self.sources)
    }
}

/// The base model in the attached files, and these.
pub fn open_base(
    model: &protocol::Base,
    index: Option<&str>,
    attached: &[JsValue],
) -> Result<(Base, Vec<FileSource>), Error> {
    let files = (0..model.files.len()).map(|i| file(attached, i)).collect::<Result<Vec<_>, _>>()?;
    let named: Vec<(&str, &dyn Source)> =
        model.files.iter().zip(&files).map(|(name, file)| (name.as_str(), file as &dyn Source)).collect();
    let indexed = index.map(|text| shards(text, &model.label)).transpose()?;
    Ok((Base::open(&model.label, &named, indexed.as_deref())?, files))
}

/// What a plan comes to. The page compares the desk's and the hands'.
pub fn ready(prepared: &Prepared) -> Ready {
    let (tasks, rounds) = (count(prepared.tasks()), count(prepared.rounds()));
    Ready { tasks, rounds, modules: count(prepared.estimate().modules), by_entry: prepared.by_entry() }
}

/// A count as a message carries it; counts are capped far below 2³².
pub fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
