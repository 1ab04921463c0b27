//! What the page around this one hears without asking: hashes, names and numbers, never what files hold.

use super::calls;
use super::channel::object;
use crate::job::Job;
use crate::live;
use crate::state::State;
use js_sys::Array;
use leptos::prelude::*;
use rankweave_adapter::Error;
use wasm_bindgen::JsValue;

/// Tells from now on. Called once.
pub fn follow(state: State) {
    let tell = move |event: &str, data: JsValue| {
        if let Some(host) = state.host.get() {
            host.tell(event, data);
        }
    };
    live::effect(move || {
        if state.ready.get() {
            tell("ready", object(&[("version", JsValue::from_str(env!("CARGO_PKG_VERSION")))]));
        }
    });
    live::effect(move || {
        let missing = state.wanted.with(|all| all.iter().filter(|one| one.filled.is_none()).count());
        if state.ready.get() {
            let parts = [("adapters", adapters(state)), ("missing", count(missing))];
            tell("loaded", object(&parts));
        }
    });
    let recipe = live::memo(move || (state.link.get(), state.recipe_id.get()));
    live::effect(move || {
        let (link, id) = recipe.get();
        // A recipe that was just opened has its id as soon as its files are there.
        if !link.is_empty() && !id.is_empty() {
            tell("change", object(&[("recipe", JsValue::from_str(&id)), ("link", JsValue::from_str(&link))]));
        }
    });
    let made = live::memo(move || state.job.with(|job| job.outcome().map(|_| state.runs.get_untracked())));
    live::effect(move || {
        if made.get().is_some()
            && let Some(outcome) = state.job.with_untracked(Job::outcome)
        {
            tell("done", calls::plain(&outcome.summary));
        }
    });
    live::effect(move || {
        if let Some(progress) = state.job.with(|job| job.running().and_then(|run| run.progress)) {
            let (done, total) = (progress.done.into(), progress.total.into());
            tell("progress", object(&[("done", done), ("total", total), ("bytes", progress.bytes.into())]));
        }
    });
    live::effect(move || {
        let failed = state.job.with(|job| if let Job::Failed(errors) = job { errors.clone() } else { Vec::new() });
        wrong(&tell, failed);
    });
    live::effect(move || wrong(&tell, state.troubles.get()));
}

fn wrong(tell: &impl Fn(&str, JsValue), errors: Vec<Error>) {
    if !errors.is_empty() {
        tell("error", object(&[("errors", calls::plain(&errors))]));
    }
}

/// The open adapters: name, and hash as soon as it is known.
pub fn adapters(state: State) -> JsValue {
    let one = |(label, hash): (String, Option<String>)| {
        let hash = hash.map_or(JsValue::NULL, |hash| JsValue::from_str(&hash));
        object(&[("label", JsValue::from_str(&label)), ("sha256", hash)])
    };
    let all = state.entries.with(|all| {
        let one = |e: &crate::entries::Entry| (e.label.clone(), e.identity.with(|identity| identity.hash().cloned()));
        all.iter().map(one).collect::<Vec<_>>()
    });
    all.into_iter().map(one).collect::<Array>().into()
}

pub fn count(number: usize) -> JsValue {
    u32::try_from(number).unwrap_or(u32::MAX).into()
}
