//! A button that puts a text on the clipboard.

use crate::state::state;
use js_sys::{Function, Promise, Reflect};
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// A button called `name` that copies `text`, and says whether it could.
pub fn copy_button(name: &str, text: String) -> AnyView {
    let state = state();
    let click = move |_| {
        let text = text.clone();
        spawn_local(async move {
            let copied = copy(&text).await.is_ok();
            let told = if copied { "Copied" } else { "The browser does not allow copying: select the text instead" };
            // Said anew, also where it was the last thing said.
            state.say.set(String::new());
            state.say.set(told.into());
        });
    };
    view! {
        <button class="button plain copy" type="button" aria-label=name.to_owned() on:click=click>
            "Copy"
        </button>
    }
    .into_any()
}

/// The clipboard is there on secure pages only, so it is looked for.
async fn copy(text: &str) -> Result<(), JsValue> {
    let navigator = Reflect::get(&window(), &"navigator".into())?;
    let clipboard = Reflect::get(&navigator, &"clipboard".into())?;
    let write: Function = Reflect::get(&clipboard, &"writeText".into())?.dyn_into()?;
    let done: Promise = write.call1(&clipboard, &text.into())?.dyn_into()?;
    JsFuture::from(done).await.map(drop)
}
