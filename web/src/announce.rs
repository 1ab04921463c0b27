//! What assistive technology is told: one polite live region for the whole page.

use crate::state::state;
use leptos::prelude::*;

/// The live region.
#[component]
pub fn Announcer() -> impl IntoView {
    let state = state();
    view! { <p class="unseen" role="status">{state.say}</p> }
}
