//! A number field: typed freely, checked as it is typed, arrow keys step.

use crate::format::number;
use crate::live;
use leptos::{ev, html, prelude::*};

/// Number field. What is typed counts as soon as it is a number in range; anything else is marked, told, and
/// forgotten when the field is left.
#[component]
pub fn NumberField(
    /// Accessible name; leave empty where a label points at `id`.
    #[prop(into, optional)]
    name: String,
    /// Id, for a label.
    #[prop(into, optional)]
    id: String,
    /// Least value.
    low: f64,
    /// Greatest value.
    high: f64,
    /// Step of the arrow keys.
    step: f64,
    /// Whether only whole numbers count.
    #[prop(optional)]
    whole: bool,
    /// Whether the field may be empty, which as a value is NaN: so the browser has it too.
    #[prop(optional)]
    may_be_empty: bool,
    /// What an empty field shows.
    #[prop(into, optional)]
    placeholder: String,
    /// Id of what describes it.
    #[prop(into, optional)]
    described_by: String,
    /// The value.
    #[prop(into)]
    value: Signal<f64>,
    /// Where a new value goes.
    #[prop(into)]
    set: Callback<f64>,
) -> impl IntoView {
    let node = NodeRef::<html::Input>::new();
    let wrong = RwSignal::new(false);
    let fits = move |n: f64| n.is_finite() && (low..=high).contains(&n) && (!whole || n.fract() == 0.0);
    // The text is left alone while it means the value, so that "0." can become "0.5".
    live::effect(move || {
        let value = value.get();
        if let Some(input) = node.get().filter(|input| input.value_as_number() != value) {
            input.set_value(&text(value));
            wrong.set(false);
        }
    });
    let typed = move |_| {
        let Some(input) = node.get() else { return };
        let n = input.value_as_number();
        // What is no number is NaN too, but not valid.
        let fits = fits(n) || may_be_empty && n.is_nan() && input.check_validity();
        wrong.set(!fits);
        if fits {
            set.run(n);
        }
    };
    let left = move |_| {
        if let Some(input) = node.get().filter(|_| wrong.get_untracked()) {
            input.set_value(&text(value.get_untracked()));
            wrong.set(false);
        }
    };
    let stepped = move |event: ev::KeyboardEvent| {
        let by = match event.key().as_str() {
            "ArrowUp" => 1.0,
            "ArrowDown" => -1.0,
            _ => return,
        };
        event.prevent_default();
        let from = Some(value.get_untracked()).filter(|n| !n.is_nan()).unwrap_or_default();
        set.run((((from / step).round() + by) * step).clamp(low, high));
    };
    view! {
        <input
            type="number"
            node_ref=node
            id=(!id.is_empty()).then_some(id)
            aria-label=(!name.is_empty()).then_some(name)
            aria-describedby=(!described_by.is_empty()).then_some(described_by)
            placeholder=(!placeholder.is_empty()).then_some(placeholder)
            aria-invalid=live::signal(move || wrong.get().then_some("true"))
            min=number(low)
            max=number(high)
            step="any"
            inputmode="decimal"
            autocomplete="off"
            on:input=typed
            on:blur=left
            on:keydown=stepped
        />
        <p class="range small" role="alert" hidden=live::signal(move || !wrong.get())>
            {live::signal(move || if wrong.get() { told(low, high, whole) } else { String::new() })}
        </p>
    }
}

fn text(value: f64) -> String {
    if value.is_nan() { String::new() } else { number(value) }
}

fn told(low: f64, high: f64, whole: bool) -> String {
    format!("{} {} to {}", if whole { "A whole number from" } else { "From" }, number(low), number(high))
}
