//! How the open adapters fit together, before anything is merged.

use crate::format::count;
use crate::state::state;
use crate::trouble::{Trouble, WarningNotes};
use leptos::prelude::*;
use rankweave_wasm::protocol::Estimate;

/// Notes on what a merge would do, or why it cannot be done.
#[component]
pub fn Compare() -> impl IntoView {
    let state = state();
    let number = move || state.entries.with(Vec::len);
    let notes = move || match state.estimate.get() {
        None => view! {
            <p class="preview">
                "Here you will see how your adapters fit together, and after the merge how exact the result is."
            </p>
        }
        .into_any(),
        Some(Ok(estimate)) => view! { <Notes estimate=estimate number=number() /> }.into_any(),
        Some(Err(errors)) => {
            errors.into_iter().map(|error| view! { <Trouble error=error /> }).collect_view().into_any()
        }
    };
    view! {
        <div class="part">
            <h3>{move || if number() == 1 { "This adapter alone" } else { "These adapters together" }}</h3>
            <div class="notes" aria-live="polite">
                {notes}
            </div>
        </div>
    }
}

#[component]
fn Notes(estimate: Estimate, number: usize) -> impl IntoView {
    let state = state();
    let (class, fit) = match (number, estimate.shared) {
        (1, _) => ("note info", "Its weight, rank, number type and key spelling can be changed for good.".to_owned()),
        (_, 0) => ("note warn", "No module is in all of them. Were they made for the same base model?".to_owned()),
        (_, shared) if shared == estimate.modules => {
            ("note good", format!("All {} are in every adapter.", count(shared, "module")))
        }
        (_, shared) => {
            ("note info", format!("{shared} of {} are in every adapter. The others come from those that have them.", count(estimate.modules, "module")))
        }
    };
    let ranks: Vec<u32> = state.entries.with_untracked(|all| {
        let highest = |f: &rankweave_wasm::protocol::Facts| f.ranks.iter().map(|(rank, _)| *rank).max();
        all.iter().filter_map(|e| e.facts.with_untracked(highest)).collect()
    });
    let mixed = ranks.windows(2).any(|pair| pair[0] != pair[1]);
    let families: Vec<String> = state.entries.with_untracked(|all| {
        let known = |f: &rankweave_wasm::protocol::Facts| (f.family != "unknown").then(|| f.family_title.clone());
        all.iter().filter_map(|e| e.facts.with_untracked(known)).collect()
    });
    let foreign = families.iter().find(|f| Some(*f) != families.first()).cloned();
    view! {
        <p class=class>
            <span>{fit}</span>
        </p>
        {foreign
            .map(|other| {
                view! {
                    <p class="note bad">
                        <span>{format!("Different base models: {} and {other}.", families[0])}</span>
                    </p>
                }
            })}
        {mixed
            .then(|| {
                view! {
                    <p class="note good">
                        <span>"Different ranks are fine: nothing is averaged away or skipped."</span>
                    </p>
                }
            })}
        <WarningNotes warnings=estimate.warnings all=estimate.warning_count />
    }
}
