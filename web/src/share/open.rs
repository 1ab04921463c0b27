//! Opening what others share: a link, or a recipe in any form.

use super::{Dialog, close, head};
use crate::entries::reasons;
use crate::live;
use crate::recall;
use crate::state::state;
use crate::trouble::trouble;
use leptos::{html, prelude::*, task::spawn_local};
use rankweave_adapter::Error;

/// The dialog with a field to paste into.
#[component]
pub fn OpenDialog(dialog: Dialog) -> impl IntoView {
    let state = state();
    let field = NodeRef::<html::Textarea>::new();
    let wrong: RwSignal<Vec<Error>> = RwSignal::default();
    let open = move |_| {
        let (Some(field), Some(engine)) = (field.get_untracked(), state.engine.get_untracked()) else { return };
        let text = field.value();
        spawn_local(async move {
            // Problems are told here, where they can be mended.
            match engine.recall(text.clone()).await {
                Ok(_) => {
                    wrong.set(Vec::new());
                    field.set_value("");
                    close(dialog);
                    recall::open(state, text).await;
                }
                Err(failure) => wrong.set(reasons(failure)),
            }
        });
    };
    view! {
        {head("open-title", "Open a recipe", dialog)}
        <label for="recipe-text" class="small">
            "Paste a link or a recipe. You can also drop its file, or a merged file, which tells its own."
        </label>
        <textarea id="recipe-text" class="shared-text" rows="8" spellcheck="false" node_ref=field></textarea>
        {live::part(move || wrong.with(|all| live::list(all, |error| trouble(error, None))))}
        <p class="copy-line">
            <button class="button primary" type="button" on:click=open>
                "Open"
            </button>
        </p>
    }
}
