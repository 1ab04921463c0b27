//! Whether a GPU helps, where a method has something for it to do. The choice is remembered in this browser.

use crate::live;
use crate::state::{State, state};
use leptos::prelude::*;
use leptos::task::spawn_local;
use rankweave_wasm::client::Failure;
use rankweave_wasm::protocol::Gpu;
use wasm_bindgen::JsValue;

const KEY: &str = "gpu";

/// The choices: id, name.
const CHOICES: [(Gpu, &str, &str); 3] = [
    (Gpu::Auto, "auto", "Auto: if there is one"),
    (Gpu::On, "on", "On: even one that a program plays"),
    (Gpu::Off, "off", "Off: the CPU alone"),
];

/// What is known of the GPU.
#[derive(Clone, Default, PartialEq)]
pub enum Known {
    /// Nobody has looked.
    #[default]
    Nothing,
    /// It is being opened.
    Looking,
    /// The browser offers none to pages.
    NotOffered,
    /// There is none that will do.
    None,
    /// There is this one.
    Named(String),
    /// There may be one, but it cannot be used.
    Failed(String),
}

/// The choice of an earlier visit.
pub fn remembered() -> Gpu {
    let stored = window().local_storage().ok().flatten().and_then(|storage| storage.get_item(KEY).ok().flatten());
    CHOICES.iter().find(|(_, id, _)| stored.as_deref() == Some(id)).map_or(Gpu::Auto, |(gpu, ..)| *gpu)
}

/// Opens a GPU as soon as there is something for it to do, so that it is there when Merge is pressed.
pub fn follow() {
    let state = state();
    let asked = StoredValue::new(0_u32);
    let useful = live::memo(move || is_useful(state) && state.entries.with(|entries| !entries.is_empty()));
    live::effect(move || {
        let wanted = state.form.gpu.get();
        let number = asked.get_value() + 1;
        asked.set_value(number);
        let Some(engine) = state.engine.get().filter(|_| useful.get() && wanted != Gpu::Off) else {
            state.gpu.set(Known::Nothing);
            return;
        };
        if !offered() {
            state.gpu.set(Known::NotOffered);
            return;
        }
        state.gpu.set(Known::Looking);
        spawn_local(async move {
            let found = engine.gpu(wanted).await;
            if asked.get_value() == number {
                state.gpu.set(match found {
                    Ok(Some(name)) => Known::Named(name),
                    Ok(None) => Known::None,
                    Err(Failure::Cancelled) => Known::Nothing,
                    Err(Failure::Errors(errors)) => {
                        Known::Failed(errors.into_iter().map(|e| e.found.unwrap_or(e.what)).next().unwrap_or_default())
                    }
                });
            }
        });
    });
}

/// Whether the method looks at every entry.
fn is_useful(state: State) -> bool {
    let id = state.form.method.get();
    state.methods.with(|all| all.iter().any(|method| method.id == id && method.by_entry))
}

/// Whether the browser has WebGPU.
fn offered() -> bool {
    let part = |of: &JsValue, name: &str| js_sys::Reflect::get(of, &JsValue::from_str(name)).unwrap_or_default();
    part(&part(&js_sys::global(), "navigator"), "gpu").is_object()
}

/// The choice, and what is known; there while the method has something for a GPU to do.
#[component]
pub fn GpuField() -> impl IntoView {
    let state = state();
    // A list that is drawn anew has to know its choice before it is there, so each option knows whether it is chosen.
    let option = move |(gpu, id, title): &'static (Gpu, &'static str, &'static str)| {
        let chosen = live::signal(move || state.form.gpu.get() == *gpu);
        view! { <option value=*id prop:selected=chosen>{*title}</option> }.into_any()
    };
    let field = move || {
        view! {
            <div class="field">
                <label for="gpu">"GPU"</label>
                <select
                    id="gpu"
                    aria-describedby="gpu-help"
                    on:change=move |event| choose(state, &event_target_value(&event))
                >
                    {live::list(&CHOICES, option)}
                </select>
                <p class="help" id="gpu-help">
                    {live::signal(move || told(state.form.gpu.get(), &state.gpu.get()))}
                </p>
            </div>
        }
        .into_any()
    };
    live::when(move || is_useful(state), field)
}

/// Where storage is forbidden the choice lasts until the page is closed.
fn choose(state: State, id: &str) {
    let Some((gpu, ..)) = CHOICES.iter().find(|(_, other, _)| *other == id) else { return };
    let storage = window().local_storage().ok().flatten();
    let _ = storage.map(|s| if *gpu == Gpu::Auto { s.remove_item(KEY) } else { s.set_item(KEY, id) });
    state.form.gpu.set(*gpu);
}

/// What the choice means here.
fn told(wanted: Gpu, known: &Known) -> String {
    match (known, wanted) {
        (_, Gpu::Off) => "The CPU does everything; the file comes out the same, byte for byte, every time.".into(),
        (Known::Nothing, _) => {
            "A GPU works beside the CPU if there is one. It rounds differently, so that the file is not the same, byte for \
             byte, every time."
                .into()
        }
        (Known::Looking, _) => "Looking for a GPU…".into(),
        (Known::NotOffered, _) => "This browser offers no GPU to pages. The CPU does everything.".into(),
        (Known::None, _) => {
            "There is no GPU, or only one that a program plays, which is slower than the CPU. The CPU does everything.".into()
        }
        (Known::Named(name), _) => format!(
            "{name} works beside the CPU. It rounds differently, so that the file is not the same, byte for byte, every time."
        ),
        (Known::Failed(why), _) => format!("No GPU can be used: {why}. The CPU does everything."),
    }
}

/// Says after a merge why the GPU did not do its part.
pub fn trouble(why: String) -> AnyView {
    view! { <p class="note warn"><span>{format!("The GPU failed, and the CPU did its part: {why}")}</span></p> }
        .into_any()
}
