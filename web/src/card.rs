//! One card per adapter: what it is, how much of it, and where it stands in the order.

use crate::about::AboutPart;
use crate::base;
use crate::blocks::BlockWeights;
use crate::check::Check;
use crate::entries::{self, Entry};
use crate::format::{bytes, fixed, number};
use crate::icons;
use crate::live;
use crate::recall;
use crate::state::state;
use crate::trouble::warning_notes;
use crate::weight::Weights;
use leptos::prelude::*;
use rankweave_wasm::protocol::{Facts, Rule};

/// All cards, in the user's order.
#[component]
pub fn Cards() -> impl IntoView {
    let state = state();
    view! {
        <ol class="cards" hidden=live::signal(move || state.entries.with(Vec::is_empty))>
            <For each=move || state.entries.get() key=|entry| entry.number let:entry>
                <Card entry=entry />
            </For>
        </ol>
    }
}

#[component]
fn Card(entry: Entry) -> impl IntoView {
    let facts = RwSignal::from(entry.facts.clone());
    let check = RwSignal::from(entry.check.clone());
    let wrong = move || check.with(Check::is_wrong);
    let title = format!("adapter-{}", entry.number);
    let label = entry.label.clone();
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
                <span class="chip family">{live::signal(move || facts.with(family))}</span>
                <span class="chip">{live::signal(move || facts.with(|f| f.kind.clone()))}</span>
                <span class="chip">{live::signal(move || facts.with(|f| f.dialect.clone()))}</span>
                {live::when(move || facts.with(|f| f.needs_base > 0), needs_base)}
                <span class="chip">{live::signal(move || facts.with(|f| format!("Rank {}", ranks(f))))}</span>
                <span class="chip">{live::signal(move || facts.with(alpha_from))}</span>
                {live::when(wrong, wrong_hash)}
            </p>
            <dl class="facts">
                {fact("Alpha", facts, alpha)}
                {fact("Type", facts, |f| f.dtypes.join(", "))}
                {fact("Modules", facts, modules)}
                {fact("Size", facts, size)}
            </dl>
            {live::part(move || facts.with(|f| warning_notes(f.warnings.clone(), f.warning_count, &label)))}
            {base::direction(&entry)}
            {told(&entry, facts)}
            {rules(&entry)}
            <Weights entry=entry.clone() />
            <BlockWeights entry=entry.clone() />
            <AboutPart entry=entry />
        </li>
    }
}

/// A merged file tells how it was made.
fn told(entry: &Entry, facts: RwSignal<Facts>) -> AnyView {
    let (state, number) = (state(), entry.number);
    let button = move || {
        view! {
            <p class="small told-recipe">
                "Merged by a recipe, which it tells. "
                <button class="button plain" type="button" on:click=move |_| recall::open_told(state, number)>
                    "Open its recipe"
                </button>
            </p>
        }
        .into_any()
    };
    live::when(move || facts.with(|f| f.recipe), button)
}

/// Factors by module name, where a recipe says some.
fn rules(entry: &Entry) -> AnyView {
    let rules = RwSignal::from(entry.rules.clone());
    let label = entry.label.clone();
    let one = |rule: &Rule| {
        let text = rule.weight.map_or_else(|| "taken out".to_owned(), |weight| format!("× {weight}"));
        view! {
            <li>
                <code>{rule.pattern.clone()}</code>
                " "
                {text}
            </li>
        }
        .into_any()
    };
    let shown = move || {
        view! {
            <div class="rules small">
                <p>"Modules whose names fit, the last one counts:"</p>
                <ul>{rules.with(|all| live::list(all, one))}</ul>
                <button
                    class="button plain"
                    type="button"
                    aria-label=format!("Remove the rules of {label}")
                    on:click=move |_| rules.set(Vec::new())
                >
                    "Remove the rules"
                </button>
            </div>
        }
        .into_any()
    };
    live::when(move || !rules.with(Vec::is_empty), shown)
}

fn fact(name: &'static str, facts: RwSignal<Facts>, value: fn(&Facts) -> String) -> AnyView {
    view! {
        <div>
            <dt>{name}</dt>
            <dd>{live::signal(move || facts.with(value))}</dd>
        </div>
    }
    .into_any()
}

/// Up, down, remove.
#[component]
fn CardButtons(number: u32, label: String) -> impl IntoView {
    let state = state();
    let is = move |entry: Option<&Entry>| entry.is_none_or(|e| e.number == number);
    let first = live::signal(move || state.entries.with(|all| is(all.first())));
    let last = live::signal(move || state.entries.with(|all| is(all.last())));
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
    if facts.family == "unknown" {
        return "Unknown base".into();
    }
    format!("{}, {} % sure", facts.family_title, fixed(100.0 * facts.confidence, 0))
}

fn alpha_from(facts: &Facts) -> &'static str {
    match facts.alpha_from.as_str() {
        "tensors" => "Alpha in tensors",
        "config" => "Alpha in adapter_config.json",
        "metadata" => "Alpha in metadata",
        _ => "No alpha: scale 1",
    }
}

fn needs_base() -> AnyView {
    view! { <span class="chip">"Needs its base"</span> }.into_any()
}

fn wrong_hash() -> AnyView {
    view! { <span class="chip bad">"States a wrong hash"</span> }.into_any()
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

fn size(facts: &Facts) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
    let size = facts.size as f64;
    bytes(size)
}

fn modules(facts: &Facts) -> String {
    match facts.text_encoder_modules {
        0 => facts.modules.to_string(),
        n if n == facts.modules => format!("{n}, text encoder"),
        n => format!("{} and {n} in text encoders", facts.modules - n),
    }
}
