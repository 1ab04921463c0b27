//! Starting: the page appears at once, and the engine is fetched while the user looks at it.

use crate::app::App;
use crate::entries::reasons;
use crate::state::State;
use leptos::mount::mount_to;
use leptos::prelude::*;
use leptos::task::spawn_local;
use rankweave_adapter::Error;
use rankweave_wasm::client::{Code, Engine, Failure};
use std::rc::Rc;
use wasm_bindgen::JsCast;

/// Puts the page in place of what `index.html` shows while it loads.
pub fn start() {
    let Some(place) = document().get_element_by_id("app").and_then(|e| e.dyn_into().ok()) else { return };
    let place: web_sys::HtmlElement = place;
    place.set_inner_text("");
    mount_to(place, || {
        let state = State::new();
        provide_context(state);
        spawn_local(async move {
            if let Err(errors) = fetch(state).await {
                state.troubles.set(errors);
            }
        });
        App()
    })
    .forget();
}

/// Fetches and starts the engine and asks it for the methods.
async fn fetch(state: State) -> Result<(), Vec<Error>> {
    let (glue, wasm) = addresses();
    let code = Code::load(&glue, &wasm).await.map_err(|e| reasons(Failure::from_js(&e)))?;
    let engine = Rc::new(Engine::new(code));
    let methods = engine.methods().await.map_err(reasons)?;
    state.form.method.set(methods.first().map(|m| m.id.clone()).unwrap_or_default());
    state.methods.set(methods);
    state.engine.set(Some(engine));
    state.ready.set(true);
    Ok(())
}

/// Where the engine's two files lie: the build writes their names into the tag that started the page.
fn addresses() -> (String, String) {
    let tag = document().query_selector("script[data-engine-js]").ok().flatten();
    let read = |name| tag.as_ref().and_then(|t| t.get_attribute(name)).unwrap_or_default();
    (read("data-engine-js"), read("data-engine-wasm"))
}
