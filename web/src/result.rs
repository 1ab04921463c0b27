//! The merged file: Save, its size and its hashes; or why there is none.

use crate::format::{bytes, count};
use crate::job::{Job, Outcome};
use crate::state::{State, state};
use crate::trouble::Trouble;
use leptos::{html, prelude::*};
use std::sync::Arc;

/// What came of the last merge.
#[component]
pub fn ResultCard() -> impl IntoView {
    let state = state();
    // Progress is of no concern here: the card changes only when a merge ends or begins.
    let outcome = Memo::new_with_compare(
        move |_| state.job.with(Job::outcome),
        |old, new| match (old, new) {
            (Some(Some(a)), Some(Some(b))) => !Arc::ptr_eq(a, b),
            (a, b) => a.is_some_and(Option::is_some) != b.is_some_and(Option::is_some) || a.is_none(),
        },
    );
    let failed = move || match state.job.get() {
        Job::Failed(errors) => errors,
        _ => Vec::new(),
    };
    let close = move |()| state.job.set(Job::Idle);
    let troubles =
        move || failed().into_iter().map(|error| view! { <Trouble error=error close=close /> }).collect_view();
    view! {
        <div role="alert" class="notes" hidden=move || failed().is_empty()>
            {troubles}
        </div>
        {move || outcome.get().map(|outcome| view! { <Done outcome=outcome /> })}
    }
}

#[component]
fn Done(outcome: Arc<Outcome>) -> impl IntoView {
    let state = state();
    let save = NodeRef::<html::A>::new();
    Effect::new(move || {
        if let Some(link) = save.get() {
            // A link in the page can be focused.
            let _ = link.focus();
        }
    });
    let made = outcome.clone();
    let stale = Memo::new(move |_| is_stale(state, &made));
    let summary = outcome.summary.clone();
    let whole = outcome.file_sha256.clone();
    let autov3 = summary.data_sha256.get(..12).unwrap_or_default().to_owned();
    let config = outcome.config.clone().map(|address| {
        view! {
            <a class="button" href=address download="adapter_config.json">
                "adapter_config.json"
            </a>
        }
    });
    #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
    let size = bytes(summary.size as f64);
    view! {
        <div class="done" class:stale=move || stale.get()>
            <p class="name">{summary.name.clone()}</p>
            <a class="button primary" id="save" node_ref=save href=outcome.file.clone() download=summary.name.clone()>
                "Save"
            </a>
            <Show when=move || stale.get()>
                <p class="note warn">
                    <span>"Made before your last change. Merge again to follow it."</span>
                </p>
            </Show>
            <dl>
                <dt>"Size"</dt>
                <dd>{size} ", " {count(summary.modules, "module")}</dd>
                <dt>"Rank"</dt>
                <dd>{ranks(summary.ranks)}</dd>
                <dt>"AutoV3"</dt>
                <dd class="mono">{autov3}</dd>
                <dt>"SHA-256, tensors"</dt>
                <dd class="mono">{summary.data_sha256}</dd>
                <dt>"SHA-256, file"</dt>
                <dd class="mono">{move || whole.get().unwrap_or_else(|| "…".into())}</dd>
            </dl>
            <div class="others">
                {config}
                <a class="button" href=outcome.report.clone() download=format!("{}.report.json", stem(&summary.name))>
                    "Report (JSON)"
                </a>
            </div>
        </div>
    }
}

/// Whether anything was changed since.
fn is_stale(state: State, made: &Outcome) -> bool {
    state.adapters() != made.adapters || state.settings() != made.settings
}

fn ranks((low, high): (u32, u32)) -> String {
    if low == high { low.to_string() } else { format!("{low} to {high}") }
}

fn stem(name: &str) -> &str {
    name.strip_suffix(".safetensors").unwrap_or(name)
}
