//! How much of an adapter: its weight, and another one for text encoders where it has any.

use crate::entries::Entry;
use crate::live;
use crate::slider::Slider;
use leptos::prelude::*;

/// Range of the slider: from taking an adapter away to doubling it.
const SPAN: (f64, f64) = (-1.0, 2.0);
/// Range of the number field, as the recipe allows.
pub const LIMITS: (f64, f64) = (-10.0, 10.0);
const STEP: f64 = 0.05;
/// What the slider is marked with.
const MARKS: [f64; 4] = [-1.0, 0.0, 1.0, 2.0];

/// The weights of one adapter.
#[component]
pub fn Weights(
    /// The adapter.
    entry: Entry,
) -> impl IntoView {
    let weight = RwSignal::from(entry.weight);
    let te = RwSignal::from(entry.te);
    let facts = RwSignal::from(entry.facts);
    let label = StoredValue::new(entry.label);
    // An adapter of a text encoder alone has one weight, not two.
    let only_te = move || facts.with(|f| f.text_encoder_modules == f.modules);
    let both = move || facts.with(|f| f.text_encoder_modules > 0) && !only_te();
    view! {
        <div class="weight">
            <p class="caption">
                <span>{live::signal(move || if only_te() { "Weight (text encoder)" } else { "Weight" })}</span>
            </p>
            <Slider
                name=format!("Weight of {}", label.get_value())
                slider_name=format!("Weight slider, {}", label.get_value())
                span=SPAN
                limits=LIMITS
                marks=&MARKS
                step=STEP
                value=weight
                set=move |n| weight.set(n)
            />
        </div>
        {live::when(both, move || text_encoder(te, weight, label))}
    }
}

fn text_encoder(te: RwSignal<Option<f64>>, weight: RwSignal<f64>, label: StoredValue<String>) -> AnyView {
    view! {
            <div class="weight">
                <p class="caption">
                    <span>"Text encoder"</span>
                    <button
                        class="button plain"
                        type="button"
                        hidden=live::signal(move || te.with(Option::is_none))
                        aria-label=format!("Use the weight for the text encoder of {}", label.get_value())
                        on:click=move |_| te.set(None)
                    >
                        "Same as the weight"
                    </button>
                </p>
                <Slider
                    name=format!("Text-encoder weight, {}", label.get_value())
                    slider_name=format!("Text-encoder slider, {}", label.get_value())
                    span=SPAN
                    limits=LIMITS
                    marks=&MARKS
                    step=STEP
                    value=Signal::derive(move || te.get().unwrap_or_else(|| weight.get()))
                    set=move |n| te.set(Some(n))
                />
            </div>
    }
    .into_any()
}
