//! What kind of file comes out: rank, number type, spelling.

use crate::field::NumberField;
use crate::state::{Policy, state};
use leptos::prelude::*;

/// Number types: id, name.
const DTYPES: [(&str, &str); 4] =
    [("same", "Like the first"), ("f32", "F32"), ("f16", "F16, half size"), ("bf16", "BF16, half size")];

/// Spellings: id, name.
const KEYS: [(&str, &str); 4] =
    [("same", "Like the first"), ("kohya", "kohya"), ("diffusers", "diffusers"), ("peft", "PEFT")];

/// Rank, type and keys.
#[component]
pub fn OutputFields() -> impl IntoView {
    let form = state().form;
    view! {
        <fieldset>
            <legend class="legend">"Rank"</legend>
            <RankOption policy=Policy::Exact id="rank-exact" label="Exact: as high as it needs to be" />
            <div class="option">
                <RankRadio policy=Policy::Fixed id="rank-fixed" />
                <label for="rank-fixed">"At most"</label>
                <NumberField
                    name="Highest rank"
                    low=1.0
                    high=4096.0
                    step=1.0
                    whole=true
                    value=form.fixed
                    set=move |n| {
                        form.fixed.set(n);
                        form.policy.set(Policy::Fixed);
                    }
                />
            </div>
            <div class="option">
                <RankRadio policy=Policy::Energy id="rank-energy" />
                <label for="rank-energy">"Keep energy, in percent"</label>
                <NumberField
                    name="Energy to keep, in percent"
                    low=1.0
                    high=100.0
                    step=0.5
                    value=form.energy
                    set=move |n| {
                        form.energy.set(n);
                        form.policy.set(Policy::Energy);
                    }
                />
            </div>
        </fieldset>
        <div class="pair">
            <Choose id="dtype" label="Number type" options=DTYPES value=form.dtype />
            <Choose id="keys" label="Key spelling" options=KEYS value=form.keys />
        </div>
    }
}

#[component]
fn RankOption(policy: Policy, id: &'static str, label: &'static str) -> impl IntoView {
    view! {
        <div class="option">
            <RankRadio policy=policy id=id />
            <label for=id>{label}</label>
        </div>
    }
}

#[component]
fn RankRadio(policy: Policy, id: &'static str) -> impl IntoView {
    let chosen = state().form.policy;
    view! {
        <input
            type="radio"
            name="rank"
            id=id
            prop:checked=move || chosen.get() == policy
            on:change=move |_| chosen.set(policy)
        />
    }
}

#[component]
fn Choose(
    id: &'static str,
    label: &'static str,
    options: [(&'static str, &'static str); 4],
    value: RwSignal<String>,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <select id=id prop:value=move || value.get() on:change=move |event| value.set(event_target_value(&event))>
                {options.map(|(id, title)| view! { <option value=id>{title}</option> }).into_iter().collect_view()}
            </select>
        </div>
    }
}
