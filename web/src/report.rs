//! How exact the result is: its distance from the exact answer, and what became of every weight.

use crate::format::{error, number, percent};
use crate::gpu;
use crate::job::Job;
use crate::live;
use crate::rows::rows;
use crate::state::{State, state};
use crate::trouble::warning_notes;
use leptos::prelude::*;
use rankweave_adapter::Warning;
use rankweave_wasm::protocol::{Recovered, Summary};

/// The report of the last merge.
#[component]
pub fn Report() -> impl IntoView {
    let state = state();
    let made = live::memo(move || state.job.with(|job| job.outcome().map(|_| state.runs.get_untracked())));
    live::part(move || match made.get().and_then(|_| state.job.with_untracked(Job::outcome)) {
        Some(outcome) => report(state, outcome.summary.clone(), outcome.gpu.clone()),
        None => live::nothing(),
    })
}

fn report(state: State, summary: Summary, gpu: Option<String>) -> AnyView {
    let Summary { residual, rounding, energy, sources, remarks, warnings, warning_count, modules, .. } = summary;
    view! {
        <div class="part">
            <h3>"What came out"</h3>
            <dl class="figures">
                <div class="figure">
                    <dt>"Residual"</dt>
                    <dd>{error(residual)}</dd>
                    <dd class="plain">{origin(residual, rounding)}</dd>
                </div>
                <div class="figure">
                    <dt>"Energy kept"</dt>
                    <dd>{percent(energy)}</dd>
                    <dd class="plain">"of the exact result"</dd>
                </div>
            </dl>
            {weights(state, sources)}
            {live::list(remarks, remark)}
            {gpu.map(gpu::trouble)}
            {warning_notes(warnings, warning_count, "")}
            {rows(state, modules)}
        </div>
    }
    .into_any()
}

/// What the method says of the whole.
fn remark(remark: Warning) -> AnyView {
    view! { <p class="note"><span>{remark.message}</span></p> }.into_any()
}

/// Where a residual comes from.
fn origin(residual: f64, rounding: f64) -> String {
    if residual == 0.0 {
        "nothing is lost".into()
    } else if rounding > 0.9 * residual {
        "from the exact result, all by rounding to the number type".into()
    } else {
        format!("from the exact result; rounding alone {}", error(rounding))
    }
}

/// Requested and recovered weights: proof that the merge behaves as its parts would.
fn weights(state: State, sources: Vec<Recovered>) -> AnyView {
    let mut lines = Vec::new();
    for source in sources {
        let thread = state.entries.with_untracked(|all| all.iter().find(|e| e.label == source.label).map(|e| e.thread));
        let mut line = |part: &str, asked: f64, found: Option<f64>| {
            if let Some(found) = found {
                lines.push(weight_line(thread.unwrap_or(0), format!("{}{part}", source.label), asked, found));
            }
        };
        line("", source.weight, source.recovered);
        line(", text encoder", source.text_encoder_weight, source.recovered_text_encoder);
    }
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
                <tbody>{lines}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn weight_line(thread: usize, label: String, asked: f64, found: f64) -> AnyView {
    view! {
        <tr>
            <th scope="row">
                <span class=format!("strand thread-{}", thread % 8) aria-hidden="true"></span>
                {label}
            </th>
            <td>{number(asked)}</td>
            <td>{number(found)}</td>
        </tr>
    }
    .into_any()
}
