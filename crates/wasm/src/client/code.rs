//! The engine's code: fetched and compiled once, before anything is dropped.
//!
//! Workers are made from a `blob:` of the glue text and get the compiled module by message, so that starting or
//! replacing one asks the network for nothing, and so that they inherit the page's content security policy
//! (a worker started from an address would not). The glue is a plain script (`xtask`, `finish.rs`): Chromium starts no module
//! from a `blob:` in a frame without an origin.

use js_sys::{Array, Promise, Reflect, WebAssembly};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, Response, Url, Worker};

/// Runs in the new worker, after the glue: the first message is the module, and with it the engine starts and
/// takes over `onmessage`.
const BOOTSTRAP: &str = "\nonmessage = e => initSync({ module: e.data });\n";

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = fetch)]
    fn fetch(address: &str) -> Promise;
}

/// Compiled engine and the address of its glue.
pub struct Code {
    module: JsValue,
    glue: String,
}

impl Code {
    /// Fetches both parts at once and compiles the engine while it arrives.
    ///
    /// # Errors
    /// If a part is missing, or the browser cannot run it.
    pub async fn load(glue: &str, wasm: &str) -> Result<Code, JsValue> {
        let wasm = fetch(wasm);
        let glue = JsFuture::from(fetch(glue)).await?.dyn_into::<Response>()?;
        if !glue.ok() {
            return Err(js_sys::Error::new(&format!("{} {}", glue.status(), glue.url())).into());
        }
        let text = JsFuture::from(glue.text()?).await?;
        let module = JsFuture::from(WebAssembly::compile_streaming(&wasm)).await?;
        let kind = BlobPropertyBag::new();
        kind.set_type("text/javascript");
        let blob = Blob::new_with_str_sequence_and_options(&Array::of2(&text, &BOOTSTRAP.into()), &kind)?;
        Ok(Code { module, glue: Url::create_object_url_with_blob(&blob)? })
    }

    /// Starts a worker with the engine in it. No request is made.
    ///
    /// # Errors
    /// If the browser refuses one more worker.
    pub fn start(&self) -> Result<Worker, JsValue> {
        let worker = Worker::new(&self.glue)?;
        worker.post_message(&self.module)?;
        Ok(worker)
    }
}

/// How many workers can run at once, as the browser tells it: 1 to 8.
pub fn cores() -> usize {
    let told = Reflect::get(&js_sys::global(), &"navigator".into())
        .and_then(|n| Reflect::get(&n, &"hardwareConcurrency".into()))
        .ok()
        .and_then(|n| n.as_f64());
    // Clamped to 1..=8, so the cast is exact.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let cores = told.unwrap_or(2.0).clamp(1.0, 8.0) as usize;
    cores
}
