//! How the open adapters go together: a verdict, and rows that say what to do. Asked anew whenever an adapter changes.

use crate::entries::Entry;
use crate::live;
use crate::state::state;
use leptos::{prelude::*, task::spawn_local};
use rankweave_wasm::protocol::{Finding, Fit, Level};

/// Keeps the comparison up to date. An answer counts only if nothing has changed since its question.
pub fn follow() {
    let state = state();
    let asked = StoredValue::new(0_u32);
    // Only what has been read to its end counts, not how far reading is.
    let readings = live::memo(move || {
        let reading = |e: &Entry| e.check.with(|check| check.done().map(|checked| checked.reading.clone()));
        state.entries.with(|all| all.iter().map(reading).collect::<Vec<_>>())
    });
    live::effect(move || {
        let (adapters, readings) = (state.adapters(), readings.get());
        // A configuration that came later changes an adapter.
        state.entries.with(|all| all.iter().for_each(|e| e.facts.track()));
        let number = asked.get_value() + 1;
        asked.set_value(number);
        let Some(engine) = state.engine.get().filter(|_| !adapters.is_empty()) else {
            state.fit.set(None);
            return;
        };
        spawn_local(async move {
            let answer = engine.compare(adapters, readings).await;
            if asked.get_value() == number {
                state.fit.set(answer.ok());
            }
        });
    });
}

/// The rows above the form.
#[component]
pub fn FitPart() -> impl IntoView {
    let state = state();
    let several = live::memo(move || state.entries.with(Vec::len) > 1);
    let content = move || match state.fit.get() {
        Some(fit) if several.get() || !fit.findings.is_empty() => rows(&fit, several.get()),
        _ => live::nothing(),
    };
    view! {
        <div class="fit" aria-live="polite">
            {live::part(content)}
        </div>
    }
}

fn rows(fit: &Fit, several: bool) -> AnyView {
    let more = (fit.finding_count as usize).saturating_sub(fit.findings.len());
    let more = (more > 0).then(|| view! { <li class="note info"><span>"and " {more} " more"</span></li> });
    let (class, words) = match (fit.verdict, several) {
        (Level::Good, _) => ("chip good", "They go together"),
        (Level::Info, true) => ("chip good", "They go together, mostly"),
        (Level::Info, false) => ("chip", "Worth knowing"),
        (Level::Warn, _) => ("chip warn", "Look before you merge"),
        (Level::Bad, true) => ("chip bad", "They do not go together"),
        (Level::Bad, false) => ("chip bad", "This file is broken"),
    };
    view! {
        <p class="chips">
            <span class=class>{words}</span>
        </p>
        <ul class="notes">{live::list(&fit.findings, row)} {more}</ul>
    }
    .into_any()
}

fn row(finding: &Finding) -> AnyView {
    let class = match finding.level {
        Level::Good => "note good",
        Level::Info => "note info",
        Level::Warn => "note warn",
        Level::Bad => "note bad",
    };
    let fix = (!finding.fix.is_empty()).then(|| view! { <span class="fix">{finding.fix.clone()}</span> });
    view! {
        <li class=class>
            <span>{finding.text.clone()} {fix}</span>
        </li>
    }
    .into_any()
}
