//! Waiting for what the page's state will say.

use js_sys::Promise;
use leptos::prelude::*;
use std::time::Duration;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

/// How often those who wait look again.
const AGAIN: Duration = Duration::from_millis(20);

/// Waits until it is so.
pub async fn until(is_so: impl Fn() -> bool) {
    while !untrack(&is_so) {
        rest().await;
    }
}

/// Lets everything else have its turn.
pub async fn rest() {
    let wait = Promise::new(&mut |done, _| {
        set_timeout(
            move || {
                // A promise's own function cannot fail.
                let _ = done.call0(&JsValue::NULL);
            },
            AGAIN,
        );
    });
    // It is always kept.
    let _ = JsFuture::from(wait).await;
}
