//! The page's side: starts the workers, asks them, cancels, and replaces what crashed.
//!
//! Nothing here computes, and nothing here blocks: every method that waits is `async`.

mod code;
mod deal;
mod failure;
mod helper;
mod link;
mod merge;
mod round;
mod workers;

pub use code::Code;
pub use failure::Failure;
use link::{Link, read};
use workers::{Model, Opened, open};

use crate::protocol::{
    About, Base, Checked, Conflicts, Estimate, Facts, Fit, Gpu, Input, Method, Recalled, Request, Row, Settings,
    Shared, Summary,
};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use web_sys::{Blob, File};

/// How far a merge is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Modules written.
    pub done: u32,
    /// Modules in all.
    pub total: u32,
    /// Bytes written.
    pub bytes: f64,
}

/// A merged file and all there is to say about it.
pub struct Merged {
    /// Totals.
    pub summary: Summary,
    /// The adapter itself.
    pub file: Blob,
    /// The whole report as JSON.
    pub report: Blob,
    /// `adapter_config.json`, where the dialect has one.
    pub config: Option<Blob>,
    /// Why the GPU was of no help, or not to the end, where it should have been.
    pub gpu: Option<String>,
}

/// Stands for all adapters together, where else the number of one does.
const ALL: u32 = u32::MAX;

/// How long a GPU that is looked for may say nothing, in milliseconds.
const SILENCE: u32 = 60_000;

/// The engine: one desk, as many hands as the machine has cores, and one for the GPU.
pub struct Engine {
    code: Code,
    desk: RefCell<Option<Rc<Link>>>,
    hands: RefCell<Vec<Rc<Link>>>,
    /// The hand with the GPU, once there was something for it to do.
    helper: RefCell<Option<Rc<Link>>>,
    /// What the desk has open, to open it again should it have to be replaced.
    opened: RefCell<Vec<Opened>>,
    /// The base model, likewise.
    base: RefCell<Option<Model>>,
    /// Workers that do one long thing: read a file whole, by the adapter's number, or measure [`ALL`].
    checks: RefCell<Vec<(u32, Rc<Link>)>>,
    /// Requests made by workers that are gone.
    requested: Cell<u32>,
}

impl Engine {
    /// Makes an engine; the desk starts with the first question, the hands with the first merge.
    pub fn new(code: Code) -> Self {
        let (desk, hands, helper, opened, base, checks) = Default::default();
        Engine { code, desk, hands, helper, opened, base, checks, requested: Cell::new(0) }
    }

    /// The registry of methods.
    ///
    /// # Errors
    /// If the desk crashes.
    pub async fn methods(&self) -> Result<Vec<Method>, Failure> {
        read(&self.desk()?.ask(&Request::Methods, &[]).await?)
    }

    /// Reads the header of a file and remembers it as `adapter`.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub async fn open(&self, adapter: u32, input: Input, file: File) -> Result<Facts, Failure> {
        let facts = read(&self.desk()?.ask(&open(adapter, &input), &[file.clone().into()]).await?)?;
        let mut opened = self.opened.borrow_mut();
        opened.retain(|one| one.adapter != adapter);
        opened.push(Opened { adapter, input, file });
        // By the time someone presses Merge they are ready.
        self.hands()?;
        Ok(facts)
    }

    /// Reads an adapter again, now with the text of its `adapter_config.json`.
    ///
    /// # Errors
    /// What is wrong with the file or the configuration; the adapter stays as it was.
    pub async fn configure(&self, adapter: u32, config: String) -> Result<Facts, Failure> {
        let opened = self.opened(adapter)?;
        self.open(adapter, Input { config: Some(config), ..opened.input }, opened.file).await
    }

    /// Reads the headers of the base model's files and remembers it, in place of any other. `index` is the text of its
    /// `model.safetensors.index.json`.
    ///
    /// # Errors
    /// What is wrong with the files; the base that was there stays.
    pub async fn base(&self, base: Base, index: Option<String>, files: Vec<File>) -> Result<(), Failure> {
        let model = Model { base, index, files: files.into_iter().map(Into::into).collect() };
        let answer = self.desk()?.ask(&model.ask(), &model.files).await?;
        self.base.replace(Some(model));
        read(&answer)
    }

    /// Forgets the base model.
    pub fn forget_base(&self) {
        self.base.replace(None);
        if let Ok(desk) = self.desk() {
            // A desk that has stopped has forgotten it already.
            let _ = desk.post(&Request::NoBase, &[], &[], Box::new(drop));
        }
    }

    /// Forgets an adapter.
    pub fn close(&self, adapter: u32) {
        self.stop_check(adapter);
        self.opened.borrow_mut().retain(|one| one.adapter != adapter);
        if let Ok(desk) = self.desk() {
            // A desk that has stopped has forgotten it already.
            let _ = desk.post(&Request::Close { adapter }, &[], &[], Box::new(drop));
        }
    }

    /// What typed block weights mean for an open adapter: one factor per block of its family.
    ///
    /// # Errors
    /// Why they mean nothing.
    pub async fn blocks(&self, adapter: u32, text: String) -> Result<Vec<f64>, Failure> {
        read(&self.desk()?.ask(&Request::Blocks { adapter, text }, &[]).await?)
    }

    /// What a merge would give.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub async fn plan(&self, adapters: Vec<u32>, settings: Settings) -> Result<Estimate, Failure> {
        read(&self.desk()?.ask(&Request::Plan { adapters, settings }, &[]).await?)
    }

    /// How adapters go together. `readings` are what [`Engine::check`] has shown of each.
    ///
    /// # Errors
    /// If the desk crashes.
    pub async fn compare(&self, adapters: Vec<u32>, readings: Vec<Option<String>>) -> Result<Fit, Failure> {
        read(&self.desk()?.ask(&Request::Compare { adapters, readings }, &[]).await?)
    }

    /// What an adapter's file says of itself.
    ///
    /// # Errors
    /// If the desk crashes.
    pub async fn about(&self, adapter: u32) -> Result<About, Failure> {
        read(&self.desk()?.ask(&Request::About { adapter }, &[]).await?)
    }

    /// Reads an adapter's file whole, in a worker of its own, so that nothing else waits for it. `on` hears how far it
    /// is, 0 to 1. A check of the same adapter that runs already is stopped.
    ///
    /// # Errors
    /// If it is stopped, or the file cannot be read.
    pub async fn check(&self, adapter: u32, on: impl Fn(f64) + 'static) -> Result<Checked, Failure> {
        let opened = self.opened(adapter)?;
        self.apart(adapter, &Request::Check { input: opened.input }, &[opened.file.into()], on).await
    }

    /// Counts where adapters pull against each other, in some rows of each module or in all, in a worker of its own. `on`
    /// hears how far it is, 0 to 1. A measurement that runs already is stopped.
    ///
    /// # Errors
    /// If it is stopped; what is wrong with the adapters.
    pub async fn conflicts(
        &self,
        adapters: &[u32],
        settings: Settings,
        exact: bool,
        on: impl Fn(f64) + 'static,
    ) -> Result<Conflicts, Failure> {
        let (inputs, files) = self.attached(adapters, &settings)?;
        self.apart(ALL, &Request::Conflicts { inputs, settings, exact }, &files, on).await
    }

    /// Stops measuring conflicts.
    pub fn stop_conflicts(&self) {
        self.stop_check(ALL);
    }

    /// Stops reading an adapter's file.
    pub fn stop_check(&self, adapter: u32) {
        // The check itself takes the worker off the list, and counts its requests.
        let running: Vec<_> = self.checks.borrow().iter().filter(|(n, _)| *n == adapter).cloned().collect();
        running.iter().for_each(|(_, link)| link.stop(&Failure::Cancelled));
    }

    /// The recipe of a merge as text, with the files' names if `names`, in all forms if the address of the `page` is given, and
    /// with the hash of what comes out, if it is known.
    ///
    /// # Errors
    /// If the desk crashes.
    pub async fn share(
        &self,
        (adapters, settings): (Vec<u32>, Settings),
        (names, page): (bool, Option<String>),
        expected: Option<String>,
    ) -> Result<Shared, Failure> {
        read(&self.desk()?.ask(&Request::Share { adapters, settings, names, page, expected }, &[]).await?)
    }

    /// Reads a recipe, or a link to one.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub async fn recall(&self, text: String) -> Result<Recalled, Failure> {
        read(&self.desk()?.ask(&Request::Recall { text }, &[]).await?)
    }

    /// The recipe that a merged file tells.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub async fn told(&self, adapter: u32) -> Result<Recalled, Failure> {
        read(&self.desk()?.ask(&Request::Told { adapter }, &[]).await?)
    }

    /// The file of an open adapter.
    pub fn file(&self, adapter: u32) -> Option<File> {
        self.opened.borrow().iter().find(|one| one.adapter == adapter).map(|one| one.file.clone())
    }

    /// Opens a GPU, so that it is there when it is needed: its name, or none where none will do.
    ///
    /// # Errors
    /// Why it cannot be opened, or that it says nothing for a minute.
    pub async fn gpu(&self, wanted: Gpu) -> Result<Option<String>, Failure> {
        let link = self.helper()?;
        link.watch(SILENCE, Failure::silent());
        let answer = link.ask(&Request::Gpu { wanted }, &[]).await.and_then(|answer| read(&answer));
        // Somebody may have asked again meanwhile, perhaps for another GPU, and is still to be answered.
        if !matches!(answer, Ok(Some(_))) && !link.asked() {
            self.dismiss(&link);
        }
        answer
    }

    /// Merges; `on` hears of progress after every task. Dropping the future does not stop the hands:
    /// [`cancel`](Self::cancel) does.
    ///
    /// # Errors
    /// What went wrong, or that it was cancelled. The hands are replaced in both cases.
    pub async fn merge(
        &self,
        adapters: Vec<u32>,
        settings: Settings,
        on: &dyn Fn(Progress),
    ) -> Result<Merged, Failure> {
        let (inputs, files) = self.attached(&adapters, &settings)?;
        let hands = self.hands()?;
        // Without one more worker the merge goes on all the same.
        let helper = || self.helper().ok();
        let crew = merge::Crew {
            desk: self.desk()?,
            hands: hands.clone(),
            helper: &helper,
            gpu: settings.gpu,
            prepare: Request::Prepare { inputs, settings: settings.clone() },
            begin: Request::Begin { adapters, settings },
            files,
        };
        let result = crew.run(on).await;
        // After a failure the others still work on tasks nobody wants.
        if result.is_err() && self.same_hands(&hands) {
            self.cancel();
        }
        let merge::End { merged, fit } = result?;
        let helper = self.helper.borrow().clone();
        if let Some(helper) = helper.filter(|_| !fit) {
            self.dismiss(&helper);
        }
        Ok(merged)
    }

    /// Rows of the last report's table.
    ///
    /// # Errors
    /// If the desk has lost it in a crash.
    pub async fn rows(&self, from: u32, count: u32) -> Result<Vec<Row>, Failure> {
        read(&self.desk()?.ask(&Request::Rows { from, count }, &[]).await?)
    }

    /// SHA-256 of a file, worked out by one of the hands: 64 hexadecimal digits.
    ///
    /// # Errors
    /// If it is cancelled, or the file cannot be read.
    pub async fn hash(&self, file: &Blob) -> Result<String, Failure> {
        let hand = self.hands()?.first().cloned().ok_or_else(Failure::unexpected)?;
        read(&hand.ask(&Request::Hash, &[file.into()]).await?)
    }
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(call: &JsValue, milliseconds: u32);
}

/// Does something later.
fn after(milliseconds: u32, work: impl FnOnce() + 'static) {
    set_timeout(&Closure::once_into_js(work), milliseconds);
}
