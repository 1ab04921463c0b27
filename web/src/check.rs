//! Reading a file whole, when asked to: its hashes, whether those it states are true, and whether its numbers are sound.

use crate::copy::copy_button;
use crate::entries::{Entry, reasons};
use crate::format::percent;
use crate::live;
use crate::state::{State, state};
use crate::trouble::trouble;
use leptos::{prelude::*, task::spawn_local};
use rankweave_adapter::Error;
use rankweave_wasm::protocol::{Checked, Hash, Stated};

/// Whether a file was read.
#[derive(Clone, PartialEq)]
pub enum Check {
    /// It was not.
    Not,
    /// It is being read; the share done, 0 to 1.
    Running(f64),
    /// It was.
    Done(Checked),
    /// It could not be.
    Failed(Vec<Error>),
}

impl Check {
    /// What it has shown.
    pub fn done(&self) -> Option<&Checked> {
        if let Check::Done(checked) = self { Some(checked) } else { None }
    }

    /// Whether a hash that the header states is another file's, or none.
    pub fn is_wrong(&self) -> bool {
        self.done().is_some_and(|checked| checked.claims.iter().any(|claim| claim.wrong))
    }
}

/// The button, how far it is, and what was found.
#[component]
pub fn CheckPart(
    /// The adapter.
    entry: Entry,
) -> impl IntoView {
    let state = state();
    let check = RwSignal::from(entry.check.clone());
    let label = entry.label.clone();
    let number = entry.number;
    // Only what kind of state it is: progress moves the bar and draws nothing anew.
    let running = live::memo(move || check.with(|c| matches!(c, Check::Running(_))));
    let start = {
        let label = label.clone();
        Callback::new(move |()| run(state, number, check, label.clone()))
    };
    let stop = move |()| {
        if let Some(engine) = state.engine.get_untracked() {
            engine.stop_check(number);
        }
    };
    let (check_name, stop_name) = (format!("Check hashes of {label}"), format!("Stop reading {label}"));
    let idle = move || {
        let name = check_name.clone();
        view! {
            <button class="button" type="button" aria-label=name on:click=move |_| start.run(())>
                "Check hashes"
            </button>
        }
        .into_any()
    };
    let busy = move || {
        let share = live::signal(move || if let Check::Running(share) = check.get() { share } else { 0.0 });
        let name = stop_name.clone();
        view! {
            <div class="reading">
                <progress max="1" value=share aria-label="Reading the file"></progress>
                <span class="small">{live::signal(move || percent((share.get() * 100.0).floor() / 100.0))}</span>
                <button class="button plain" type="button" aria-label=name on:click=move |_| stop(())>
                    "Stop"
                </button>
            </div>
        }
        .into_any()
    };
    let found = move || match check.get() {
        Check::Done(checked) => results(&checked, &label),
        Check::Failed(errors) => live::list(&errors, |error| trouble(error, None)),
        Check::Not | Check::Running(_) => live::nothing(),
    };
    let button = move || if running.get() { busy() } else { idle() };
    let settled = live::memo(move || check.with(|c| !matches!(c, Check::Running(_))));
    view! {
        <div class="check">
            {live::part(button)}
            {live::part(move || if settled.get() { found() } else { live::nothing() })}
        </div>
    }
}

fn run(state: State, number: u32, check: RwSignal<Check>, label: String) {
    let Some(engine) = state.engine.get_untracked() else { return };
    check.set(Check::Running(0.0));
    spawn_local(async move {
        let answer = engine.check(number, move |share| check.set(Check::Running(share))).await;
        let told = match answer.map_err(reasons) {
            Ok(checked) => {
                check.set(Check::Done(checked));
                if check.with_untracked(Check::is_wrong) { "states a wrong hash" } else { "was read and hashed" }
            }
            // Stopped: as before.
            Err(errors) if errors.is_empty() => {
                check.set(Check::Not);
                "is not read any further"
            }
            Err(errors) => {
                check.set(Check::Failed(errors));
                "could not be read"
            }
        };
        state.say.set(format!("{label} {told}"));
    });
}

fn results(checked: &Checked, label: &str) -> AnyView {
    let hash = |hash: &Hash| {
        let copy = hash.there.then(|| copy_button(&format!("Copy {} of {label}", hash.name), hash.text.clone()));
        let text = if hash.there { hash.text.clone() } else { format!("none: {}", hash.text) };
        view! {
            <div>
                <dt>{hash.name.clone()}</dt>
                <dd>
                    <span class:mono=hash.there>{text}</span>
                    {copy}
                </dd>
            </div>
        }
        .into_any()
    };
    let claims = (!checked.claims.is_empty()).then(|| claims(&checked.claims));
    view! {
        <dl class="hashes">{live::list(&checked.hashes, hash)}</dl>
        {claims}
    }
    .into_any()
}

/// Stated hashes, each with what is to be thought of it.
pub fn claims(claims: &[Stated]) -> AnyView {
    let one = |claim: &Stated| {
        let class = match (claim.wrong, claim.words.as_str()) {
            (true, _) => "note bad",
            (false, "not checked") => "note info",
            (false, _) => "note good",
        };
        view! {
            <li class=class>
                <span>
                    {claim.key.clone()} ": " <strong>{claim.words.clone()}</strong>
                    <span class="mono">{claim.stated.clone()}</span>
                </span>
            </li>
        }
        .into_any()
    };
    view! { <ul class="notes claims" aria-label="Hashes stated in the file">{live::list(claims, one)}</ul> }.into_any()
}
