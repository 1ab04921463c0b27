//! What the page around this one may ask for.
//!
//! | method | params | result |
//! |---|---|---|
//! | `setRecipe` | `recipe`: a link (`1z…`) or a recipe's text | `missing`: how many adapters are not there |
//! | `setWeight` | `adapter`: name or place from 0; `weight`: −10 to 10 | |
//! | `setTheme` | `theme`: `light`, `dark` or `auto` | |
//! | `addFiles` | `files`: `File`s, or `{name, bytes}` | `adapters`, `missing`, `errors` |
//! | `analyze` | | where the adapters pull against each other |
//! | `merge` | | what came out: hashes and figures |
//! | `cancel` | | |
//! | `getRecipe` | | `id`, `link`, `json` |
//! | `download` | | `name`, `file`, if the reader agrees |
//!
//! Everything in a call is hostile: it can do nothing that the reader could not, and what a merge has made leaves the frame
//! only if the reader says so.

use super::channel::{Host, get, object, text};
use super::{events, hand_over};
use crate::entries::{self, Picked, reasons};
use crate::format::count;
use crate::job::{self, Job};
use crate::state::State;
use crate::{recall, theme, wait, weight};
use js_sys::{Array, ArrayBuffer, Uint8Array};
use leptos::prelude::*;
use leptos::task::spawn_local;
use rankweave_adapter::{Error, Kind};
use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, File};

/// Most files at once.
const MOST: u32 = 200;

type Answer = Result<JsValue, Vec<Error>>;

/// Something came through the port.
pub fn hear(state: State, host: &Host, data: &JsValue) {
    let (method, params) = (text(data, "method"), get(data, "params"));
    if method == "$cancel" {
        let wanted = get(&params, "id").as_f64();
        let found = host.waiting.borrow().iter().find(|(id, _)| Some(*id) == wanted).map(|(_, method)| method.clone());
        stop(state, found.as_deref().unwrap_or_default());
        return;
    }
    // What cannot be answered is not done.
    let Some(id) = get(data, "id").as_f64() else { return };
    host.waiting.borrow_mut().push((id, method.clone()));
    let host = host.clone();
    spawn_local(async move {
        // What was set before has then been taken in.
        wait::until(|| state.ready.get()).await;
        let answer = answer(state, &host, &method, &params).await;
        host.waiting.borrow_mut().retain(|(other, _)| *other != id);
        match answer {
            Ok(result) => host.send(&[("id", id.into()), ("ok", true.into()), ("result", result)]),
            Err(errors) => host.send(&[("id", id.into()), ("ok", false.into()), ("error", error(&errors))]),
        }
    });
}

async fn answer(state: State, host: &Host, method: &str, params: &JsValue) -> Answer {
    match method {
        "setRecipe" => set_recipe(state, text(params, "recipe")).await,
        "setWeight" => set_weight(state, &get(params, "adapter"), get(params, "weight").as_f64()),
        "setTheme" => {
            theme::show(&text(params, "theme"));
            Ok(JsValue::NULL)
        }
        "addFiles" => add_files(state, &get(params, "files")).await,
        "analyze" => analyze(state).await,
        "merge" => merge(state).await,
        "cancel" => {
            job::cancel(state);
            Ok(JsValue::NULL)
        }
        "getRecipe" => get_recipe(state).await,
        "download" => hand_over::ask(state, &host.origin).await,
        _ => {
            let error = Error::new(Kind::Unsupported, "There is no such method")
                .found(method.chars().take(40).collect::<String>());
            Err(vec![error.hint("See the guide to embedding for the methods that there are.")])
        }
    }
}

/// Stops what a call does.
fn stop(state: State, method: &str) {
    match method {
        "merge" => job::cancel(state),
        "analyze" => {
            if let Some(engine) = state.engine.get_untracked() {
                engine.stop_conflicts();
            }
        }
        "download" => hand_over::forget(state),
        // The others are done before anyone could say stop.
        _ => {}
    }
}

async fn set_recipe(state: State, text: String) -> Answer {
    let Some(engine) = state.engine.get_untracked() else { return Err(Vec::new()) };
    engine.recall(text.clone()).await.map_err(reasons)?;
    recall::open(state, text).await;
    Ok(object(&[("missing", events::count(missing(state)))]))
}

fn set_weight(state: State, adapter: &JsValue, weight: Option<f64>) -> Answer {
    let wrong = |what: &str, hint: &str| Err(vec![Error::new(Kind::Parameter, what).hint(hint)]);
    let (low, high) = weight::LIMITS;
    let Some(weight) = weight.filter(|weight| (low..=high).contains(weight)) else {
        return wrong("This is no weight", "Weights are numbers from -10 to 10.");
    };
    let entries = state.entries.get_untracked();
    let named = adapter.as_string().and_then(|label| entries.iter().find(|e| e.label == label));
    let placed = adapter.as_f64().and_then(|place| entries.iter().zip(0_u32..).find(|(_, i)| f64::from(*i) == place));
    let Some(entry) = named.or(placed.map(|(entry, _)| entry)) else {
        return wrong("There is no such adapter", "Name it as its card does, or by its place, from 0.");
    };
    entry.weight.set(weight);
    Ok(JsValue::NULL)
}

async fn add_files(state: State, files: &JsValue) -> Answer {
    let wrong =
        || vec![Error::new(Kind::Parameter, "These are no files").hint("Give a list of File, or of {name, bytes}.")];
    let list: &Array = files.dyn_ref().filter(|list: &&Array| list.length() <= MOST).ok_or_else(wrong)?;
    let files: Option<Vec<File>> = list.iter().map(|one| file(&one)).collect();
    let picked = files.ok_or_else(wrong)?.into_iter().map(|file| Picked { folder: String::new(), file }).collect();
    entries::add(state, picked).await;
    let errors = plain(&state.troubles.get_untracked());
    let adapters = untrack(|| events::adapters(state));
    Ok(object(&[("adapters", adapters), ("missing", events::count(missing(state))), ("errors", errors)]))
}

/// A file, or what can be made one.
fn file(value: &JsValue) -> Option<File> {
    if let Some(file) = value.dyn_ref::<File>() {
        return Some(file.clone());
    }
    let (name, bytes) = (text(value, "name"), get(value, "bytes"));
    let is_bytes =
        bytes.is_instance_of::<ArrayBuffer>() || bytes.is_instance_of::<Uint8Array>() || bytes.is_instance_of::<Blob>();
    (is_bytes && !name.is_empty()).then(|| File::new_with_blob_sequence(&Array::of1(&bytes), &name).ok())?
}

async fn analyze(state: State) -> Answer {
    let Some(engine) = state.engine.get_untracked() else { return Err(Vec::new()) };
    let (settings, adapters) = untrack(|| (state.settings(), state.adapters()));
    let found = engine.conflicts(&adapters, settings, false, |_| {}).await;
    found.map(|found| plain(&found)).map_err(|failure| told(reasons(failure)))
}

async fn merge(state: State) -> Answer {
    // What was asked for a moment ago has to be worked out first.
    wait::rest().await;
    wait::until(|| state.opening.get() == 0 && !state.estimating.get()).await;
    let wrong = |error: Error| Err(vec![error]);
    match missing(state) {
        0 => {}
        n => {
            let many = count(u32::try_from(n).unwrap_or(u32::MAX), "adapter");
            let error =
                Error::new(Kind::Mismatch, "The recipe's adapters are not all there").found(format!("{many} missing"));
            return wrong(error.hint("Add the files first, or have the reader do it."));
        }
    }
    match state.estimate.get_untracked() {
        Some(Ok(_)) => {}
        Some(Err(errors)) => return Err(errors),
        None => return wrong(Error::new(Kind::Parameter, "There is nothing to merge").hint("Add adapters first.")),
    }
    if state.job.with_untracked(|job| job.running().is_some()) {
        return wrong(Error::new(Kind::Limit, "A merge is running").hint("Wait for it, or cancel it."));
    }
    job::start(state);
    wait::until(|| state.job.with(|job| job.running().is_none())).await;
    match state.job.get_untracked() {
        Job::Done(outcome) => Ok(plain(&outcome.summary)),
        Job::Failed(errors) => Err(errors),
        _ => Err(told(Vec::new())),
    }
}

async fn get_recipe(state: State) -> Answer {
    let Some(engine) = state.engine.get_untracked() else { return Err(Vec::new()) };
    crate::identity::known(state).await;
    let (adapters, settings, names) = untrack(|| (state.adapters(), state.settings(), state.names.get()));
    let shared =
        engine.share((adapters, settings), (names, Some(crate::address::home())), None).await.map_err(reasons)?;
    let json = shared.forms.into_iter().find(|form| form.id == "json").map(|form| form.text).unwrap_or_default();
    let part = |text: &str| JsValue::from_str(text);
    Ok(object(&[("id", part(&shared.id)), ("link", part(&shared.link)), ("json", part(&json))]))
}

/// How many adapters of the open recipe are not there.
fn missing(state: State) -> usize {
    state.wanted.with_untracked(|all| all.iter().filter(|one| one.filled.is_none()).count())
}

/// Reasons, of which there is one where someone said stop.
fn told(errors: Vec<Error>) -> Vec<Error> {
    if errors.is_empty() { vec![Error::new(Kind::Cancelled, "Cancelled")] } else { errors }
}

/// As plain objects, numbers and texts.
pub fn plain(value: &impl Serialize) -> JsValue {
    // What the engine says has no other parts.
    value.serialize(&serde_wasm_bindgen::Serializer::json_compatible()).unwrap_or_default()
}

/// Why a call failed: the first reason, and all of them.
fn error(errors: &[Error]) -> JsValue {
    let message = errors.iter().map(|error| error.lines().join("\n  ")).collect::<Vec<_>>().join("\n");
    let first = errors.first().map(plain).unwrap_or_default();
    let parts = [("code", get(&first, "kind")), ("message", JsValue::from_str(&message))];
    let more = [("where", get(&first, "place")), ("hint", get(&first, "hint")), ("reasons", plain(&errors))];
    object(&[&parts[..], &more[..]].concat())
}
