//! The proof that nothing is uploaded: a count of requests since the page was loaded, and how to check it.

use crate::format::count;
use crate::live;
use crate::state::state;
use js_sys::Array;
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{PerformanceEntry, PerformanceObserver, PerformanceObserverEntryList, PerformanceObserverInit};

/// The count, opening into the explanation.
#[component]
pub fn Privacy() -> impl IntoView {
    let state = state();
    let page = RwSignal::new(0_u32);
    live::effect(move || {
        if state.loaded.get() {
            // A browser without the observer shows nothing it cannot know.
            let _ = watch(page);
        }
    });
    // The workers' own count comes with their answers; a merge is where they could do harm.
    let workers = move || {
        state.job.track();
        state.engine.with(|engine| engine.as_ref().map_or(0, |engine| engine.requested()))
    };
    let total = live::memo(move || page.get() + workers());
    view! {
        <details class="privacy" class:some=live::signal(move || { total.get() > 0 })>
            <summary>
                <span>{live::signal(move || count(total.get(), "request"))} <span class="spare">" since load"</span></span>
            </summary>
            <div>
                <p>
                    <strong>"Nothing leaves this browser."</strong>
                    " Your files are read here, merged here and saved from here. There is no server, no account and no statistics."
                </p>
                <p>
                    "Check it: open the developer tools (F12), choose Network, and merge something: the list stays empty. \
                    Or switch the network off now: everything goes on working."
                </p>
                <p class="muted">
                    "The page's security policy forbids this page and its workers to contact any other site."
                </p>
            </div>
        </details>
    }
}

/// Counts what the page asks the network for from now on. `blob:` and `data:` never reach the network.
fn watch(seen: RwSignal<u32>) -> Result<(), JsValue> {
    let now = window().performance().map_or(0.0, |p| p.now());
    let hear = Closure::<dyn Fn(_)>::new(move |list: PerformanceObserverEntryList| {
        let entries = list.get_entries();
        let real = |entry: &PerformanceEntry| {
            entry.start_time() > now && !entry.name().starts_with("blob:") && !entry.name().starts_with("data:")
        };
        let new = entries.iter().filter(|e| real(e.unchecked_ref())).count();
        seen.update(|n| *n += u32::try_from(new).unwrap_or(u32::MAX));
    });
    let observer = PerformanceObserver::new(hear.as_ref().unchecked_ref())?;
    observer.observe(&PerformanceObserverInit::new(&Array::of1(&"resource".into())));
    // It listens as long as the page lives.
    hear.forget();
    Ok(())
}
