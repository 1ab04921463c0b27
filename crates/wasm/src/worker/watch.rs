//! Counts what this worker asks the network for: the page shows the count, and it must stay 0.

use super::event;
use crate::wire::Sort;
use std::cell::Cell;
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::{PerformanceObserver, PerformanceObserverEntryList, PerformanceObserverInit};

/// Tells the page of every request from now on. A browser without the observer tells nothing.
pub fn requests() {
    let count = Cell::new(0);
    let hear = Closure::<dyn Fn(_)>::new(move |list: PerformanceObserverEntryList| {
        count.set(count.get() + list.get_entries().length());
        event(Sort::Requested, &count.get());
    });
    if let Ok(observer) = PerformanceObserver::new(hear.as_ref().unchecked_ref()) {
        let kinds = js_sys::Array::of1(&JsValue::from_str("resource"));
        observer.observe(&PerformanceObserverInit::new(&kinds));
    }
    // It listens as long as the worker lives.
    hear.forget();
}
