//! Errors and warnings. Text from files is put into text nodes only, cleaned by the error itself.

use crate::icons;
use crate::live;
use crate::state::state;
use leptos::prelude::*;
use rankweave_adapter::{Error, Warning};

/// An error: what, where, and what to do. `close` is what its closing button does.
pub fn trouble(error: &Error, close: Option<Callback<()>>) -> AnyView {
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
    .into_any()
}

/// Errors of files that could not be opened.
#[component]
pub fn FileTroubles() -> impl IntoView {
    let state = state();
    let each = move || {
        let close = move |index: usize| {
            state.troubles.update(|all| drop(all.remove(index)));
            crate::drop::focus();
        };
        let one = |(i, error): (usize, &Error)| trouble(error, Some(Callback::new(move |()| close(i))));
        state.troubles.with(|all| live::list(all.iter().enumerate(), one))
    };
    // The region is there before its content is, or it would not be announced.
    view! {
        <div role="alert" class="notes" hidden=live::signal(move || state.troubles.with(Vec::is_empty))>
            {live::part(each)}
        </div>
    }
}

/// The first few warnings, each with what to do, and how many there are in `all`. Those about the file `here` need not name it.
pub fn warning_notes(warnings: Vec<Warning>, all: u32, here: &str) -> AnyView {
    if all == 0 {
        return live::nothing();
    }
    let more = (all as usize).saturating_sub(warnings.len());
    let text = |warning: Warning| match warning.place.to_string() {
        place if place.is_empty() || place == here => warning.message,
        place => format!("{} ({place})", warning.message),
    };
    let with_fix = |warning: Warning| (warning.fix(), text(warning));
    let mut texts: Vec<(&str, String)> = warnings.into_iter().map(with_fix).collect();
    if more > 0 {
        texts.push(("", format!("and {more} more")));
    }
    view! { <ul class="notes">{live::list(texts, note)}</ul> }.into_any()
}

fn note((fix, text): (&'static str, String)) -> AnyView {
    let fix = (!fix.is_empty()).then(|| view! { <span class="fix">{fix}</span> });
    view! {
        <li class="note warn">
            <span>{text} {fix}</span>
        </li>
    }
    .into_any()
}
