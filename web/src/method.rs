//! The method and its parameters, drawn from its Spec: a new method needs no change here.

use crate::slider::Slider;
use crate::state::{State, state};
use leptos::prelude::*;
use rankweave_wasm::protocol::{Choice, Param, ParamKind, Value};

/// The list of methods.
#[component]
pub fn MethodSelect() -> impl IntoView {
    let state = state();
    let options = move || {
        let option = |(id, title): (String, String)| view! { <option value=id>{title}</option> };
        let all: Vec<_> = state.methods.with(|all| all.iter().map(|m| (m.id.clone(), m.title.clone())).collect());
        all.into_iter().map(option).collect_view()
    };
    view! {
        <div class="field">
            <label for="method">"Method"</label>
            <select
                id="method"
                disabled=move || state.methods.with(Vec::is_empty)
                prop:value=move || state.form.method.get()
                on:change=move |event| state.form.method.set(event_target_value(&event))
            >
                {options}
            </select>
        </div>
    }
}

/// The chosen method's parameters.
#[component]
pub fn MethodParams() -> impl IntoView {
    let state = state();
    // Rebuilt when the method changes, not when a value does: a slider must not vanish under the hand.
    let method = Memo::new(move |_| state.method());
    let fields = move || {
        let method = method.get()?;
        let field = |param: Param| view! { <ParamField method=method.id.clone() param=param /> };
        Some(method.params.iter().cloned().map(field).collect_view())
    };
    view! { <div class="params">{fields}</div> }
}

#[component]
fn ParamField(method: String, param: Param) -> impl IntoView {
    let state = state();
    let id = format!("param-{}", param.name);
    let help = format!("{id}-help");
    let handle = Handle { state, method, name: param.name, kind: param.kind.clone() };
    let control = match param.kind {
        ParamKind::Number { min, max, step, .. } => number_control(handle, &param.title, (min, max), step).into_any(),
        ParamKind::Choice { options, .. } => choice_control(handle, &id, options).into_any(),
        ParamKind::Flag { .. } => flag_control(handle, &id).into_any(),
    };
    view! {
        <div class="field" role="group" aria-labelledby=format!("{id}-title") aria-describedby=help.clone()>
            <label for=id.clone() id=format!("{id}-title")>
                {param.title.clone()}
            </label>
            {control}
            <p class="help" id=help.clone()>
                {param.help}
            </p>
        </div>
    }
}

/// A parameter's value in the shared state.
#[derive(Clone)]
struct Handle {
    state: State,
    method: String,
    name: String,
    kind: ParamKind,
}

impl Handle {
    fn get(&self) -> Value {
        self.state.form.value(&self.method, &self.name, &self.kind)
    }

    fn set(&self, value: Value) {
        self.state.form.choose(&self.method, &self.name, value);
    }
}

fn number_control(handle: Handle, title: &str, limits: (f64, f64), step: f64) -> impl IntoView + use<> {
    let read = handle.clone();
    let value = Signal::derive(move || if let Value::Number(n) = read.get() { n } else { 0.0 });
    view! {
        <Slider
            name=title.to_owned()
            slider_name=format!("{title}, slider")
            span=limits
            limits=limits
            step=step
            value=value
            set=move |n| handle.set(Value::Number(n))
        />
    }
}

fn choice_control(handle: Handle, id: &str, options: Vec<Choice>) -> impl IntoView + use<> {
    let read = handle.clone();
    let value = move || if let Value::Choice(choice) = read.get() { choice } else { String::new() };
    let option = |choice: Choice| view! { <option value=choice.id>{choice.title}</option> };
    view! {
        <select id=id.to_owned() prop:value=value on:change=move |e| handle.set(Value::Choice(event_target_value(&e)))>
            {options.into_iter().map(option).collect_view()}
        </select>
    }
}

fn flag_control(handle: Handle, id: &str) -> impl IntoView + use<> {
    let read = handle.clone();
    let value = move || read.get() == Value::Flag(true);
    view! {
        <input
            type="checkbox"
            id=id.to_owned()
            prop:checked=value
            on:change=move |e| handle.set(Value::Flag(event_target_checked(&e)))
        />
    }
}
