//! Sharing what the page shows: as a link, as text for other programs and pages; and opening what others share.

mod embed;
mod forms;
mod open;

use crate::address;
use crate::live;
use crate::state::state;
use forms::ShareDialog;
use leptos::{html, prelude::*};
use open::OpenDialog;

/// A dialog in the page.
type Dialog = NodeRef<html::Dialog>;

/// Where the browser remembers whether names are told.
const KEY: &str = "names";

/// Whether the names of files are told in links: yes, unless someone said no.
pub fn remembered() -> bool {
    let stored = window().local_storage().ok().flatten().and_then(|storage| storage.get_item(KEY).ok().flatten());
    stored.as_deref() != Some("no")
}

/// The buttons, and their dialogs.
#[component]
pub fn Sharing() -> impl IntoView {
    let state = state();
    let (share, open) = (NodeRef::<html::Dialog>::new(), NodeRef::<html::Dialog>::new());
    let nothing = live::signal(move || !address::has_recipe(state));
    view! {
        <button class="button" type="button" on:click=move |_| show(open)>
            "Open recipe"
        </button>
        <button class="button" type="button" disabled=nothing on:click=move |_| show(share)>
            "Share"
        </button>
        <dialog class="share" aria-labelledby="share-title" node_ref=share>
            <ShareDialog dialog=share />
        </dialog>
        <dialog class="share" aria-labelledby="open-title" node_ref=open>
            <OpenDialog dialog=open />
        </dialog>
    }
}

fn show(dialog: Dialog) {
    if let Some(dialog) = dialog.get_untracked() {
        // A dialog that is open already stays open.
        let _ = dialog.show_modal();
    }
}

fn close(dialog: Dialog) {
    if let Some(dialog) = dialog.get_untracked() {
        dialog.close();
    }
}

fn head(id: &'static str, title: &'static str, dialog: Dialog) -> AnyView {
    view! {
        <div class="dialog-head">
            <h2 id=id>{title}</h2>
            <button class="button icon" type="button" aria-label="Close" on:click=move |_| close(dialog)>
                {crate::icons::cross()}
            </button>
        </div>
    }
    .into_any()
}
