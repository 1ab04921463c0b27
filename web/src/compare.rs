//! How the open adapters fit together, before anything is merged.

use crate::format::count;
use crate::live;
use crate::state::{State, state};
use crate::trouble::{trouble, warning_notes};
use leptos::prelude::*;
use rankweave_wasm::protocol::{Estimate, Facts};

/// Notes on what a merge would do, or why it cannot be done.
#[component]
pub fn Compare() -> impl IntoView {
    let state = state();
    let number = live::memo(move || state.entries.with(Vec::len));
    let content = move || match state.estimate.get() {
        None => preview(),
        Some(Ok(estimate)) => notes(state, estimate),
        Some(Err(errors)) => live::list(&errors, |error| trouble(error, None)),
    };
    view! {
        <div class="part">
            <h3>{live::signal(move || if number.get() == 1 { "This adapter alone" } else { "These adapters together" })}</h3>
            <div class="notes" aria-live="polite">
                {live::part(content)}
            </div>
        </div>
    }
}

fn preview() -> AnyView {
    view! {
        <p class="preview">
            "Here you will see how your adapters fit together, and after the merge how exact the result is."
        </p>
    }
    .into_any()
}

fn note(class: &'static str, text: String) -> AnyView {
    view! {
        <p class=class>
            <span>{text}</span>
        </p>
    }
    .into_any()
}

fn notes(state: State, estimate: Estimate) -> AnyView {
    let all: Vec<Facts> = state.entries.with_untracked(|all| all.iter().map(|e| e.facts.get_untracked()).collect());
    let mut told = vec![fit(&estimate, all.len())];
    let highest = |facts: &Facts| facts.ranks.iter().map(|(rank, _)| *rank).max();
    if all.windows(2).any(|pair| highest(&pair[0]) != highest(&pair[1])) {
        told.push(note("note good", "Different ranks are fine: nothing is averaged away or skipped.".into()));
    }
    told.push(warning_notes(estimate.warnings, estimate.warning_count, ""));
    told.into_any()
}

/// How many modules the adapters share.
fn fit(estimate: &Estimate, number: usize) -> AnyView {
    let modules = count(estimate.modules, "module");
    match (number, estimate.shared) {
        (1, _) => note("note info", "Its weight, rank, number type and key spelling can be changed for good.".into()),
        // The plan warns of it.
        (_, 0) => live::nothing(),
        (_, n) if n == estimate.modules => note("note good", format!("All {modules} are in every adapter.")),
        (_, n) => note(
            "note info",
            format!("{n} of {modules} are in every adapter; the rest come from those that have them."),
        ),
    }
}
