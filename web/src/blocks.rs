//! Block weights: one number for each block of the adapter's family, by hand, by preset, or from a list that is pasted.
//!
//! A row's number multiplies the adapter's weight in that block. What the product comes to stands beside it.

use crate::block_tools::{Tools, strip};
use crate::entries::Entry;
use crate::format::{count, number};
use crate::live;
use crate::slider::Slider;
use leptos::prelude::*;
use rankweave_wasm::protocol::Block;

/// Range of the sliders.
const SPAN: (f64, f64) = (-1.0, 2.0);
/// Range of the number fields, as the recipe allows.
const LIMITS: (f64, f64) = (-10.0, 10.0);
const STEP: f64 = 0.05;
/// What all blocks of a group can be set to at once.
const AT_ONCE: [f64; 3] = [0.0, 0.5, 1.0];

/// The block weights of one adapter: as many as its family has blocks, or none while all are 1.
#[derive(Clone, Copy)]
pub struct Values(pub RwSignal<Vec<f64>>);

impl Values {
    /// The weight of a block.
    pub fn get(self, block: usize) -> f64 {
        self.0.with(|all| all.get(block).copied().unwrap_or(1.0))
    }

    /// Sets some blocks of `count`.
    pub fn set(self, blocks: std::ops::Range<usize>, count: usize, value: f64) {
        self.0.update(|all| {
            all.resize(count, 1.0);
            all.iter_mut().take(blocks.end).skip(blocks.start).for_each(|v| *v = value);
            if all.iter().all(|v| *v == 1.0) {
                all.clear();
            }
        });
    }
}

/// The part of a card that holds them, closed at first.
#[component]
pub fn BlockWeights(
    /// The adapter.
    entry: Entry,
) -> impl IntoView {
    let facts = RwSignal::from(entry.facts.clone());
    let values = Values(RwSignal::from(entry.blocks.clone()));
    let open = RwSignal::new(false);
    let none = live::memo(move || facts.with(|f| f.blocks.is_empty()));
    let (id, why) = (format!("blocks-{}", entry.number), format!("no-blocks-{}", entry.number));
    let told = move || {
        let preset =
            facts.with(|f| f.presets.iter().find(|p| values.0.with(|v| *v == p.values)).map(|p| p.name.clone()));
        let changed = values.0.with(|all| all.iter().filter(|v| **v != 1.0).count());
        match preset {
            _ if changed == 0 => "all 1".to_owned(),
            Some(name) => name,
            None => format!("{} changed", count(u32::try_from(changed).unwrap_or(u32::MAX), "block")),
        }
    };
    let entry = StoredValue::new(entry);
    view! {
        <div class="blocks">
            <button
                class="button plain fold"
                type="button"
                disabled=live::signal(move || none.get())
                aria-describedby=why.clone()
                aria-controls=id.clone()
                aria-expanded=live::signal(move || if open.get() { "true" } else { "false" })
                on:click=move |_| open.update(|open| *open = !*open)
            >
                "Block weights"
                <span class="muted">{live::signal(move || if none.get() { String::new() } else { told() })}</span>
            </button>
            <p class="small muted" id=why hidden=live::signal(move || !none.get())>
                "Not for this file: the blocks of its base model are not known. Its weight holds for all of its modules."
            </p>
            {live::when(move || values.0.with(|v| !v.is_empty()), move || strip(facts, values))}
            <div class="block-list" id=id hidden=live::signal(move || !open.get() || none.get())>
                {live::when(move || open.get() && !none.get(), move || list(&entry.get_value(), values))}
            </div>
        </div>
    }
}

/// Tools, and the blocks in groups.
fn list(entry: &Entry, values: Values) -> AnyView {
    let facts = entry.facts.get_untracked();
    let all = facts.blocks.len();
    let mut groups = Vec::new();
    let mut from = 0;
    for group in facts.blocks.chunk_by(|a, b| a.group == b.group) {
        groups.push(group_part(entry, group, from, all, values));
        from += group.len();
    }
    view! {
        <Tools entry=entry.clone() values=values />
        {groups.into_any()}
    }
    .into_any()
}

fn group_part(entry: &Entry, group: &[Block], from: usize, all: usize, values: Values) -> AnyView {
    let (Some(first), Some(last)) = (group.first(), group.last()) else { return live::nothing() };
    let span = if group.len() > 1 { format!("{} to {}", first.id, last.id) } else { first.id.clone() };
    let range = from..from + group.len();
    let label = entry.label.clone();
    let set_all = |value: f64| {
        let range = range.clone();
        view! {
            <button
                class="button plain"
                type="button"
                aria-label=format!("Set {span} of {label} to {}", number(value))
                on:click=move |_| values.set(range.clone(), all, value)
            >
                {number(value)}
            </button>
        }
        .into_any()
    };
    let buttons = view! {
        <span class="at-once">
            <span class="muted" aria-hidden="true">
                "all"
            </span>
            {live::list(AT_ONCE, set_all)}
        </span>
    };
    let own = group.iter().enumerate().filter(|(_, block)| block.modules > 0);
    let rows: Vec<_> = own.map(|(i, block)| row(entry, block, from + i, all, values)).collect();
    // A pasted list may set them all the same, which changes nothing.
    let idle: Vec<&str> = group.iter().filter(|block| block.modules == 0).map(|block| block.id.as_str()).collect();
    let idle = (!idle.is_empty()).then(|| {
        view! {
            <p class="idle small muted">
                "No modules in this file: " <span class="mono">{idle.join(" ")}</span>
            </p>
        }
    });
    let none = rows.is_empty();
    let buttons = (group.len() > 1 && !none).then_some(buttons);
    view! {
        <div class="block-group" role="group" aria-label=format!("{}, {span}", first.group)>
            <p class="caption">
                <span>
                    {first.group.clone()} " " <span class="mono muted">{span.clone()}</span>
                </span>
                {buttons}
            </p>
            <ul hidden=none>{rows.into_any()}</ul>
            {idle}
        </div>
    }
    .into_any()
}

fn row(entry: &Entry, block: &Block, at: usize, all: usize, values: Values) -> AnyView {
    let (weight, te) = (RwSignal::from(entry.weight.clone()), RwSignal::from(entry.te.clone()));
    let text_encoders = block.text_encoders;
    let product = move || {
        let own = if text_encoders { te.get() } else { None };
        let (plain, value) = (own.unwrap_or_else(|| weight.get()), values.get(at));
        if value == 1.0 { String::new() } else { format!(" weight here {}", number(plain * value)) }
    };
    view! {
        <li class="block">
            <span class="mono">{block.id.clone()}</span>
            <Slider
                name=format!("{} of {}", block.id, entry.label)
                slider_name=format!("{} slider, {}", block.id, entry.label)
                span=SPAN
                limits=LIMITS
                step=STEP
                value=Signal::derive(move || values.get(at))
                set=move |n| values.set(at..at + 1, all, n)
            />
            <p class="about small muted">
                {format!("{}; {}", block.role, count(block.modules, "module"))} <strong>{live::signal(product)}</strong>
            </p>
        </li>
    }
    .into_any()
}
