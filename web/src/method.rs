//! The method and its parameters, drawn from its Spec: a new method needs no change here.

use crate::live;
use crate::slider::Slider;
use crate::state::{State, state};
use leptos::prelude::*;
use rankweave_wasm::protocol::{Choice, Method, Param, ParamKind, Value};

/// The list of methods.
#[component]
pub fn MethodSelect() -> impl IntoView {
    let state = state();
    let options = move || {
        let all: Vec<Method> = state.methods.get();
        let sections = all.chunk_by(|a, b| a.section == b.section);
        live::list(sections.map(<[Method]>::to_vec), section)
    };
    view! {
        <div class="field">
            <label for="method">"Method"</label>
            <select
                id="method"
                disabled=live::signal(move || state.methods.with(Vec::is_empty))
                prop:value=live::signal(move || state.form.method.get())
                on:change=move |event| state.form.method.set(event_target_value(&event))
            >
                {live::part(options)}
            </select>
        </div>
    }
}

/// Methods that belong together.
fn section(methods: Vec<Method>) -> AnyView {
    let title = methods.first().map(|method| method.section.clone()).unwrap_or_default();
    let option = |method: Method| live::option(method.id.clone(), name(&method));
    view! { <optgroup label=title>{live::list(methods, option)}</optgroup> }.into_any()
}

/// Its title, and what to know before choosing it.
fn name(method: &Method) -> String {
    let count = match method.adapters {
        (1, 1) => " (one adapter)".to_owned(),
        (least, most) if least == most => format!(" ({least} adapters)"),
        (least, _) if least > 1 => format!(" ({least} adapters or more)"),
        _ => String::new(),
    };
    format!("{}{count}{}", method.title, if method.experimental { ", experimental" } else { "" })
}

/// The chosen method's parameters.
#[component]
pub fn MethodParams() -> impl IntoView {
    let state = state();
    // Rebuilt when the method changes, not when a value does: a slider must not vanish under the hand.
    let method = live::memo(move || state.method());
    let fields = move || {
        let Some(method) = method.get() else { return live::nothing() };
        let Method { id, params, output, .. } = method;
        let field = |param| param_field(state, id.clone(), param);
        view! {
            {live::list(params, field)}
            <details class="told">
                <summary>"Size of the result"</summary>
                {live::list(output, field)}
            </details>
        }
        .into_any()
    };
    view! { <div class="params">{live::part(fields)}</div> }
}

fn param_field(state: State, method: String, param: Param) -> AnyView {
    let id = format!("param-{}", param.name);
    let help = format!("{id}-help");
    let handle = Handle { state, method, name: param.name, kind: param.kind.clone() };
    let control = match param.kind {
        ParamKind::Number { min, max, step, .. } => number_control(handle, &param.title, (min, max), step),
        ParamKind::Choice { options, .. } => choice_control(handle, &id, options),
        ParamKind::Flag { .. } => flag_control(handle, &id),
        ParamKind::Text => text_control(handle, &id),
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
    .into_any()
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

fn number_control(handle: Handle, title: &str, limits: (f64, f64), step: f64) -> AnyView {
    let read = handle.clone();
    let value = live::signal(move || if let Value::Number(n) = read.get() { n } else { 0.0 });
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
    .into_any()
}

fn choice_control(handle: Handle, id: &str, options: Vec<Choice>) -> AnyView {
    let read = handle.clone();
    let value = live::signal(move || if let Value::Choice(choice) = read.get() { choice } else { String::new() });
    view! {
        <select id=id.to_owned() prop:value=value on:change=move |e| handle.set(Value::Choice(event_target_value(&e)))>
            {live::list(options, |choice| live::option(choice.id, choice.title))}
        </select>
    }
    .into_any()
}

fn text_control(handle: Handle, id: &str) -> AnyView {
    let read = handle.clone();
    let value = live::signal(move || if let Value::Text(text) = read.get() { text } else { String::new() });
    view! {
        <textarea
            id=id.to_owned()
            rows="4"
            spellcheck="false"
            prop:value=value
            on:change=move |e| handle.set(Value::Text(event_target_value(&e)))
        ></textarea>
    }
    .into_any()
}

fn flag_control(handle: Handle, id: &str) -> AnyView {
    let read = handle.clone();
    let value = live::signal(move || read.get() == Value::Flag(true));
    view! {
        <input
            type="checkbox"
            id=id.to_owned()
            prop:checked=value
            on:change=move |e| handle.set(Value::Flag(event_target_checked(&e)))
        />
    }
    .into_any()
}
