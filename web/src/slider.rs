//! A slider with a number field beside it; both show one value.

use crate::field::NumberField;
use crate::format::number;
use crate::live;
use leptos::{ev, prelude::*};
use web_sys::HtmlInputElement;

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
    let slid = move |event: ev::Targeted<ev::Event, HtmlInputElement>| set.run(event.target().value_as_number());
    view! {
        <div class="slider">
            <div class="rail" style:--from=place(0.0, span) style:--to=live::signal(move || place(value.get(), span))>
                <input
                    type="range"
                    aria-label=slider_name
                    min=number(span.0)
                    max=number(span.1)
                    step=number(step)
                    prop:value=live::signal(move || number(value.get()))
                    on:input:target=slid
                />
                {live::list(marks, |&at| mark(at, span))}
            </div>
            <NumberField name=name low=limits.0 high=limits.1 step=step value=value set=set />
        </div>
    }
}

/// A number under the slider. It can be read from the field, so it is for the eye only.
fn mark(at: f64, span: (f64, f64)) -> AnyView {
    view! {
        <span class="mark" aria-hidden="true" style:--at=place(at, span)>
            {number(at).replace('-', "−")}
        </span>
    }
    .into_any()
}

/// Where a value stands on the slider, 0 to 1.
fn place(value: f64, (low, high): (f64, f64)) -> String {
    number(((value - low) / (high - low)).clamp(0.0, 1.0))
}
