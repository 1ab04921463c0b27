//! One merge from the click to the file: started, followed, cancelled.

use crate::entries::reasons;
use crate::format;
use crate::identity;
use crate::state::State;
use leptos::prelude::*;
use leptos::task::spawn_local;
use rankweave_adapter::Error;
use rankweave_wasm::client::{Failure, Merged, Progress};
use rankweave_wasm::protocol::{Settings, Summary};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use web_sys::{Blob, Url};

/// The merge.
#[derive(Clone)]
pub enum Job {
    /// There has been none.
    Idle,
    /// It runs.
    Running(Run),
    /// It is done.
    Done(Arc<Outcome>),
    /// It failed; all reasons.
    Failed(Vec<Error>),
    /// The user stopped it.
    Cancelled,
}

/// A running merge.
#[derive(Clone, Copy)]
pub struct Run {
    /// Tells it from earlier ones, whose late news are ignored.
    number: u32,
    /// How far; none while the workers read the headers.
    pub progress: Option<Progress>,
    /// When the first module could be worked on, in milliseconds.
    began: f64,
}

/// What came out, and what it was made from.
pub struct Outcome {
    /// Totals.
    pub summary: Summary,
    /// Address of the merged file.
    pub file: String,
    /// Address of the report.
    pub report: String,
    /// Address of an `adapter_config.json`.
    pub config: Option<String>,
    /// Why the GPU was of no help, or not to the end, where it should have been.
    pub gpu: Option<String>,
    /// Seconds from the click.
    pub seconds: f64,
    /// What it was made with.
    pub settings: Settings,
    /// What it was made from.
    pub adapters: Vec<u32>,
    /// SHA-256 of the whole file, worked out after the rest.
    pub file_sha256: ArcRwSignal<Option<String>>,
}

impl Job {
    /// The running merge.
    pub fn running(&self) -> Option<Run> {
        if let Job::Running(run) = self { Some(*run) } else { None }
    }

    /// The finished merge.
    pub fn outcome(&self) -> Option<Arc<Outcome>> {
        if let Job::Done(outcome) = self { Some(outcome.clone()) } else { None }
    }
}

impl Outcome {
    /// Whether anything was changed since.
    pub fn is_stale(&self, state: State) -> bool {
        state.adapters() != self.adapters || state.settings() != self.settings
    }
}

impl Run {
    /// Seconds left, once there is enough to judge by.
    pub fn seconds_left(&self) -> Option<f64> {
        let progress = self.progress.filter(|p| p.done > 0 && p.done < p.total)?;
        let spent = (now() - self.began) / 1000.0;
        let rest = f64::from(progress.total - progress.done) / f64::from(progress.done);
        (spent > 0.5).then_some(spent * rest)
    }
}

/// Whether there is something to merge and nothing in the way.
pub fn can_start(state: State) -> bool {
    let possible = state.estimate.with(|e| e.as_ref().is_some_and(Result::is_ok));
    let complete = state.wanted.with(Vec::is_empty);
    possible && complete && state.job.with(|job| job.running().is_none())
}

/// Starts a merge.
pub fn start(state: State) {
    let Some(engine) = state.engine.get_untracked().filter(|_| untrack(|| can_start(state))) else { return };
    if let Some(old) = state.job.with_untracked(Job::outcome) {
        forget(&old);
        state.file.set(None);
    }
    let number = state.runs.get_untracked() + 1;
    state.runs.set(number);
    state.job.set(Job::Running(Run { number, progress: None, began: now() }));
    state.say.set("Merging".into());
    let clicked = now();
    identity::find_again(state);
    spawn_local(async move {
        identity::known(state).await;
        let (settings, adapters) = untrack(|| (state.settings(), state.adapters()));
        if !is_current(state, number) {
            return;
        }
        let follow = follower(state, number);
        let result = engine.merge(adapters.clone(), settings.clone(), &follow).await;
        if !is_current(state, number) {
            return;
        }
        match result {
            Ok(merged) => {
                let file = merged.file.clone();
                state.file.set(Some(file.clone()));
                let seconds = (now() - clicked) / 1000.0;
                let outcome = Arc::new(Outcome::new(merged, seconds, settings, adapters));
                state.say.set(format!("Done in {}. The file is ready to save.", format::took(seconds)));
                state.job.set(Job::Done(outcome.clone()));
                // Nobody waits for this one, and a failure leaves a line out.
                let hash = engine.hash(&file).await.ok();
                outcome.file_sha256.set(hash);
            }
            Err(Failure::Cancelled) => state.job.set(Job::Cancelled),
            Err(failure) => state.job.set(Job::Failed(reasons(failure))),
        }
    });
}

/// Stops the merge at once; adapters and settings stay.
pub fn cancel(state: State) {
    if state.job.with_untracked(|job| job.running().is_none()) {
        return;
    }
    state.job.set(Job::Cancelled);
    state.say.set("Cancelled. Your adapters and settings are kept.".into());
    if let Some(engine) = state.engine.get_untracked() {
        engine.cancel();
    }
}

fn is_current(state: State, number: u32) -> bool {
    state.job.with_untracked(|job| job.running().is_some_and(|run| run.number == number))
}

/// Passes progress on once per frame, and tells it at every quarter.
fn follower(state: State, number: u32) -> impl Fn(Progress) {
    let news: Rc<Cell<Option<Progress>>> = Rc::default();
    let quarter = Cell::new(0);
    let began = Cell::new(None);
    move |progress| {
        let began = began.get().unwrap_or_else(|| {
            began.set(Some(now()));
            now()
        });
        let reached = progress.done * 4 / progress.total.max(1);
        if reached > quarter.replace(reached) && reached < 4 && is_current(state, number) {
            state.say.set(format!("{} % merged", reached * 25));
        }
        if news.replace(Some(progress)).is_some() {
            return;
        }
        let news = news.clone();
        request_animation_frame(move || {
            let progress = news.take();
            if is_current(state, number) {
                state.job.set(Job::Running(Run { number, progress, began }));
            }
        });
    }
}

impl Outcome {
    fn new(merged: Merged, seconds: f64, settings: Settings, adapters: Vec<u32>) -> Self {
        let address = |blob: &Blob| Url::create_object_url_with_blob(blob).unwrap_or_default();
        Outcome {
            file: address(&merged.file),
            report: address(&merged.report),
            config: merged.config.as_ref().map(address),
            summary: merged.summary,
            gpu: merged.gpu,
            seconds,
            settings,
            adapters,
            file_sha256: ArcRwSignal::new(None),
        }
    }
}

/// Lets go of an earlier result's bytes. A download that has begun keeps its own hold on them.
fn forget(outcome: &Outcome) {
    let addresses = [Some(&outcome.file), Some(&outcome.report), outcome.config.as_ref()];
    for address in addresses.into_iter().flatten() {
        // An address that is gone already is no loss.
        let _ = Url::revoke_object_url(address);
    }
}

fn now() -> f64 {
    window().performance().map_or(0.0, |p| p.now())
}
