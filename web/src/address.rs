//! The address tells the recipe that the page shows (`#r=1z…`): copying it shares the merge, going back undoes.
//!
//! The part after `#` never leaves the browser.

use crate::identity::Identity;
use crate::live;
use crate::recall;
use crate::state::{State, state};
use leptos::{ev, prelude::*, task::spawn_local};
use std::time::Duration;
use wasm_bindgen::JsValue;

/// How long a change must rest before it stands in the address: dragging a slider is one step to go back.
const REST: Duration = Duration::from_millis(500);

/// Keeps address and page alike, in both directions. Called once.
pub fn follow() {
    let state = state();
    // The last one written or read: what differs from it is a change.
    let last: StoredValue<Option<String>> = StoredValue::new(None);
    // A recipe that was read is written anew in the same place, as its words may differ.
    let quiet = StoredValue::new(false);
    let read = move || {
        let own = own();
        if own == last.get_value() {
            return;
        }
        last.set_value(own.clone());
        state.link.set(own.clone().unwrap_or_default());
        state.recipe_id.set(String::new());
        quiet.set_value(true);
        match own {
            Some(link) => spawn_local(recall::open(state, link)),
            None => recall::clear(state),
        }
    };
    window_event_listener(ev::popstate, move |_| read());
    live::effect(move || {
        // A link in the address waits for the engine, and nothing else does.
        if state.ready.get() && own().is_some() && last.get_value().is_none() {
            read();
        }
    });
    let asked = StoredValue::new(0_u32);
    live::effect(move || {
        let (adapters, settings, names) = (state.adapters(), state.settings(), state.names.get());
        let number = asked.get_value() + 1;
        asked.set_value(number);
        let settled = state.entries.with(|all| all.iter().all(|e| e.identity.with(Identity::settled)));
        let complete = state.wanted.with(Vec::is_empty);
        let Some(engine) = state.engine.get().filter(|_| settled && complete) else { return };
        let is_last = move || asked.get_value() == number;
        let write = move || {
            if !is_last() {
                return;
            }
            spawn_local(async move {
                let link = if adapters.is_empty() {
                    None
                } else {
                    let Ok(shared) = engine.share((adapters, settings), (names, None), None).await else { return };
                    // Only what is new is news: the settings depend on it.
                    if is_last() && state.recipe_id.with_untracked(|id| *id != shared.id) {
                        state.recipe_id.set(shared.id);
                    }
                    Some(shared.link)
                };
                if is_last() && link != last.get_value() {
                    // The steps of a frame would be steps of the page around it.
                    let in_place = state.embed.is_some() || quiet.get_value() || last.get_value().is_none();
                    put(link.as_deref(), in_place);
                    last.set_value(link);
                }
                if is_last() {
                    state.link.set(last.get_value().unwrap_or_default());
                }
                quiet.set_value(false);
            });
        };
        set_timeout(write, REST);
    });
}

/// The address of this page without what follows `#`.
pub fn page() -> String {
    let address = window().location().href().unwrap_or_default();
    address.split('#').next().unwrap_or_default().to_owned()
}

/// Where the site's own page is, without what follows `#`: here, or one folder up from a frame.
pub fn home() -> String {
    let page = page();
    let page = page.split('?').next().unwrap_or_default();
    let folder = |page: &str| page.rsplit_once('/').map(|(folder, _)| folder.to_owned()).unwrap_or_default();
    let own = folder(page);
    format!("{}/", if embedded() { folder(&own) } else { own })
}

/// Whether this is the page for frames. The build says so on its root element.
pub fn embedded() -> bool {
    document().document_element().is_some_and(|root| root.has_attribute("data-embed"))
}

/// Something of the site, as seen from here.
pub fn within(path: &str) -> String {
    if embedded() { format!("../{path}") } else { path.to_owned() }
}

/// The recipe in the address.
fn own() -> Option<String> {
    let parts = parts();
    parts.iter().find_map(|part| part.strip_prefix("r=")).filter(|link| !link.is_empty()).map(str::to_owned)
}

/// What follows `#`, part by part.
pub fn parts() -> Vec<String> {
    let hash = window().location().hash().unwrap_or_default();
    hash.trim_start_matches('#').split('&').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// Writes a recipe into the address, as a step to go back to or in place of the last one. Other parts stay.
fn put(link: Option<&str>, in_place: bool) {
    let others = parts().into_iter().filter(|part| !part.starts_with("r="));
    let parts: Vec<String> = link.map(|link| format!("r={link}")).into_iter().chain(others).collect();
    let address = if parts.is_empty() { page() } else { format!("{}#{}", page(), parts.join("&")) };
    let Ok(history) = window().history() else { return };
    // Where the browser refuses, as after very many steps, the page works all the same.
    let _ = if in_place {
        history.replace_state_with_url(&JsValue::NULL, "", Some(&address))
    } else {
        history.push_state_with_url(&JsValue::NULL, "", Some(&address))
    };
}

/// Whether the page shows something that can be shared.
pub fn has_recipe(state: State) -> bool {
    !state.entries.with(Vec::is_empty) && state.wanted.with(Vec::is_empty)
}
