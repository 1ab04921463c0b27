//! What to paste to show the merge in another page, and a picture of it.

use super::forms::shown;
use crate::address;
use crate::live;
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
            place: RwSignal::new(Place::Frame.name().into()),
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
    // Drawn when there is a new link, not with every step of a slider.
    let drawn = live::memo(move || {
        shared.track();
        untrack(|| poster::read(state))
    });
    let text = move || {
        let Some(link) = shared.with(|shared| shared.as_ref().map(|shared| shared.link.clone())) else {
            return live::nothing();
        };
        let (home, title, view) = (address::home(), drawn.with(|drawn| drawn.title.clone()), view.get());
        let (home, link, title, view) = (&home, &link, &title, &view);
        let embedding = Embedding { home, link, title, view, controls: controls.get(), poster: poster.get() };
        let (place, title) = (place.get(), "Embed".to_owned());
        shown(&Form { id: "embed".into(), title, help: place.help().into(), text: place.text(&embedding) })
    };
    // Places go by their names here.
    let named = |is: &dyn Fn(&(Place, &str)) -> bool| Place::ALL.into_iter().find(|one| is(one));
    let chosen = live::signal(move || {
        named(&|(one, _)| *one == place.get()).map(|(_, name)| name.to_owned()).unwrap_or_default()
    });
    let choose = move |wanted: &str| {
        if let Some((one, _)) = named(&|(_, name)| *name == wanted) {
            place.set(one);
        }
    };
    let parts = live::signal(move || !place.get().shows_parts());
    let posters = live::signal(move || !place.get().is_element());
    let pictured = move || place.get() == Place::Badge || place.get().is_element() && poster.get();
    view! {
        <div class="pair">
            <div class="field">
                <label for="embed-for">"For"</label>
                <select id="embed-for" prop:value=chosen on:change=move |event| choose(&event_target_value(&event))>
                    {live::list(Place::ALL, |(_, name)| live::option(name.into(), name.into()))}
                </select>
            </div>
            <div class="field" hidden=parts>
                <label for="embed-view">"Shows"</label>
                <select
                    id="embed-view"
                    prop:value=live::signal(move || view.get())
                    on:change=move |event| view.set(event_target_value(&event))
                >
                    {live::list(VIEWS, |(id, name)| live::option(id.into(), name.into()))}
                </select>
            </div>
        </div>
        <div class="options">
            {option("embed-controls", "Readers may change it", controls, parts)}
            {option("embed-poster", "With a poster", poster, posters)}
        </div>
        {live::part(text)}
        {live::when(pictured, move || picture(drawn))}
    }
    .into_any()
}

/// A box to tick.
fn option(id: &'static str, name: &'static str, value: RwSignal<bool>, hidden: Signal<bool>) -> AnyView {
    view! {
        <div class="option" hidden=hidden>
            <input
                type="checkbox"
                id=id
                prop:checked=live::signal(move || value.get())
                on:change=move |event| value.set(event_target_checked(&event))
            />
            <label for=id>{name}</label>
        </div>
    }
    .into_any()
}

/// The poster, and a link to save it.
fn picture(drawn: Memo<Poster>) -> AnyView {
    let address = RwSignal::new(String::new());
    live::effect(move || {
        let next = address_of(&drawn.with(Poster::svg));
        forget(&address.get_untracked());
        address.set(next);
    });
    on_cleanup(move || forget(&address.try_get_untracked().unwrap_or_default()));
    let place = live::signal(move || address.get());
    view! {
        <img
            class="poster"
            src=place
            width="640"
            alt=live::signal(move || drawn.with(|drawn| format!("Poster. {}. {}", drawn.title, drawn.words())))
        />
        <p class="copy-line">
            <a class="button" href=place download=POSTER>
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

fn forget(address: &str) {
    // Of an address that is not known there is nothing to forget.
    let _ = Url::revoke_object_url(address);
}
