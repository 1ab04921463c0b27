//! Errors and warnings. Text from files is put into text nodes only, cleaned by the error itself.

use crate::icons;
use crate::state::state;
use leptos::prelude::*;
use rankweave_adapter::{Error, Warning};

/// An error: what, where, and what to do.
#[component]
pub fn Trouble(
    /// The error.
    error: Error,
    /// What its closing button does; none: it cannot be closed.
    #[prop(optional, into)]
    close: Option<Callback<()>>,
) -> impl IntoView {
    let [what, place, hint] = error.lines();
    let line = |class, text: String| (!text.is_empty()).then(|| view! { <p class=class>{text}</p> });
    let button = close.map(|close| {
        view! {
            <button class="button icon" type="button" aria-label="Dismiss this message" on:click=move |_| close.run(())>
                {icons::cross()}
            </button>
        }
    });
    view! {
        <div class="trouble">
            <p class="what">{what}</p>
            {button}
            {line("where mono", place)}
            {line("hint", hint)}
        </div>
    }
}

/// Errors of files that could not be opened.
#[component]
pub fn FileTroubles() -> impl IntoView {
    let state = state();
    let close = move |index: usize| {
        state.troubles.update(|all| {
            all.remove(index);
        });
        crate::drop::focus();
    };
    let each = move || {
        let all = state.troubles.get().into_iter().enumerate();
        all.map(|(i, error)| view! { <Trouble error=error close=move |()| close(i) /> }).collect_view()
    };
    // The region is there before its content is, or it would not be announced.
    view! {
        <div role="alert" class="notes" hidden=move || state.troubles.with(Vec::is_empty)>
            {each}
        </div>
    }
}

/// The first few warnings, and how many more there are.
#[component]
pub fn WarningNotes(
    /// The first few.
    warnings: Vec<Warning>,
    /// How many there are in all.
    all: u32,
) -> impl IntoView {
    let more = (all as usize).saturating_sub(warnings.len());
    let note = |warning: Warning| {
        let place = warning.place.to_string();
        view! {
            <li class="note warn">
                <span>
                    {warning.message}
                    {(!place.is_empty()).then(|| view! { <span class="muted">{format!(" ({place})")}</span> })}
                </span>
            </li>
        }
    };
    (all > 0).then(|| {
        view! {
            <ul class="notes">
                {warnings.into_iter().map(note).collect_view()}
                {(more > 0).then(|| view! { <li class="note warn">{format!("and {more} more")}</li> })}
            </ul>
        }
    })
}
