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
    /// Numbers to mark under the slider.
    #[prop(optional)]
    marks: &'static [f64],
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
            <div class="rail" style:--from=move || place(0.0, span) style:--to=move || place(value.get(), span)>
                <input
                    type="range"
                    aria-label=slider_name
                    min=number(span.0)
                    max=number(span.1)
                    step=number(step)
                    prop:value=move || number(value.get())
                    on:input=slid
                />
                {marks.iter().map(|&mark| view! { <Mark mark=mark span=span /> }).collect_view()}
            </div>
            <NumberField name=name low=limits.0 high=limits.1 step=step value=value set=set />
        </div>
    }
}

/// A number under the slider. It can be read from the field, so it is for the eye only.
#[component]
fn Mark(mark: f64, span: (f64, f64)) -> impl IntoView {
    view! {
        <span class="mark" aria-hidden="true" style:--at=place(mark, span)>
            {number(mark).replace('-', "−")}
        </span>
    }
}

/// Where a value stands on the slider, 0 to 1.
fn place(value: f64, (low, high): (f64, f64)) -> String {
    number(((value - low) / (high - low)).clamp(0.0, 1.0))
}
