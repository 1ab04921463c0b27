//! Sharing what the page shows: as a link, as text for other programs; and opening what others share.

use crate::address;
use crate::copy::copy_button;
use crate::entries::reasons;
use crate::identity;
use crate::live;
use crate::recall;
use crate::state::{State, state};
use crate::trouble::trouble;
use leptos::{html, prelude::*, task::spawn_local};
use rankweave_adapter::Error;
use rankweave_wasm::protocol::{Form, Shared};

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

fn show(dialog: NodeRef<html::Dialog>) {
    if let Some(dialog) = dialog.get_untracked() {
        // A dialog that is open already stays open.
        let _ = dialog.show_modal();
    }
}

fn close(dialog: NodeRef<html::Dialog>) {
    if let Some(dialog) = dialog.get_untracked() {
        dialog.close();
    }
}

fn head(id: &'static str, title: &'static str, dialog: NodeRef<html::Dialog>) -> AnyView {
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

#[component]
fn ShareDialog(dialog: NodeRef<html::Dialog>) -> impl IntoView {
    let state = state();
    let shared: RwSignal<Option<Shared>> = RwSignal::new(None);
    let chosen = RwSignal::new(0_usize);
    // What changes while the dialog is open is shown anew; while it is closed nobody asks.
    let id = live::memo(move || (state.recipe_id.get(), state.names.get()));
    live::effect(move || {
        let _ = id.get();
        let done = state.job.with(|job| job.outcome().map(|outcome| outcome.summary.data_sha256.clone()));
        follow(state, shared, done);
    });
    let forms = live::memo(move || shared.with(|shared| shared.as_ref().map(texts).unwrap_or_default()));
    let tabs = move || {
        let titles: Vec<_> = forms.with(|all| all.iter().map(|form| form.title.clone()).enumerate().collect());
        live::list(titles, |(i, title)| {
            view! {
                <button
                    class="tab"
                    type="button"
                    aria-pressed=live::signal(move || (chosen.get() == i).to_string())
                    on:click=move |_| chosen.set(i)
                >
                    {title}
                </button>
            }
            .into_any()
        })
    };
    let text = move || forms.with(|all| all.get(chosen.get()).or(all.first()).map_or_else(live::nothing, shown));
    let picture = move || match shared.with(|shared| shared.as_ref().and_then(|shared| shared.qr.clone())) {
        Some(code) if chosen.get() == 0 => qr(code),
        _ => live::nothing(),
    };
    let remember = move |told: bool| {
        state.names.set(told);
        if let Ok(Some(storage)) = window().local_storage() {
            // Where storage is forbidden the choice lasts until the page is closed.
            let _ = if told { storage.remove_item(KEY) } else { storage.set_item(KEY, "no") };
        }
    };
    view! {
        {head("share-title", "Share this merge", dialog)}
        <p class="small muted">
            "A recipe says which adapters are merged and how. It holds no tensors, and nothing is uploaded: whoever opens it adds \
            the files."
        </p>
        <div class="tabs" role="group" aria-label="Forms">
            {live::part(tabs)}
        </div>
        {live::part(text)}
        {live::part(picture)}
        <div class="option">
            <input
                type="checkbox"
                id="share-names"
                prop:checked=live::signal(move || state.names.get())
                on:change=move |event| remember(event_target_checked(&event))
            />
            <label for="share-names">"Tell the names of the files"</label>
        </div>
        <p class="small muted">
            {live::signal(move || format!("Recipe {}: the same for all recipes that mean the same.", state.recipe_id.get()))}
        </p>
    }
}

/// Asks for all forms of what the page shows; what a merge gave is what is expected, while nothing was changed since.
fn follow(state: State, shared: RwSignal<Option<Shared>>, done: Option<String>) {
    let Some(engine) = state.engine.get_untracked() else { return };
    let named = state.names.get_untracked();
    spawn_local(async move {
        identity::known(state).await;
        let (adapters, settings) = untrack(|| (state.adapters(), state.settings()));
        if adapters.is_empty() {
            return;
        }
        let fresh = untrack(|| state.job.with(|job| job.outcome().is_some_and(|outcome| !outcome.is_stale(state))));
        if let Ok(found) =
            engine.share((adapters, settings), (named, Some(address::page())), done.filter(|_| fresh)).await
        {
            shared.set(Some(found));
        }
    });
}

/// The link first, then the engine's forms.
fn texts(shared: &Shared) -> Vec<Form> {
    let address = format!("{}#r={}", address::page(), shared.link);
    let link = Form {
        id: "link".into(),
        title: "Link".into(),
        help: "Opens this page with everything set. What follows # is not sent to any server.".into(),
        text: address,
    };
    std::iter::once(link).chain(shared.forms.iter().cloned()).collect()
}

fn shown(form: &Form) -> AnyView {
    let length = form.text.chars().count();
    view! {
        <p class="small">{form.help.clone()}</p>
        <textarea
            class="shared-text"
            readonly
            rows=if form.id == "link" { "4" } else { "12" }
            aria-label=form.title.clone()
            prop:value=form.text.clone()
        ></textarea>
        <p class="copy-line">
            {copy_button(&format!("Copy {}", form.title), form.text.clone())}
            <span class="small muted">{format!("{length} characters")}</span>
        </p>
    }
    .into_any()
}

/// The address as a picture for a phone's camera.
fn qr((size, path): (u32, String)) -> AnyView {
    view! {
        <svg class="qr" role="img" aria-label="QR code of the link" viewBox=format!("0 0 {size} {size}")>
            <rect width=size.to_string() height=size.to_string() fill="#fff" />
            <path d=path fill="#000" />
        </svg>
    }
    .into_any()
}

#[component]
fn OpenDialog(dialog: NodeRef<html::Dialog>) -> impl IntoView {
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
