//! What kind of file comes out: rank, number type, spelling.

use crate::field::NumberField;
use crate::live;
use crate::state::{Policy, state};
use leptos::prelude::*;

/// Number types: id, name.
const DTYPES: [(&str, &str); 6] = [
    ("same", "Like the first"),
    ("f32", "F32"),
    ("f16", "F16, half size"),
    ("bf16", "BF16, half size"),
    ("f8_e4m3", "F8 E4M3, quarter size"),
    ("f8_e5m2", "F8 E5M2, quarter size"),
];

/// Spellings: id, name.
const KEYS: [(&str, &str); 5] = [
    ("same", "Like the first"),
    ("kohya", "kohya"),
    ("diffusers", "diffusers"),
    ("comfy", "ComfyUI"),
    ("peft", "PEFT"),
];

/// What is taken over from the inputs' metadata: id, name.
const METADATA: [(&str, &str); 5] = [
    ("minimal", "Minimal: what all agree on"),
    ("merge-tags", "Merged tags, triggers, licences"),
    ("keep-first", "Keep that of the first"),
    ("keep-all", "Keep all, under names of their own"),
    ("none", "None"),
];

/// Rank, type, keys and metadata.
#[component]
pub fn OutputFields() -> impl IntoView {
    let form = state().form;
    view! {
        <fieldset>
            <legend class="legend">"Rank"</legend>
            <div class="option">
                {radio(Policy::Exact, "rank-exact")}
                <label for="rank-exact">"Exact: as high as it needs to be"</label>
            </div>
            <div class="option">
                {radio(Policy::Fixed, "rank-fixed")}
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
                {radio(Policy::Energy, "rank-energy")}
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
            <div class="option">
                {radio(Policy::Dense, "rank-dense")}
                <label for="rank-dense">"None: whole differences, in a large file"</label>
            </div>
        </fieldset>
        <div class="pair">
            {choose("dtype", "Number type", &DTYPES, form.dtype)}
            {choose("keys", "Key spelling", &KEYS, form.keys)}
        </div>
        {choose("metadata", "Metadata", &METADATA, form.metadata)}
        <div class="field">
            <label for="seed">"Seed"</label>
            <NumberField
                id="seed"
                low=0.0
                high=u32::MAX.into()
                step=1.0
                whole=true
                may_be_empty=true
                placeholder="0"
                described_by="seed-help"
                value=live::signal(move || form.seed.get().map_or(f64::NAN, f64::from))
                set=move |n| form.seed.set(whole(n))
            />
            <p class="help" id="seed-help">"For methods that use chance: the same seed gives the same file."</p>
        </div>
        {loads()}
    }
}

/// Which programs read the file.
fn loads() -> AnyView {
    let state = state();
    let known = live::memo(move || state.estimate.with(|e| e.as_ref()?.as_ref().ok().map(|e| e.loads.clone())));
    let list = move || match known.get() {
        None => live::nothing(),
        Some(programs) if programs.is_empty() => {
            view! { <p class="line">"Loads in: not known for this spelling and model."</p> }.into_any()
        }
        Some(programs) => {
            let one = |(program, reads, says): &(String, String, String)| {
                view! {
                    <dt>{program.clone()}</dt>
                    <dd>{format!("{reads}. {says}")}</dd>
                }
                .into_any()
            };
            view! {
                <details class="told loads">
                    <summary>{summary(&programs)}</summary>
                    <dl>{live::list(&programs, one)}</dl>
                </details>
            }
            .into_any()
        }
    };
    live::part(list)
}

/// "Loads in ComfyUI, Forge".
fn summary(programs: &[(String, String, String)]) -> String {
    let some = programs.iter().filter(|(_, reads, _)| reads == "yes" || reads == "partly");
    let names: Vec<_> =
        some.map(|(name, reads, _)| name.clone() + if reads == "partly" { " (partly)" } else { "" }).collect();
    if names.is_empty() {
        "Loads in: no program that is known to".into()
    } else {
        format!("Loads in {}", names.join(", "))
    }
}

fn radio(policy: Policy, id: &'static str) -> AnyView {
    let chosen = state().form.policy;
    view! {
        <input
            type="radio"
            name="rank"
            id=id
            prop:checked=live::signal(move || chosen.get() == policy)
            on:change=move |_| chosen.set(policy)
        />
    }
    .into_any()
}

/// The number of a field for whole numbers; none where it is empty.
fn whole(n: f64) -> Option<u32> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the field allows no other numbers")]
    (!n.is_nan()).then_some(n as u32)
}

/// A list to choose from: ids, names.
pub fn choose(
    id: &'static str,
    label: &'static str,
    options: &'static [(&'static str, &'static str)],
    value: RwSignal<String>,
) -> AnyView {
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <select id=id prop:value=live::signal(move || value.get()) on:change=move |event| value.set(event_target_value(&event))>
                {live::list(options, |(id, title)| live::option((*id).into(), (*title).into()))}
            </select>
        </div>
    }
    .into_any()
}
