//! How exact the result is: its distance from the exact answer, and what became of every weight.

use crate::format::{error, number, percent};
use crate::job::{Job, Outcome};
use crate::rows::Rows;
use crate::state::state;
use crate::trouble::WarningNotes;
use leptos::prelude::*;
use rankweave_wasm::protocol::{Recovered, Summary};
use std::sync::Arc;

/// The report of the last merge.
#[component]
pub fn Report() -> impl IntoView {
    let state = state();
    let outcome = move || state.job.with(Job::outcome);
    let number = Memo::new(move |_| outcome().map(|_| state.runs.get_untracked()));
    move || number.get().and_then(|_| untrack(outcome)).map(|outcome| view! { <Part outcome=outcome /> })
}

#[component]
fn Part(outcome: Arc<Outcome>) -> impl IntoView {
    let state = state();
    let threads = state.entries.with_untracked(|all| all.iter().map(|e| (e.label.clone(), e.thread)).collect::<Vec<_>>());
    let Summary { residual, energy, sources, warnings, warning_count, modules, .. } = outcome.summary.clone();
    view! {
        <div class="part">
            <h3>"What came out"</h3>
            <dl class="figures">
                <div class="figure">
                    <dt>"Error"</dt>
                    <dd>{error(residual)}</dd>
                    <dd class="plain">"against the exact result"</dd>
                </div>
                <div class="figure">
                    <dt>"Energy kept"</dt>
                    <dd>{percent(energy)}</dd>
                    <dd class="plain">"of the exact result"</dd>
                </div>
            </dl>
            <Weights sources=sources threads=threads />
            <WarningNotes warnings=warnings all=warning_count />
            <Rows modules=modules />
        </div>
    }
}

/// Requested and recovered weights: proof that the merge behaves as its parts would.
#[component]
fn Weights(sources: Vec<Recovered>, threads: Vec<(String, usize)>) -> impl IntoView {
    let row = move |source: Recovered| {
        let thread = threads.iter().find(|(label, _)| *label == source.label).map_or(0, |(_, thread)| thread % 8);
        let line = |part: &'static str, asked: f64, got: f64| {
            view! {
                <tr>
                    <th scope="row">
                        <span class=format!("strand thread-{thread}") aria-hidden="true"></span>
                        {source.label.clone()}
                        {part}
                    </th>
                    <td>{number(asked)}</td>
                    <td>{number(got)}</td>
                </tr>
            }
        };
        let model = source.recovered.map(|got| line("", source.weight, got));
        let te = source.recovered_text_encoder.map(|got| line(", text encoder", source.text_encoder_weight, got));
        (model, te)
    };
    view! {
        <div class="table-frame" tabindex="0" role="group" aria-label="Weights asked for and found">
            <table>
                <caption>"Weights asked for, and found in the result"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Adapter"</th>
                        <th scope="col">"Asked"</th>
                        <th scope="col">"Found"</th>
                    </tr>
                </thead>
                <tbody>{sources.into_iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
}
