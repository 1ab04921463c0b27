//! Something to try: three small adapters of our own making.
//!
//! They are fetched with the page, so that trying them asks the network for nothing.

use crate::entries::{self, Picked};
use crate::format::bytes;
use crate::state::state;
use js_sys::Array;
use leptos::{prelude::*, task::spawn_local};
use serde::Deserialize;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File, Response};

/// An entry of `samples/samples.json`.
#[derive(Clone, Deserialize)]
struct Sample {
    file: String,
    title: String,
    description: String,
    size: f64,
}

/// The list of samples, while nothing or only samples are open.
#[component]
pub fn Samples() -> impl IntoView {
    let state = state();
    let samples: RwSignal<Vec<(Sample, File)>, LocalStorage> = RwSignal::new_local(Vec::new());
    // Only after the engine, which matters more.
    Effect::new(move || {
        if state.engine.with(Option::is_some) {
            spawn_local(async move {
                // Without samples the page is complete; there is nothing to tell.
                samples.set(fetch_all().await.unwrap_or_default());
                state.loaded.set(true);
            });
        }
    });
    let rest = move || {
        let open: Vec<String> = state.entries.with(|all| all.iter().map(|e| e.label.clone()).collect());
        let all = samples.get();
        let only_samples = open.iter().all(|label| all.iter().any(|(s, _)| s.file == *label));
        all.into_iter().filter(|(s, _)| only_samples && !open.contains(&s.file)).collect::<Vec<_>>()
    };
    let add = move |files: Vec<File>| {
        let picked = files.into_iter().map(|file| Picked { folder: String::new(), file }).collect();
        spawn_local(entries::add(state, picked));
    };
    let all = move |_| add(rest().into_iter().map(|(_, file)| file).collect());
    view! {
        <Show when=move || !rest().is_empty()>
            <div class="samples">
                <div class="below-drop">
                    <h3>"Or try a sample"</h3>
                    <Show when=move || { rest().len() > 1 }>
                        <button class="button plain" type="button" on:click=all>
                            {move || format!("Add all {}", rest().len())}
                        </button>
                    </Show>
                </div>
                <ul>
                    <For each=rest key=|(sample, _)| sample.file.clone() let:item>
                        <li>
                            <SampleButton sample=item.0 on_add=move || add(vec![item.1.clone()]) />
                        </li>
                    </For>
                </ul>
            </div>
        </Show>
    }
}

#[component]
fn SampleButton(sample: Sample, on_add: impl Fn() + 'static) -> impl IntoView {
    view! {
        <button class="sample" type="button" on:click=move |_| on_add()>
            <span class="title">{sample.title}</span>
            <span class="size">{bytes(sample.size)}</span>
            <span class="about">{sample.description}</span>
        </button>
    }
}

async fn fetch_all() -> Result<Vec<(Sample, File)>, JsValue> {
    let list = JsFuture::from(fetch("samples/samples.json").await?.json()?).await?;
    let list: Vec<Sample> = serde_wasm_bindgen::from_value(list).map_err(JsValue::from)?;
    let mut all = Vec::new();
    for sample in list {
        let answer = fetch(&format!("samples/{}", sample.file)).await?;
        let blob: Blob = JsFuture::from(answer.blob()?).await?.dyn_into()?;
        let file = File::new_with_blob_sequence(&Array::of1(&blob), &sample.file)?;
        all.push((sample, file));
    }
    Ok(all)
}

async fn fetch(address: &str) -> Result<Response, JsValue> {
    let answer: Response = JsFuture::from(window().fetch_with_str(address)).await?.dyn_into()?;
    if answer.ok() { Ok(answer) } else { Err(JsValue::from_str(address)) }
}
