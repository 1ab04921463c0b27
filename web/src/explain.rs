//! Column 2: what the method does, how the adapters fit, and afterwards how exact the result is.

use crate::compare::Compare;
use crate::live;
use crate::report::Report;
use crate::state::state;
use leptos::prelude::*;
use rankweave_wasm::protocol::Method;

/// The three parts, each there when it has something to say.
#[component]
pub fn Explain() -> impl IntoView {
    let state = state();
    let method = live::memo(move || state.method());
    view! {
        {live::part(move || method.get().map_or_else(live::nothing, method_card))}
        <Compare />
        <Report />
    }
}

/// A method in words, in symbols, and where it comes from.
fn method_card(method: Method) -> AnyView {
    let Method { title, summary, formula, when, reference, .. } = method;
    let source = if reference.url.is_empty() {
        reference.title.into_any()
    } else {
        view! {
            <a href=reference.url rel="noreferrer" target="_blank">
                {reference.title}
            </a>
        }
        .into_any()
    };
    view! {
        <div class="part">
            <h3>{title}</h3>
            <p>{summary}</p>
            <p class="formula" tabindex="0" role="group" aria-label="Formula">
                // Names of parameters stand between backticks.
                {formula.replace('`', "")}
            </p>
            <p class="small muted">{when}</p>
            <p class="small muted">"From: " {source}</p>
        </div>
    }
    .into_any()
}
