//! Where the open adapters pull against each other: measured when asked for, in a sample or exactly.

use crate::entries::reasons;
use crate::format::{count, fixed, percent};
use crate::live;
use crate::state::{State, state};
use crate::trouble::trouble;
use leptos::{prelude::*, task::spawn_local};
use rankweave_adapter::Error;
use rankweave_wasm::protocol::{Conflicts, Mix, Shares};

/// Whether conflicts were measured.
#[derive(Clone)]
enum Measure {
    /// They were not.
    Not,
    /// They are being measured; the share done, 0 to 1.
    Running(f64),
    /// They were.
    Done(Conflicts),
    /// They could not be.
    Failed(Vec<Error>),
}

/// The button, how far it is, and what was found. What was found at other weights goes.
#[component]
pub fn ConflictsPart() -> impl IntoView {
    let state = state();
    let measure = RwSignal::new(Measure::Not);
    // That a hash becomes known changes nothing here.
    let plain = |mix: Mix| Mix { data: None, at: Vec::new(), ..mix };
    let mix = live::memo(move || (state.adapters(), state.settings().mix.into_iter().map(plain).collect::<Vec<_>>()));
    live::effect(move || {
        // Whatever it is: a memo that nobody reads is never worked out.
        mix.with(|_| ());
        stop(state);
        measure.set(Measure::Not);
    });
    // Only what kind of state it is: progress moves the bar and draws nothing anew.
    let kind = live::memo(move || measure.with(std::mem::discriminant));
    let part = move || match kind.get() {
        running if running == std::mem::discriminant(&Measure::Running(0.0)) => busy(state, measure),
        _ => settled(state, measure),
    };
    view! { <div class="conflicts">{live::part(part)}</div> }
}

fn stop(state: State) {
    if let Some(engine) = state.engine.get_untracked() {
        engine.stop_conflicts();
    }
}

fn run(state: State, measure: RwSignal<Measure>, exact: bool) {
    let Some(engine) = state.engine.get_untracked() else { return };
    let (settings, adapters) = untrack(|| (state.settings(), state.adapters()));
    measure.set(Measure::Running(0.0));
    spawn_local(async move {
        let on = move |share| measure.set(Measure::Running(share));
        let answer = engine.conflicts(&adapters, settings, exact, on).await.map_err(reasons);
        let (now, told) = match answer {
            Ok(found) => (Measure::Done(found), "Conflicts were measured"),
            // Stopped: as before.
            Err(errors) if errors.is_empty() => (Measure::Not, "Conflicts are not measured any further"),
            Err(errors) => (Measure::Failed(errors), "Conflicts could not be measured"),
        };
        measure.set(now);
        state.say.set(told.into());
    });
}

fn busy(state: State, measure: RwSignal<Measure>) -> AnyView {
    let share = live::signal(move || if let Measure::Running(share) = measure.get() { share } else { 0.0 });
    view! {
        <div class="reading">
            <progress max="1" value=share aria-label="Measuring conflicts"></progress>
            <span class="small">{live::signal(move || percent((share.get() * 100.0).floor() / 100.0))}</span>
            <button class="button plain" type="button" aria-label="Stop measuring" on:click=move |_| stop(state)>
                "Stop"
            </button>
        </div>
    }
    .into_any()
}

fn settled(state: State, measure: RwSignal<Measure>) -> AnyView {
    let button = |name: &'static str, exact: bool| {
        view! {
            <button class="button" type="button" on:click=move |_| run(state, measure, exact)>
                {name}
            </button>
        }
        .into_any()
    };
    match measure.get_untracked() {
        Measure::Not => button("Measure conflicts", false),
        Measure::Failed(errors) => {
            let errors = live::list(&errors, |error| trouble(error, None));
            view! { {button("Measure conflicts", false)} {errors} }.into_any()
        }
        Measure::Done(found) => {
            let more = found.rows.map(|_| button("Count all entries", true));
            view! { {results(&found)} {more} }.into_any()
        }
        Measure::Running(_) => live::nothing(),
    }
}

fn results(found: &Conflicts) -> AnyView {
    let how = match found.rows {
        Some(rows) => format!("{rows} rows of each module, drawn from seed {}; ± one standard error.", found.seed),
        None => "All entries of each module.".into(),
    };
    let alone = match found.alone {
        0 => String::new(),
        n => format!(" {} that one adapter alone changes are left out.", count(n, "module")),
    };
    let all = &found.total;
    let figure = |title: &'static str, (share, error): (f64, f64), of: &str, says: String| {
        let error = if error > 0.0 { format!(" (±\u{a0}{}\u{a0}%)", fixed(100.0 * error, 2)) } else { String::new() };
        view! {
            <div class="figure">
                <dt>{title}</dt>
                <dd>{short(share)}</dd>
                <dd class="plain">{format!("{of}{error}{says}")}</dd>
            </div>
        }
        .into_any()
    };
    let expected = all.expected.map_or_else(String::new, |share| format!(", {} by chance", short(share)));
    let masks = format!(", shared {}, catastrophic {}", short(all.shared.0), short(all.catastrophic.0));
    let more = (found.module_count as usize).saturating_sub(found.modules.len());
    let more = (more > 0).then(|| view! { <p class="small muted">"and " {more} " more"</p> });
    view! {
        <p class="small muted">{how + &alone}</p>
        <dl class="figures">
            {figure("Conflict", all.conflict, "of positions pull both ways", expected)}
            {figure("Cancels", all.mass, "of what they add", String::new())}
            {figure("Selfish", all.selfish, "of positions", masks)}
        </dl>
        <div class="table-frame" tabindex="0" role="group" aria-label="Conflicts by module">
            <table class="rows">
                <caption>"Conflicts by module"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Module"</th>
                        <th scope="col">"Conflict"</th>
                        <th scope="col">"Chance"</th>
                        <th scope="col">"Cancels"</th>
                    </tr>
                </thead>
                <tbody>{live::list(&found.modules, |(module, shares)| line(module, shares))}</tbody>
            </table>
        </div>
        {more}
        <details class="told">
            <summary>"What is counted"</summary>
            <p class="small">
                "Conflict: positions where one adapter adds and another takes away; chance is what random entries \
                 with the same cosines would give. Cancels: how much of all that is added and taken away comes to nothing. \
                 Selfish, shared, catastrophic: positions that one adapter decides, several, none (an entry decides where \
                 it is above 0.4 of what the others come to)."
            </p>
        </details>
    }
    .into_any()
}

fn line(module: &str, shares: &Shares) -> AnyView {
    let masks = format!("selfish {}, shared {}", short(shares.selfish.0), short(shares.shared.0));
    view! {
        <tr>
            <th scope="row">{module.to_owned()} <span class="muted">{masks}</span></th>
            <td>{short(shares.conflict.0)}</td>
            <td>{shares.expected.map_or_else(|| "–".into(), short)}</td>
            <td>{short(shares.mass.0)}</td>
        </tr>
    }
    .into_any()
}

fn short(share: f64) -> String {
    format!("{}\u{a0}%", fixed(100.0 * share, 1))
}
