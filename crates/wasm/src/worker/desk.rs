//! The desk: opens adapters, tells what a merge would give, and puts the output file together.
//!
//! The file's parts are kept as `Blob`s, which the browser holds outside this worker's memory and on disk when
//! there are many.

use super::file_source::FileSource;
use super::hand::{open_base, ready};
use super::{facts, missing, order, recipes, said};
use crate::protocol::{self, About, Estimate, Facts, Fit, Ready, Recalled, Row, Settings, Shared, Summary};
use js_sys::{Array, Uint8Array};
use rankweave_adapter::layout::block_weights;
use rankweave_adapter::{Adapter, Base, Error, Kind, Warning};
use rankweave_recipe::{Assembler, Prepared, Report, inspect};
use std::collections::BTreeMap;
use std::rc::Rc;
use wasm_bindgen::JsValue;
use web_sys::{Blob, BlobPropertyBag};

/// Bytes hashed at a time: few enough to stay in a processor's second cache.
const PIECE: u32 = 128 << 10;

/// What the desk remembers.
#[derive(Default)]
pub struct Desk {
    open: BTreeMap<u32, Adapter>,
    base: Option<Base>,
    draft: Option<Draft>,
    report: Option<Report>,
}

/// A file in the making.
struct Draft {
    assembler: Assembler<Rc<Prepared>>,
    parts: Array,
    found: rankweave_recipe::Facts,
    /// Warnings the page has already shown.
    known: Vec<Warning>,
}

impl Desk {
    /// Opens a file as `adapter`, in place of what had that number.
    pub fn open(&mut self, number: u32, label: &str, config: Option<&str>, source: FileSource) -> Result<Facts, Error> {
        let adapter = Adapter::open(&source, label, config)?;
        let mut facts = facts::of(&inspect(&adapter, &source)?, &adapter);
        facts::add_blocks(&mut facts, &adapter);
        self.open.insert(number, adapter);
        Ok(facts)
    }

    /// Opens the base model, in place of the one there was.
    pub fn base(&mut self, base: &protocol::Base, index: Option<&str>, attached: &[JsValue]) -> Result<(), Error> {
        self.base = Some(open_base(base, index, attached)?.0);
        Ok(())
    }

    /// Forgets the base model.
    pub fn no_base(&mut self) {
        self.base = None;
    }

    /// Forgets an adapter.
    pub fn close(&mut self, number: u32) {
        self.open.remove(&number);
    }

    /// What typed block weights mean for an adapter.
    pub fn blocks(&self, number: u32, text: &str) -> Result<Vec<f64>, Error> {
        let adapter = self.open.get(&number).ok_or_else(|| missing("an open adapter"))?;
        block_weights(&adapter.family.id, text).map_err(|e| e.file(&adapter.label))
    }

    /// What a merge would give.
    pub fn plan(&self, numbers: &[u32], settings: &Settings) -> Result<Estimate, Vec<Error>> {
        let adapters = self.adapters(numbers)?;
        Ok(facts::estimate(&self.prepared(numbers, settings)?.estimate(), &adapters))
    }

    /// How adapters go together.
    pub fn compare(&self, numbers: &[u32], readings: &[Option<String>]) -> Result<Fit, Vec<Error>> {
        Ok(said::fit(&self.adapters(numbers)?, readings))
    }

    /// What an adapter's file says of itself.
    pub fn about(&self, number: u32) -> Result<About, Vec<Error>> {
        Ok(self.adapters(&[number])?.into_iter().map(said::about).next().unwrap_or_default())
    }

    /// The recipe of a merge, as text: with names, in all forms.
    pub fn share(
        &self,
        numbers: &[u32],
        settings: &Settings,
        how: (bool, Option<&str>),
        expected: Option<&str>,
    ) -> Result<Shared, Vec<Error>> {
        recipes::shared(settings, &self.adapters(numbers)?, how, expected)
    }

    /// The recipe that an adapter's file tells.
    pub fn told(&self, number: u32) -> Result<Recalled, Vec<Error>> {
        let adapters = self.adapters(&[number])?;
        let text = adapters.first().and_then(|adapter| recipes::told(adapter));
        recipes::recalled(text.ok_or_else(|| vec![missing("a recipe in the file")])?)
    }

    /// Gets ready for the parts of a file.
    pub fn begin(&mut self, numbers: &[u32], settings: &Settings) -> Result<Ready, Vec<Error>> {
        let prepared = Rc::new(self.prepared(numbers, settings)?);
        let ready = ready(&prepared);
        let known = prepared.estimate().warnings;
        let (parts, found) = (Array::new(), rankweave_recipe::Facts::default());
        self.draft = Some(Draft { assembler: Assembler::new(prepared), parts, found, known });
        Ok(ready)
    }

    /// Takes a round's findings, if there is anything to do with them.
    pub fn found(&mut self, tasks: &[Vec<f64>]) {
        if let Some(draft) = &mut self.draft {
            draft.found.add(tasks);
        }
    }

    /// Appends a task's bytes.
    pub fn write(&mut self, task: u32, meta: &str, bytes: &Uint8Array) -> Result<(), Error> {
        let draft = self.draft.as_mut().ok_or_else(|| missing("a draft"))?;
        let mut piece = vec![0; PIECE.min(bytes.length()) as usize];
        for start in (0..bytes.length()).step_by(PIECE as usize) {
            let part = bytes.subarray(start, bytes.length().min(start.saturating_add(PIECE)));
            let piece = &mut piece[..part.length() as usize];
            part.copy_to(piece);
            draft.assembler.data(piece);
        }
        let modules: Vec<_> = serde_json::from_str(meta).map_err(|e| Error::new(Kind::Io, e.to_string()))?;
        draft.assembler.end_task(task as usize, &modules)?;
        let part = blob(&Array::of1(bytes), "")?;
        draft.parts.push(&part);
        Ok(())
    }

    /// Closes the file: totals, then it, the report, and an `adapter_config.json` where there is one.
    pub fn finish(&mut self) -> Result<(Summary, Vec<JsValue>), Error> {
        let Draft { assembler, parts, found, known } = self.draft.take().ok_or_else(|| missing("a draft"))?;
        let finished = assembler.finish(&found)?;
        parts.unshift(&Uint8Array::from(finished.header.as_slice()));
        let report = serde_json::to_string(&finished.report).map_err(|e| Error::new(Kind::Io, e.to_string()))?;
        let text = |text: &str| blob(&Array::of1(&text.into()), "application/json");
        let mut attached: Vec<JsValue> = vec![blob(&parts, "application/octet-stream")?.into(), text(&report)?.into()];
        if let Some(config) = &finished.adapter_config {
            attached.push(text(config)?.into());
        }
        let summary = facts::summary(&finished.report, finished.adapter_config.is_some(), &known);
        self.report = Some(finished.report);
        Ok((summary, attached))
    }

    /// Some rows of the last report.
    pub fn rows(&self, from: u32, most: u32) -> Vec<Row> {
        let Some(report) = &self.report else { return Vec::new() };
        let lines = report.modules.iter().skip(from as usize).take(most as usize);
        lines.map(|line| facts::row(line, report.sources.len())).collect()
    }

    fn adapters(&self, numbers: &[u32]) -> Result<Vec<&Adapter>, Vec<Error>> {
        let found: Option<Vec<_>> = numbers.iter().map(|number| self.open.get(number)).collect();
        found.ok_or_else(|| vec![missing("an open adapter")])
    }

    fn prepared(&self, numbers: &[u32], settings: &Settings) -> Result<Prepared, Vec<Error>> {
        let adapters = self.adapters(numbers)?;
        let recipe = order::recipe(settings, &adapters)?;
        let base = self.base.as_ref().filter(|_| settings.base.is_some());
        Prepared::with_base(recipe, adapters.into_iter().cloned().collect(), base)
    }
}

/// A blob of parts; the browser decides where it lies.
fn blob(parts: &JsValue, kind: &str) -> Result<Blob, Error> {
    let options = BlobPropertyBag::new();
    options.set_type(kind);
    Blob::new_with_blob_sequence_and_options(parts, &options).map_err(|reason| {
        let text = String::from(js_sys::Error::from(reason).message());
        let hint = "Free some memory or disk space and merge again.";
        Error::new(Kind::Limit, "The browser cannot hold the merged file").found(text).hint(hint)
    })
}
