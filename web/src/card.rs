//! One card per adapter: what it is, how much of it, and where it stands in the order.

use crate::entries::{self, Entry};
use crate::format::{bytes, number};
use crate::icons;
use crate::state::state;
use crate::trouble::WarningNotes;
use crate::weight::Weights;
use leptos::prelude::*;
use rankweave_wasm::protocol::Facts;

/// All cards, in the user's order.
#[component]
pub fn Cards() -> impl IntoView {
    let state = state();
    view! {
        <Show when=move || state.entries.with(|all| !all.is_empty())>
            <ol class="cards">
                <For each=move || state.entries.get() key=|entry| entry.number let:entry>
                    <Card entry=entry />
                </For>
            </ol>
        </Show>
    }
}

#[component]
fn Card(entry: Entry) -> impl IntoView {
    let facts = RwSignal::from(entry.facts.clone());
    let title = format!("adapter-{}", entry.number);
    let place = format!("card thread-{}", entry.thread % 8);
    let folder = (!entry.folder.is_empty()).then(|| view! { <span class="folder">{entry.folder.clone()}</span> });
    view! {
        <li class=place aria-labelledby=title.clone()>
            <div class="card-head">
                <h3 class="name" id=title.clone()>
                    {entry.label.clone()}
                    {folder}
                </h3>
                <CardButtons number=entry.number label=entry.label.clone() />
            </div>
            <p class="chips">
                <span class="chip family">{move || facts.with(family)}</span>
                <span class="chip">{move || facts.with(|f| f.kind.clone())}</span>
                <span class="chip">{move || facts.with(|f| f.dialect.clone())}</span>
            </p>
            <dl class="facts">
                <Fact name="Rank" value=move || facts.with(ranks) />
                <Fact name="Alpha" value=move || facts.with(alpha) />
                <Fact name="Type" value=move || facts.with(|f| f.dtypes.join(", ")) />
                <Fact name="Modules" value=move || facts.with(modules) />
                <Fact
                    name="Size"
                    value=move || {
                        #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
                        bytes(facts.with(|f| f.size) as f64)
                    }
                />
            </dl>
            {move || facts.with(|f| view! { <WarningNotes warnings=f.warnings.clone() all=f.warning_count /> })}
            <Weights entry=entry />
        </li>
    }
}

#[component]
fn Fact(name: &'static str, #[prop(into)] value: Signal<String>) -> impl IntoView {
    view! {
        <div>
            <dt>{name}</dt>
            <dd>{move || value.get()}</dd>
        </div>
    }
}

/// Up, down, remove.
#[component]
fn CardButtons(number: u32, label: String) -> impl IntoView {
    let state = state();
    let place = Memo::new(move |_| state.entries.with(|all| (all.iter().position(|e| e.number == number), all.len())));
    let first = move || place.get().0 == Some(0);
    let last = move || place.get().0.is_none_or(|i| i + 1 == place.get().1);
    let remove = move |_| {
        entries::remove(state, number);
        crate::drop::focus();
    };
    view! {
        <button
            class="button icon"
            type="button"
            aria-label=format!("Move {label} up")
            disabled=first
            on:click=move |_| entries::shift(state, number, -1)
        >
            {icons::up()}
        </button>
        <button
            class="button icon"
            type="button"
            aria-label=format!("Move {label} down")
            disabled=last
            on:click=move |_| entries::shift(state, number, 1)
        >
            {icons::down()}
        </button>
        <button class="button icon" type="button" aria-label=format!("Remove {label}") on:click=remove>
            {icons::cross()}
        </button>
    }
}

fn family(facts: &Facts) -> String {
    if facts.family == "unknown" { "Unknown base".into() } else { facts.family_title.clone() }
}

/// `16`, `4 and 16`, `1 to 64`.
fn ranks(facts: &Facts) -> String {
    match facts.ranks.as_slice() {
        [(only, _)] => only.to_string(),
        [(low, _), (high, _)] => format!("{low} and {high}"),
        [(low, _), .., (high, _)] => format!("{low} to {high}"),
        [] => "none".into(),
    }
}

/// `8`, `4 and 8`, `1 to 64`, `none (scale 1)`.
fn alpha(facts: &Facts) -> String {
    match facts.alphas.as_slice() {
        [only] => number(*only),
        [low, high] => format!("{} and {}", number(*low), number(*high)),
        [low, .., high] => format!("{} to {}", number(*low), number(*high)),
        [] => "none (scale 1)".into(),
    }
}

fn modules(facts: &Facts) -> String {
    match facts.text_encoder_modules {
        0 => facts.modules.to_string(),
        n if n == facts.modules => format!("{n}, text encoder"),
        n => format!("{} and {n} in text encoders", facts.modules - n),
    }
}
