//! Something to try: three small adapters of our own making.
//!
//! They are fetched with the page, so that trying them asks the network for nothing.

use crate::address;
use crate::entries::{self, Picked};
use crate::format::bytes;
use crate::live;
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
    live::effect(move || {
        if state.ready.get() {
            spawn_local(async move {
                // Without samples the page is complete; there is nothing to tell.
                samples.set(fetch_all().await.unwrap_or_default());
                state.loaded.set(true);
            });
        }
    });
    // Those that are not open yet, by number; none once something else is open.
    let rest = live::memo(move || {
        samples.with(|samples| {
            let is = |label: &String, (sample, _): &(Sample, File)| sample.file == *label;
            let open: Vec<String> = state.entries.with(|all| all.iter().map(|e| e.label.clone()).collect());
            let only_samples = open.iter().all(|label| samples.iter().any(|s| is(label, s)));
            let missing = |i: &usize| only_samples && !open.iter().any(|label| is(label, &samples[*i]));
            (0..samples.len()).filter(missing).collect::<Vec<_>>()
        })
    });
    let add = move |wanted: Vec<usize>| {
        let pick = |i: usize| Picked { folder: String::new(), file: samples.with_untracked(|all| all[i].1.clone()) };
        spawn_local(entries::add(state, wanted.into_iter().map(pick).collect()));
    };
    let buttons = move || {
        let button = |i: usize| {
            let sample = samples.with(|all| all[i].0.clone());
            view! {
                <li>
                    <button class="sample" type="button" on:click=move |_| add(vec![i])>
                        <span class="title">{sample.title}</span>
                        <span class="size">{bytes(sample.size)}</span>
                        <span class="about">{sample.description}</span>
                    </button>
                </li>
            }
            .into_any()
        };
        live::list(rest.get(), button)
    };
    view! {
        <div class="samples" hidden=live::signal(move || rest.with(Vec::is_empty))>
            <div class="below-drop">
                <h3>"Or try a sample"</h3>
                <button
                    class="button plain"
                    type="button"
                    hidden=live::signal(move || rest.with(Vec::len) < 2)
                    on:click=move |_| add(rest.get_untracked())
                >
                    {live::signal(move || format!("Add all {}", rest.with(Vec::len)))}
                </button>
            </div>
            <ul>{live::part(buttons)}</ul>
        </div>
    }
}

async fn fetch_all() -> Result<Vec<(Sample, File)>, JsValue> {
    let list = JsFuture::from(fetch(&address::within("samples/samples.json")).await?.json()?).await?;
    let list: Vec<Sample> = serde_wasm_bindgen::from_value(list).map_err(JsValue::from)?;
    let mut all = Vec::new();
    for sample in list {
        let answer = fetch(&address::within(&format!("samples/{}", sample.file))).await?;
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
