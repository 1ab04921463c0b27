//! What the page shows in all forms: as a link, for other pages, as text for other programs.

use super::{Dialog, KEY, embed, head};
use crate::address;
use crate::copy::copy_button;
use crate::identity;
use crate::live;
use crate::state::{State, state};
use leptos::{prelude::*, task::spawn_local};
use rankweave_wasm::protocol::{Form, Shared};

/// Id of the tab whose text depends on what is chosen there.
const EMBED: &str = "embed";

/// The dialog with a tab for each form.
#[component]
pub fn ShareDialog(dialog: Dialog) -> impl IntoView {
    let state = state();
    let shared: RwSignal<Option<Shared>> = RwSignal::new(None);
    let chosen = RwSignal::new(0_usize);
    // What changes while the dialog is open is shown anew; while it is closed nobody asks.
    let id = live::memo(move || (state.recipe_id.get(), state.names.get()));
    live::effect(move || {
        let _ = id.get();
        // The id does not depend on it, and the forms do.
        state.form.title.track();
        let done = state.job.with(|job| job.outcome().map(|outcome| outcome.summary.data_sha256.clone()));
        follow(state, shared, done);
    });
    let forms = live::memo(move || shared.with(|shared| shared.as_ref().map(texts).unwrap_or_default()));
    // They stay as they are while texts change: one of them may have the focus.
    let count = live::memo(move || forms.with(Vec::len));
    let tabs = move || {
        live::list(0..count.get(), |i| {
            let title = forms.with_untracked(|all| all.get(i).map(|form| form.title.clone()));
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
    let form = move |all: &Vec<Form>| all.get(chosen.get()).or(all.first()).cloned();
    let embeds = move || forms.with(form).is_some_and(|form| form.id == EMBED);
    let text = move || forms.with(form).filter(|form| form.id != EMBED).as_ref().map_or_else(live::nothing, shown);
    let choices = embed::Choices::new();
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
        {live::when(embeds, move || embed::tab(shared, choices))}
        {live::part(picture)}
        {option("share-names", "Tell the names of the files", state.names, remember)}
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

/// The link first, then a place for what other pages need, then the engine's forms.
fn texts(shared: &Shared) -> Vec<Form> {
    let address = format!("{}#r={}", address::page(), shared.link);
    let link = Form {
        id: "link".into(),
        title: "Link".into(),
        help: "Opens this page with everything set. What follows # is not sent to any server.".into(),
        text: address,
    };
    let embed = Form { id: EMBED.into(), title: "Embed".into(), help: String::new(), text: String::new() };
    [link, embed].into_iter().chain(shared.forms.iter().cloned()).collect()
}

/// A box to tick.
pub fn option(id: &'static str, name: &'static str, on: RwSignal<bool>, set: impl Fn(bool) + 'static) -> AnyView {
    let set: Box<dyn Fn(bool)> = Box::new(set);
    view! {
        <div class="option">
            <input
                type="checkbox"
                id=id
                prop:checked=live::signal(move || on.get())
                on:change=move |event| set(event_target_checked(&event))
            />
            <label for=id>{name}</label>
        </div>
    }
    .into_any()
}

/// A text to copy.
pub fn shown(form: &Form) -> AnyView {
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
