//! The adapters that an opened recipe names and that are not here: what they are, and where they may come from.

use crate::fetcher;
use crate::live;
use crate::recall::{self, Wanted};
use crate::state::{State, state};
use crate::trouble::warning_notes;
use leptos::prelude::*;
use rankweave_wasm::protocol::Slot;

/// Digits of a hash that are shown: as many as model sites show (AutoV3).
const SHOWN: usize = 12;

/// The list, while one is missing; and what the page cannot do of the recipe that was opened.
#[component]
pub fn Slots() -> impl IntoView {
    let state = state();
    let notes = move || {
        let notes = state.recalled.with(|recalled| recalled.as_ref().map(|r| r.notes.clone()).unwrap_or_default());
        let all = u32::try_from(notes.len()).unwrap_or(u32::MAX);
        warning_notes(notes, all, "")
    };
    view! {
        {live::part(notes)}
        {live::when(move || !state.wanted.with(Vec::is_empty), move || list(state))}
    }
}

fn list(state: State) -> AnyView {
    let name = live::signal(move || {
        let recalled = state.recalled.get();
        let name = recalled.map(|r| r.name).filter(|name| !name.is_empty());
        let opened = name.map_or_else(|| "A recipe is open".to_owned(), |name| format!("The recipe “{name}” is open"));
        format!("{opened}. Add the files that it names; they are known by what they hold, whatever they are called.")
    });
    let rows = move || {
        let all = state.wanted.get();
        let missing = all.into_iter().enumerate().filter(|(_, one)| one.filled.is_none());
        live::list(missing, |(place, one)| row(state, place, &one))
    };
    let none_there = live::signal(move || state.wanted.with(|all| all.iter().all(|one| one.filled.is_none())));
    view! {
        <section class="slots" aria-label="Missing adapters">
            <p class="small">{name}</p>
            <ol>{live::part(rows)}</ol>
            <p class="slot-buttons">
                <button
                    class="button plain"
                    type="button"
                    disabled=none_there
                    on:click=move |_| recall::leave_out(state)
                >
                    "Merge without them"
                </button>
                <button class="button plain" type="button" on:click=move |_| recall::clear(state)>
                    "Close the recipe"
                </button>
            </p>
        </section>
    }
    .into_any()
}

fn row(state: State, place: usize, one: &Wanted) -> AnyView {
    let slot = &one.slot;
    let hash = slot.data.as_ref().or(slot.file.as_ref());
    let known = hash.map_or_else(
        || "known by its name alone".to_owned(),
        |hash| format!("SHA-256 {}…", &hash[..SHOWN.min(hash.len())]),
    );
    let places = slot.at.iter().map(|at| source(at, slot)).collect::<Vec<_>>();
    let question = one.other.map(|number| question(state, place, number, &one.name(place)));
    view! {
        <li class="slot">
            <strong>{one.name(place)}</strong>
            <span class="small muted">{format!("weight {}, {known}", slot.weight)}</span>
            {(!places.is_empty()).then(|| view! { <ul class="places">{places}</ul> })}
            {question}
        </li>
    }
    .into_any()
}

/// A place where it can be had, with a way there for those that the page knows.
fn source(at: &str, slot: &Slot) -> AnyView {
    let button = fetcher::knows(at).then(|| {
        let address = fetcher::address(at, slot.data.as_deref(), &slot.label);
        view! {
            <button class="button plain" type="button" on:click=move |_| fetcher::open(&address)>
                "Fetch it…"
            </button>
        }
    });
    view! {
        <li class="small">
            <span>{at.to_owned()}</span>
            {button}
        </li>
    }
    .into_any()
}

fn question(state: State, place: usize, number: u32, name: &str) -> AnyView {
    view! {
        <div class="note warn" role="alert">
            <span>
                {format!("The file {name} that you added holds something else than the one that the recipe was made with.")}
            </span>
            <span class="slot-buttons">
                <button class="button" type="button" on:click=move |_| recall::accept(state, place, number)>
                    "Use it all the same"
                </button>
                <button class="button" type="button" on:click=move |_| recall::refuse(state, place)>
                    "It is another adapter"
                </button>
            </span>
        </div>
    }
    .into_any()
}
