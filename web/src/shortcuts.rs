//! Keys that work anywhere: Ctrl+O choose files, Ctrl+Enter merge, Escape cancel or close, Ctrl+S save.

use crate::job::{self, Job};
use crate::state::{State, state};
use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// Listens as long as the page lives.
pub fn listen() {
    let state = state();
    window_event_listener(ev::keydown, move |event| {
        let command = event.ctrl_key() || event.meta_key();
        match (command, event.key().as_str()) {
            (true, "Enter") => job::start(state),
            (true, "o") => click("adapter-files"),
            (true, "s") if state.job.with_untracked(|job: &Job| job.outcome().is_some()) => click("save"),
            (false, "Escape") => return escape(state),
            _ => return,
        }
        event.prevent_default();
    });
}

/// Stops a merge; where there is none, closes the explanation at the top.
fn escape(state: State) {
    if state.job.with_untracked(|job| job.running().is_some()) {
        return job::cancel(state);
    }
    if let Ok(Some(open)) = document().query_selector(".privacy[open]") {
        // An element in the page takes attributes.
        let _ = open.remove_attribute("open");
    }
}

fn click(id: &str) {
    let element = document().get_element_by_id(id);
    if let Some(element) = element.and_then(|e| e.dyn_into::<HtmlElement>().ok()) {
        element.click();
    }
}
