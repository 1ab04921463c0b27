//! What to paste to show the merge in another page, and a picture of it.

use super::forms::{option, shown};
use crate::address;
use crate::live;
use crate::output::choose;
use crate::poster::{self, Poster};
use crate::snippets::{Embedding, POSTER, Place};
use crate::state::state;
use js_sys::Array;
use leptos::prelude::*;
use rankweave_wasm::protocol::{Form, Shared};
use web_sys::{Blob, BlobPropertyBag, Url};

/// Parts of the page that can be shown: id, name.
const VIEWS: [(&str, &str); 3] =
    [("merge", "Adapters and result"), ("explain", "Adapters and what happens"), ("all", "Everything")];

/// What is chosen in this tab; it outlives a look at another one.
#[derive(Clone, Copy)]
pub struct Choices {
    place: RwSignal<String>,
    view: RwSignal<String>,
    controls: RwSignal<bool>,
    poster: RwSignal<bool>,
}

impl Choices {
    /// A frame with adapters and result, which readers may change.
    pub fn new() -> Self {
        Choices {
            place: RwSignal::new("frame".into()),
            view: RwSignal::new("merge".into()),
            controls: RwSignal::new(true),
            poster: RwSignal::new(false),
        }
    }
}

/// The tab.
pub fn tab(shared: RwSignal<Option<Shared>>, choices: Choices) -> AnyView {
    let state = state();
    let Choices { place, view, controls, poster } = choices;
    let at = move || place.with(|id| Place::of(id));
    let text = move || {
        let Some(link) = shared.with(|shared| shared.as_ref().map(|shared| shared.link.clone())) else {
            return live::nothing();
        };
        let (home, title, view) = (address::home(), untrack(|| poster::read(state)).title, view.get());
        let (home, link, title, view) = (&home, &link, &title, &view);
        let embedding = Embedding { home, link, title, view, controls: choices.controls.get(), poster: poster.get() };
        let (place, title) = (at(), "Embed".to_owned());
        shown(&Form { id: "embed".into(), title, help: place.help().into(), text: place.text(&embedding) })
    };
    let parts = move || at().shows_parts();
    let controls = move || option("embed-controls", "Readers may change it", controls, move |on| controls.set(on));
    let with_poster = move || option("embed-poster", "With a poster", poster, move |on| poster.set(on));
    // Drawn when there is a new link, not with every step of a slider.
    let pictured = move || {
        shared.track();
        if at() == Place::Badge || at().is_element() && poster.get() {
            picture(&untrack(|| poster::read(state)))
        } else {
            live::nothing()
        }
    };
    view! {
        <div class="pair">
            {choose("embed-for", "For", &Place::ALL, place)}
            {live::when(parts, move || choose("embed-view", "Shows", &VIEWS, view))}
        </div>
        <div class="options">
            {live::when(parts, controls)}
            {live::when(move || at().is_element(), with_poster)}
        </div>
        {live::part(text)}
        {live::part(pictured)}
    }
    .into_any()
}

/// The poster, and a link to save it.
fn picture(poster: &Poster) -> AnyView {
    let address = address_of(&poster.svg());
    let told = format!("Poster. {}. {}", poster.title, poster.words());
    let (shown, saved) = (address.clone(), address.clone());
    on_cleanup(move || {
        // Of an address that is not known there is nothing to forget.
        let _ = Url::revoke_object_url(&address);
    });
    view! {
        <img class="poster" src=shown alt=told loading="eager" decoding="async" />
        <p class="copy-line">
            <a class="button" href=saved download=POSTER>
                "Save poster (SVG)"
            </a>
            <span class="small muted">"It goes beside the page that shows it."</span>
        </p>
    }
    .into_any()
}

/// An address that the picture can be had at, until it is forgotten; empty if the browser gives none.
fn address_of(svg: &str) -> String {
    let kind = BlobPropertyBag::new();
    kind.set_type("image/svg+xml");
    let blob = Blob::new_with_str_sequence_and_options(&Array::of1(&svg.into()), &kind);
    blob.and_then(|blob| Url::create_object_url_with_blob(&blob)).unwrap_or_default()
}
