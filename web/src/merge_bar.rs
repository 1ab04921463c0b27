//! The bar with Merge: what it would give, how far it is, and Cancel. On a small screen it stays in sight.

use crate::embed::View;
use crate::format::{bytes, count, fixed, seconds, took};
use crate::job::{self, Job, Run};
use crate::live;
use crate::state::{Policy, State, state};
use leptos::{html, prelude::*};

/// The bar.
#[component]
pub fn MergeBar() -> impl IntoView {
    let state = state();
    let running = live::memo(move || state.job.with(|job| job.running().is_some()));
    let (merge, cancel) = (NodeRef::<html::Button>::new(), NodeRef::<html::Button>::new());
    // The two take each other's place, so the keyboard's focus goes along.
    let mut before = false;
    live::effect(move || {
        let now = running.get();
        let other = if now { cancel.get() } else { merge.get() };
        if before != now && state.job.with_untracked(|job| job.outcome().is_none()) {
            // A button in the page can be focused.
            let _ = other.map(|button| button.focus());
        }
        before = now;
    });
    title(state);
    view! {
        <div class="merge-bar">
            <p class="line">{live::signal(move || line(state))}</p>
            <div class="track">
                <progress
                    aria-label="Merging"
                    max="1"
                    hidden=live::signal(move || !running.get())
                    value=live::signal(move || state.job.with(share))
                ></progress>
            </div>
            <button
                class="button primary"
                type="button"
                node_ref=merge
                aria-keyshortcuts="Control+Enter"
                hidden=live::signal(move || running.get())
                disabled=live::signal(move || !job::can_start(state))
                on:click=move |_| job::start(state)
            >
                "Merge"
            </button>
            <button
                class="button cancel"
                type="button"
                node_ref=cancel
                aria-keyshortcuts="Escape"
                hidden=live::signal(move || !running.get())
                on:click=move |_| job::cancel(state)
            >
                "Cancel"
            </button>
        </div>
    }
}

/// One line: what is going on, or what would.
fn line(state: State) -> String {
    let job = state.job.get();
    if let Some(run) = job.running() {
        return running_line(run);
    }
    if !state.ready.get() {
        return "Getting the merging engine…".into();
    }
    if state.entries.with(Vec::is_empty) {
        return "Add an adapter to begin.".into();
    }
    let before = match job {
        Job::Cancelled => "Cancelled. ".to_owned(),
        Job::Done(outcome) => {
            let done = format!("Done in {}. ", took(outcome.seconds));
            // What there is need not be estimated.
            if !outcome.is_stale(state) {
                return done;
            }
            done
        }
        _ => String::new(),
    };
    let estimate = state.estimate.with(|estimate| match estimate {
        Some(Ok(e)) => {
            #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
            let size = bytes(e.bytes as f64);
            let rank = match state.form.policy.get() {
                Policy::Dense => "whole differences".to_owned(),
                _ => format!("rank up to {}", e.rank),
            };
            format!("At most {size}, {}, {rank}", count(e.modules, "module"))
        }
        Some(Err(_)) if state.embed.is_some_and(|embed| embed.view == View::Merge) => {
            "Not possible like this; see above.".into()
        }
        Some(Err(_)) => "Not possible like this; see “What happens”.".into(),
        None => "Looking…".into(),
    });
    before + &estimate
}

fn running_line(run: Run) -> String {
    let Some(progress) = run.progress else { return "Reading the headers…".into() };
    if progress.done == progress.total {
        return format!("Writing the file, {}", bytes(progress.bytes));
    }
    let left = run.seconds_left().map(|s| format!(", {} left", seconds(s))).unwrap_or_default();
    format!("Merging {} of {}, {}{left}", progress.done, count(progress.total, "module"), bytes(progress.bytes))
}

fn share(job: &Job) -> Option<String> {
    let progress = job.running()?.progress?;
    Some(fixed(f64::from(progress.done) / f64::from(progress.total.max(1)), 3))
}

/// Shows the percentage in the window's title while it runs.
fn title(state: State) {
    let plain = document().title();
    live::effect(move || {
        let progress = state.job.with(|job| job.running().and_then(|run| run.progress));
        let percent = progress.map(|p| format!("{} % merged, ", p.done * 100 / p.total.max(1)));
        document().set_title(&(percent.unwrap_or_default() + &plain));
    });
}
