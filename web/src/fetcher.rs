//! The page that fetches from model hosts: a window of its own, as this page may contact nobody. It asks before it fetches,
//! and hands the file over by a message.

use crate::address;
use crate::entries::{self, Picked};
use crate::state::State;
use js_sys::{JsString, Reflect, encode_uri_component};
use leptos::{ev, prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::File;

/// What its messages call themselves.
const FETCHED: &str = "fetched";

/// Whether it can fetch from there. It hands nothing to a page without an origin, as one in a sandbox may be.
pub fn knows(at: &str) -> bool {
    at.starts_with("hf:") && window().origin() != "null"
}

/// Its address for a file: where it is, what it should hold, what it is called.
pub fn address(at: &str, data: Option<&str>, name: &str) -> String {
    let part = |key: &str, value: &str| format!("{key}={}", String::from(encode_uri_component(value)));
    let mut parts = vec![part("at", at)];
    parts.extend(data.map(|hash| part("data", &format!("sha256:{hash}"))));
    parts.extend((!name.is_empty()).then(|| part("name", name)));
    format!("{}fetch/#{}", address::home(), parts.join("&"))
}

/// Opens it.
pub fn open(address: &str) {
    // A browser that opens no window shows so itself.
    let _ = window().open_with_url_and_target(address, "_blank");
}

/// Takes what it hands over. Called once.
pub fn listen(state: State) {
    window_event_listener(ev::message, move |event| {
        if Some(event.origin()) != window().location().origin().ok() {
            return;
        }
        let part = |name: &str| Reflect::get(&event.data(), &JsValue::from_str(name)).unwrap_or_default();
        let fetched = part("rankweave").dyn_ref::<JsString>().is_some_and(|word| *word == FETCHED);
        if let (true, Ok(file)) = (fetched, part("file").dyn_into::<File>()) {
            spawn_local(entries::add(state, vec![Picked { folder: String::new(), file }]));
        }
    });
}
