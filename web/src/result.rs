//! The merged file: Save, its size and its hashes; or why there is none.

use crate::format::{bytes, count};
use crate::job::{Job, Outcome};
use crate::live;
use crate::state::{State, state};
use crate::trouble::trouble;
use leptos::{html, prelude::*};
use std::sync::Arc;

/// What came of the last merge.
#[component]
pub fn ResultCard() -> impl IntoView {
    let state = state();
    // Progress is of no concern here: the card changes only when a merge ends or begins.
    let made = live::memo(move || state.job.with(|job| job.outcome().map(|_| state.runs.get_untracked())));
    let card = move || match made.get().and_then(|_| state.job.with_untracked(Job::outcome)) {
        Some(outcome) => done(state, &outcome),
        None => live::nothing(),
    };
    let failed = live::memo(move || matches!(state.job.get(), Job::Failed(_)));
    let close = Callback::new(move |()| state.job.set(Job::Idle));
    let troubles = move || match (failed.get(), state.job.get_untracked()) {
        (true, Job::Failed(errors)) => live::list(&errors, |error| trouble(error, Some(close))),
        _ => live::nothing(),
    };
    view! {
        <div role="alert" class="notes" hidden=live::signal(move || !failed.get())>
            {live::part(troubles)}
        </div>
        {live::part(card)}
    }
}

fn done(state: State, outcome: &Arc<Outcome>) -> AnyView {
    let save = NodeRef::<html::A>::new();
    live::effect(move || {
        if let Some(link) = save.get() {
            // A link in the page can be focused.
            let _ = link.focus();
        }
    });
    let made = outcome.clone();
    let stale = live::memo(move || made.is_stale(state));
    let summary = outcome.summary.clone();
    let whole = outcome.file_sha256.clone();
    let autov3 = summary.data_sha256.get(..12).unwrap_or_default().to_ascii_uppercase();
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
        <div class="done" class:stale=live::signal(move || stale.get())>
            <p class="name">{summary.name.clone()}</p>
            <a class="button primary" id="save" node_ref=save href=outcome.file.clone() download=summary.name.clone()>
                "Save"
            </a>
            <p class="note warn" hidden=live::signal(move || !stale.get())>
                <span>"Made before your last change. Merge again to follow it."</span>
            </p>
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
                <dd class="mono">{live::signal(move || whole.get().unwrap_or_else(|| "…".into()))}</dd>
            </dl>
            <div class="others">
                {config}
                <a class="button" href=outcome.report.clone() download=format!("{}.report.json", stem(&summary.name))>
                    "Report (JSON)"
                </a>
            </div>
        </div>
    }
    .into_any()
}

fn ranks((low, high): (u32, u32)) -> String {
    if low == high { low.to_string() } else { format!("{low} to {high}") }
}

fn stem(name: &str) -> &str {
    name.strip_suffix(".safetensors").unwrap_or(name)
}
