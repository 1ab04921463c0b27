//! A slider with a number field beside it; both show one value.

use crate::field::NumberField;
use crate::format::number;
use leptos::prelude::*;

/// Slider and number field.
#[component]
pub fn Slider(
    /// Accessible name of the number field.
    #[prop(into)]
    name: String,
    /// Accessible name of the slider.
    #[prop(into)]
    slider_name: String,
    /// Range of the slider.
    span: (f64, f64),
    /// Range of the number field.
    limits: (f64, f64),
    /// Step of both.
    step: f64,
    /// The value.
    #[prop(into)]
    value: Signal<f64>,
    /// Where a new value goes.
    #[prop(into)]
    set: Callback<f64>,
) -> impl IntoView {
    let slid = move |event| {
        if let Ok(n) = event_target_value(&event).parse::<f64>() {
            set.run(n);
        }
    };
    view! {
        <div class="slider">
            <input
                type="range"
                aria-label=slider_name
                min=number(span.0)
                max=number(span.1)
                step=number(step)
                prop:value=move || number(value.get())
                on:input=slid
            />
            <NumberField name=name low=limits.0 high=limits.1 step=step value=value set=set />
        </div>
    }
}
