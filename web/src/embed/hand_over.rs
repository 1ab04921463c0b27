//! The page around this one asks for the merged file. It belongs to the reader, who is asked.

use super::channel::object;
use crate::format::bytes;
use crate::live;
use crate::state::{State, state};
use crate::wait;
use leptos::{html, prelude::*};
use rankweave_adapter::{Error, Kind};
use std::time::Duration;
use wasm_bindgen::JsValue;

/// The question, as long as it is open.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Who asks.
    origin: String,
    /// What the reader has said.
    answer: Option<bool>,
}

/// Asks the reader: the file and its name, if they agree.
pub async fn ask(state: State, origin: &str) -> Result<JsValue, Vec<Error>> {
    let made = || untrack(|| state.job.with(crate::job::Job::outcome).zip(state.file.get()));
    let Some((outcome, file)) = made() else {
        let error = Error::new(Kind::Parameter, "There is no merged file yet");
        return Err(vec![error.hint("Merge first.")]);
    };
    if state.asked.with_untracked(Option::is_some) {
        let error = Error::new(Kind::Limit, "The reader is being asked already");
        return Err(vec![error.hint("Wait for the answer.")]);
    }
    state.asked.set(Some(Asked { origin: origin.to_owned(), answer: None }));
    wait::until(|| state.asked.with(|asked| asked.as_ref().is_none_or(|asked| asked.answer.is_some()))).await;
    let yes = state.asked.with_untracked(|asked| asked.as_ref().is_some_and(|asked| asked.answer == Some(true)));
    state.asked.set(None);
    if !yes {
        let error = Error::new(Kind::Cancelled, "The reader did not hand over the merged file");
        return Err(vec![error.hint("It can be saved with the button Save.")]);
    }
    Ok(object(&[("name", JsValue::from_str(&outcome.summary.name)), ("file", file.into())]))
}

/// How long the question is looked at before it can be agreed to: a click that was meant for something else, which the page
/// around put there a moment before, does nothing.
const LOOKED: Duration = Duration::from_millis(700);

/// Asks no longer.
pub fn forget(state: State) {
    if state.asked.with_untracked(Option::is_some) {
        state.asked.set(None);
    }
}

/// The question.
#[component]
pub fn Question() -> impl IntoView {
    let state = state();
    let open = move || state.asked.with(|asked| asked.as_ref().is_some_and(|asked| asked.answer.is_none()));
    live::when(open, move || question(state))
}

fn question(state: State) -> AnyView {
    let origin = state.asked.with_untracked(|asked| asked.as_ref().map(|asked| asked.origin.clone()));
    // A page in a sandbox has no name that could be told.
    let who = origin.filter(|origin| origin != "null").unwrap_or_else(|| "This page".into());
    let (name, size) = untrack(|| {
        let name = state.job.with(|job| job.outcome().map(|outcome| outcome.summary.name.clone()));
        (name.unwrap_or_default(), state.file.with(|file| file.as_ref().map_or(0.0, web_sys::Blob::size)))
    });
    let say = move |answer: bool| {
        state.asked.update(|asked| {
            if let Some(asked) = asked {
                asked.answer = Some(answer);
            }
        });
    };
    let looked = RwSignal::new(false);
    set_timeout(move || _ = looked.try_set(true), LOOKED);
    let no = NodeRef::<html::Button>::new();
    live::effect(move || {
        // What is pressed by mistake is the harmless one. A button in the page can be focused.
        let _ = no.get().map(|button| button.focus());
    });
    view! {
        <div class="note warn hand-over" role="alertdialog" aria-labelledby="hand-over-title">
            <span id="hand-over-title">
                {format!("{who} asks for the merged file: {name}, {}. Hand it over?", bytes(size))}
            </span>
            <span class="slot-buttons">
                <button
                    class="button"
                    type="button"
                    disabled=live::signal(move || !looked.get())
                    on:click=move |_| say(true)
                >
                    "Hand it over"
                </button>
                <button class="button" type="button" node_ref=no on:click=move |_| say(false)>
                    "No"
                </button>
            </span>
        </div>
    }
    .into_any()
}
