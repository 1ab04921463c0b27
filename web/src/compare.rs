//! What the open adapters have in common, before anything is merged, and what else a merge would do.

use crate::conflicts::ConflictsPart;
use crate::live;
use crate::state::{State, state};
use crate::trouble::{trouble, warning_notes};
use leptos::prelude::*;
use rankweave_wasm::protocol::{Estimate, Fit, Overlap};

/// The shared modules, and notes on what a merge would do, or why it cannot be done.
#[component]
pub fn Compare() -> impl IntoView {
    let state = state();
    let number = live::memo(move || state.entries.with(Vec::len));
    let shared = move || match state.fit.get() {
        Some(fit) if number.get() > 1 => table(state, &fit),
        _ => live::nothing(),
    };
    view! {
        <div class="part">
            <h3>{live::signal(move || if number.get() == 1 { "This adapter alone" } else { "These adapters together" })}</h3>
            {live::part(shared)}
            {live::when(move || { number.get() > 1 }, || view! { <ConflictsPart /> }.into_any())}
            {live::when(move || state.estimate.with(Option::is_none), preview)}
            <Notes />
        </div>
    }
}

/// What a merge would do that one should know, or why it cannot be done.
#[component]
pub fn Notes() -> impl IntoView {
    let state = state();
    let number = live::memo(move || state.entries.with(Vec::len));
    let notes = move || match state.estimate.get() {
        None => live::nothing(),
        Some(Ok(estimate)) => notes(estimate, number.get()),
        Some(Err(errors)) => live::list(&errors, |error| trouble(error, None)),
    };
    view! {
        <div class="notes" aria-live="polite">
            {live::part(notes)}
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

fn notes(estimate: Estimate, number: usize) -> AnyView {
    let alone = (number == 1).then(|| {
        view! {
            <p class="note info">
                <span>"Its weight, rank, number type and key spelling can be changed for good."</span>
            </p>
        }
    });
    view! {
        {alone}
        {warning_notes(estimate.warnings, estimate.warning_count, "")}
    }
    .into_any()
}

/// How many modules each two adapters share, and which they disagree about.
fn table(state: State, fit: &Fit) -> AnyView {
    let labels: Vec<String> = state.entries.with_untracked(|all| all.iter().map(|e| e.label.clone()).collect());
    let name = |i: u32| labels.get(i as usize).cloned().unwrap_or_default();
    let row = |o: &Overlap| {
        view! {
            <tr>
                <th scope="row">{name(o.a)} <span class="muted">" and "</span> {name(o.b)}</th>
                <td>{o.shared}</td>
                <td>{o.only_a}</td>
                <td>{o.only_b}</td>
            </tr>
        }
        .into_any()
    };
    let more = (fit.overlap_count as usize).saturating_sub(fit.overlaps.len());
    let more = (more > 0).then(|| view! { <p class="small muted">"and " {more} " more pairs"</p> });
    view! {
        <div class="table-frame" tabindex="0" role="group" aria-label="Modules in common">
            <table class="pairs">
                <caption>"Modules in common"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Adapters"</th>
                        <th scope="col">"Both"</th>
                        <th scope="col">"Only 1st"</th>
                        <th scope="col">"Only 2nd"</th>
                    </tr>
                </thead>
                <tbody>{live::list(&fit.overlaps, row)}</tbody>
            </table>
        </div>
        {more}
        {sizes(fit)}
    }
    .into_any()
}

fn sizes(fit: &Fit) -> AnyView {
    if fit.sizes.is_empty() {
        return live::nothing();
    }
    let one = |(module, sizes): &(String, String)| {
        view! {
            <li>
                <span class="mono">{module.clone()}</span> ": " {sizes.clone()}
            </li>
        }
        .into_any()
    };
    let more = (fit.size_count as usize).saturating_sub(fit.sizes.len());
    let more = (more > 0).then(|| view! { <li>"and " {more} " more"</li> });
    let title = if fit.size_count == 1 {
        "1 module differs in size".into()
    } else {
        format!("{} modules differ in size", fit.size_count)
    };
    view! {
        <details class="sizes">
            <summary>{title}</summary>
            <ul class="small">{live::list(&fit.sizes, one)} {more}</ul>
        </details>
    }
    .into_any()
}
