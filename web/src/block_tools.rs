//! What sets many block weights at once: presets, a pasted list, Reset; and a small picture of them.

use crate::blocks::Values;
use crate::entries::{Entry, reasons};
use crate::live;
use crate::state::state;
use leptos::{html, prelude::*, task::spawn_local};
use rankweave_adapter::Error;
use rankweave_wasm::protocol::Facts;

/// Preset chooser, field for a list, Reset.
#[component]
pub fn Tools(
    /// The adapter.
    entry: Entry,
    /// Its block weights.
    values: Values,
) -> impl IntoView {
    let facts = RwSignal::from(entry.facts.clone());
    let id = format!("preset-{}", entry.number);
    let presets = facts.with_untracked(|f| f.presets.clone());
    let all = facts.with_untracked(|f| f.blocks.len());
    let named = presets.clone();
    let chosen = live::signal(move || {
        let now = values.0.with(|v| if v.is_empty() { vec![1.0; all] } else { v.clone() });
        named.iter().find(|p| p.values == now).map_or_else(String::new, |p| p.name.clone())
    });
    let options = live::list(&presets, |p| live::option(p.name.clone(), p.name.clone()));
    let choose = move |event| {
        let name = event_target_value(&event);
        if let Some(preset) = presets.iter().find(|p| p.name == name) {
            put(values, preset.values.clone());
        }
    };
    let reset = move |_| values.0.set(Vec::new());
    view! {
        <div class="block-tools">
            <div class="field">
                <label for=id.clone()>"Preset"</label>
                <select id=id prop:value=chosen on:change=choose>
                    <option value="">"none of these"</option>
                    {options}
                </select>
            </div>
            <button
                class="button"
                type="button"
                aria-label=format!("Reset the block weights of {}", entry.label)
                disabled=live::signal(move || values.0.with(Vec::is_empty))
                on:click=reset
            >
                "Reset"
            </button>
            {paste(entry.number, facts, values)}
        </div>
    }
}

/// The field for a list. The engine says what it means.
fn paste(adapter: u32, facts: RwSignal<Facts>, values: Values) -> AnyView {
    let state = state();
    let node = NodeRef::<html::Input>::new();
    let wrong: RwSignal<Option<Error>> = RwSignal::new(None);
    let (id, help) = (format!("paste-{adapter}"), format!("paste-help-{adapter}"));
    let lists = facts.with_untracked(|f| f.block_lists.iter().map(ToString::to_string).collect::<Vec<_>>());
    let lists = match lists.split_last() {
        None => String::new(),
        Some((last, [])) => format!("{last} numbers, "),
        Some((last, more)) => format!("{} or {last} numbers, ", more.join(", ")),
    };
    let ids = facts.with_untracked(|f| f.blocks.iter().map(|b| b.id.clone()).collect::<Vec<_>>());
    let middle = ids.get(ids.len() / 3).cloned().unwrap_or_default();
    let apply = move || {
        let (Some(engine), Some(input)) = (state.engine.get_untracked(), node.get_untracked()) else { return };
        spawn_local(async move {
            match engine.blocks(adapter, input.value()).await {
                Ok(new) => {
                    put(values, new);
                    wrong.set(None);
                    state.say.set("Block weights set".into());
                }
                Err(failure) => wrong.set(reasons(failure).into_iter().next()),
            }
        });
    };
    let entered = move |event: leptos::ev::KeyboardEvent| {
        if event.key() == "Enter" && !event.ctrl_key() && !event.meta_key() {
            event.prevent_default();
            apply();
        }
    };
    view! {
        <div class="field paste">
            <label for=id.clone()>"Paste a list"</label>
            <div class="paste-line">
                <input
                    type="text"
                    node_ref=node
                    id=id
                    aria-describedby=help.clone()
                    aria-invalid=live::signal(move || wrong.with(Option::is_some).then_some("true"))
                    autocomplete="off"
                    spellcheck="false"
                    on:keydown=entered
                />
                <button class="button" type="button" on:click=move |_| apply()>
                    "Apply"
                </button>
            </div>
            <p class="help" id=help>
                {format!("{lists}a preset, or blocks by name: {middle}=0.5. Blocks that are not named become 1.")}
            </p>
            <p class="range small" role="alert" hidden=live::signal(move || wrong.with(Option::is_none))>
                {live::signal(move || wrong.with(|e| e.as_ref().map_or_else(String::new, |e| e.lines()[0].clone())))}
            </p>
        </div>
    }
    .into_any()
}

/// Takes new weights; all 1 is the same as none.
fn put(values: Values, new: Vec<f64>) {
    values.0.set(if new.iter().all(|v| *v == 1.0) { Vec::new() } else { new });
}

/// One bar per block, as tall as its weight. The numbers can be read from the fields, so it is for the eye only.
pub fn strip(facts: RwSignal<Facts>, values: Values) -> AnyView {
    let bar = move |at: usize| {
        let tall = live::signal(move || crate::format::number((values.get(at).abs() / 2.0).min(1.0)));
        view! { <span class:below=live::signal(move || values.get(at) < 0.0) style:--at=tall></span> }.into_any()
    };
    view! {
        <p class="strip" aria-hidden="true">
            {live::list(0..facts.with_untracked(|f| f.blocks.len()), bar)}
        </p>
    }
    .into_any()
}
