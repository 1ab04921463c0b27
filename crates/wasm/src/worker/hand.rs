//! A hand: has the same plan as the desk, and merges one task at a time.

use super::{file, file_source::FileSource, missing, order};
use crate::protocol::{Input, Output, Ready, Settings};
use js_sys::{ArrayBuffer, Uint8Array};
use rankweave_adapter::{Adapter, Error, Kind, Source};
use rankweave_recipe::Prepared;
use wasm_bindgen::JsValue;

/// What a hand remembers between tasks.
#[derive(Default)]
pub struct Hand {
    work: Option<(Prepared, Vec<FileSource>)>,
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
        let mut adapters = Vec::new();
        let mut sources = Vec::new();
        for (i, input) in inputs.iter().enumerate() {
            let source = file(attached, i).map_err(|e| vec![e])?;
            adapters.push(Adapter::open(&source, &input.label, input.config.as_deref()).map_err(|e| vec![e])?);
            sources.push(source);
        }
        let recipe = order::recipe(settings, &adapters.iter().collect::<Vec<_>>());
        let prepared = Prepared::new(recipe, adapters)?;
        let ready = ready(&prepared);
        self.work = Some((prepared, sources));
        Ok(ready)
    }

    /// Does one task: what it made, and its bytes.
    pub fn run(&self, task: u32) -> Result<(Output, ArrayBuffer), Error> {
        let (prepared, sources) = self.work.as_ref().ok_or_else(|| missing("a plan"))?;
        let sources: Vec<&dyn Source> = sources.iter().map(|source| source as &dyn Source).collect();
        let output = prepared.run_task(&sources, task as usize)?;
        let meta = serde_json::to_string(&output.modules).map_err(|e| Error::new(Kind::Io, e.to_string()))?;
        let modules = count(output.modules.len());
        Ok((Output { meta, modules }, Uint8Array::from(output.bytes.as_slice()).buffer()))
    }
}

/// What a plan comes to. The page compares the desk's and the hands'.
pub fn ready(prepared: &Prepared) -> Ready {
    Ready { tasks: count(prepared.tasks()), modules: count(prepared.estimate().modules) }
}

/// A count as a message carries it; counts are capped far below 2³².
pub fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
