//! The way to the page around this one.
//!
//! ```text
//! frame  → window.parent   {ns: "rankweave", v: 1, type: "loading"}         from www/boot.js, before anything else is there
//! frame  → window.parent   {ns: "rankweave", v: 1, type: "hello", frame}    every 250 ms for 10 s, to whoever listens
//! host   → the frame       {ns: "rankweave", v: 1, type: "connect"} + port  from window.parent alone
//! host   → port            {id, method, params}, {method: "$cancel", params: {id}}
//! frame  → port            {id, ok: true, result}, {id, ok: false, error}, {event, data}
//! frame  → window.parent   {ns: "rankweave", event: "resize", data: {height}}
//! ```
//!
//! What anybody may hear (hello, resize) says nothing of the reader's files. All else goes through the port, which belongs
//! to the origin that opened it: another origin in the same window is not heard.

use super::calls;
use crate::state::State;
use js_sys::{Math, Object, Reflect};
use leptos::{ev, prelude::*};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageEvent, MessagePort, Window};

const NS: &str = "rankweave";
const VERSION: u8 = 1;
/// How often and how long a page that listens is looked for.
const AGAIN: Duration = Duration::from_millis(250);
const TIMES: u32 = 40;

/// The page that has opened a port.
#[derive(Clone)]
pub struct Host {
    port: MessagePort,
    /// Its origin; `null` if it has none.
    pub origin: String,
    /// What it has asked for and waits for: number and method.
    pub waiting: Rc<RefCell<Vec<(f64, String)>>>,
}

impl Host {
    /// Sends something; what cannot be copied is not sent.
    pub fn send(&self, parts: &[(&str, JsValue)]) {
        // A port that is closed takes everything.
        let _ = self.port.post_message(&object(parts));
    }

    /// Tells an event.
    pub fn tell(&self, event: &str, data: JsValue) {
        self.send(&[("event", JsValue::from_str(event)), ("data", data)]);
    }
}

/// Says hello and waits for a page to connect. Called once.
pub fn follow(state: State) {
    let Some(parent) = around() else { return };
    window_event_listener(ev::message, move |event| {
        let from_parent = event.source().is_some_and(|source| source == *parent.as_ref());
        if from_parent && is(&event.data(), "connect") {
            connect(state, &event);
        }
    });
    let name = Math::random();
    let said = StoredValue::new(0);
    let handle: StoredValue<Option<IntervalHandle>> = StoredValue::new(None);
    let hello = move || {
        let times = said.get_value();
        said.set_value(times + 1);
        if times >= TIMES || state.host.with_untracked(Option::is_some) {
            handle.with_value(|handle| handle.iter().for_each(IntervalHandle::clear));
            return;
        }
        shout(&[("v", VERSION.into()), ("type", JsValue::from_str("hello")), ("frame", name.into())]);
    };
    hello();
    handle.set_value(set_interval_with_handle(hello, AGAIN).ok());
}

/// Takes the port, if nobody of another origin has given one.
fn connect(state: State, event: &MessageEvent) {
    let origin = event.origin();
    let known = state.host.with_untracked(|host| host.as_ref().map(|host| host.origin.clone()));
    let Ok(port) = event.ports().get(0).dyn_into::<MessagePort>() else { return };
    if known.is_some_and(|known| known != origin) {
        port.close();
        return;
    }
    let host = Host { port, origin, waiting: Rc::default() };
    let hear = {
        let host = host.clone();
        Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| calls::hear(state, &host, &event.data()))
    };
    // This opens the port, too.
    host.port.set_onmessage(Some(hear.as_ref().unchecked_ref()));
    hear.forget();
    state.host.set(Some(host));
}

/// Says something to whoever is around.
pub fn shout(parts: &[(&str, JsValue)]) {
    if let Some(parent) = around() {
        let all = [&[("ns", JsValue::from_str(NS))], parts].concat();
        // Nothing in it says more than that the frame is there.
        let _ = parent.post_message(&object(&all), "*");
    }
}

/// The page around this one, if there is one.
fn around() -> Option<Window> {
    window().parent().ok().flatten().filter(|parent| *parent != window())
}

/// Is this ours, of this version and type?
fn is(data: &JsValue, kind: &str) -> bool {
    text(data, "ns") == NS && get(data, "v") == VERSION && text(data, "type") == kind
}

/// An object of these parts.
pub fn object(parts: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in parts {
        // A plain object takes everything.
        let _ = Reflect::set(&object, &JsValue::from_str(name), value);
    }
    object.into()
}

/// A part of something that another page has sent; undefined if it is not there.
pub fn get(data: &JsValue, name: &str) -> JsValue {
    if data.is_object() { Reflect::get(data, &JsValue::from_str(name)).unwrap_or_default() } else { JsValue::UNDEFINED }
}

/// A text in it; empty if it is not there.
pub fn text(data: &JsValue, name: &str) -> String {
    get(data, name).as_string().unwrap_or_default()
}
