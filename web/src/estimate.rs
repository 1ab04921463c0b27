//! What a merge would give: asked anew whenever an adapter or a setting changes.

use crate::entries::reasons;
use crate::live;
use crate::state::state;
use leptos::prelude::*;
use leptos::task::spawn_local;
use rankweave_wasm::client::Failure;
use std::time::Duration;

/// How long a change must rest before the engine is asked.
const REST: Duration = Duration::from_millis(40);

/// Keeps the estimate up to date. An answer counts only if nothing has changed since its question.
pub fn follow() {
    let state = state();
    let asked = StoredValue::new(0_u32);
    live::effect(move || {
        let (adapters, settings) = (state.adapters(), state.settings());
        let number = asked.get_value() + 1;
        asked.set_value(number);
        let Some(engine) = state.engine.get().filter(|_| !adapters.is_empty()) else {
            state.estimate.set(None);
            state.estimating.set(false);
            return;
        };
        state.estimating.set(true);
        let is_last = move || asked.get_value() == number;
        let ask = move || {
            if !is_last() {
                return;
            }
            spawn_local(async move {
                let answer = engine.plan(adapters, settings).await;
                if !is_last() {
                    return;
                }
                if answer != Err(Failure::Cancelled) {
                    state.estimate.set(Some(answer.map_err(reasons)));
                }
                state.estimating.set(false);
            });
        };
        set_timeout(ask, REST);
    });
}
