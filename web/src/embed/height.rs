//! How tall the frame would be with nothing hidden: told to the page around it, whoever that is, whenever it changes.

use super::channel;
use js_sys::Array;
use leptos::prelude::*;
use std::cell::Cell;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::ResizeObserver;

/// Watches. Called once.
pub fn follow() {
    let Some(body) = document().body() else { return };
    let told = Cell::new(0.0);
    let look = Closure::<dyn Fn(Array)>::new(move |_| {
        let height = document().body().map_or(0.0, |body| body.get_bounding_client_rect().height()).ceil();
        if told.replace(height) != height {
            let data = channel::object(&[("height", height.into())]);
            channel::shout(&[("event", JsValue::from_str("resize")), ("data", data)]);
        }
    });
    // Without it the page around keeps the height that it has chosen.
    if let Ok(observer) = ResizeObserver::new(look.as_ref().unchecked_ref()) {
        observer.observe(&body);
    }
    look.forget();
}
