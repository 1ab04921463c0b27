//! Small line drawings for buttons. Their buttons carry the names.

use leptos::prelude::*;

fn line(path: &'static str) -> impl IntoView {
    view! {
        <svg class="line" viewBox="0 0 24 24" aria-hidden="true">
            <path d=path />
        </svg>
    }
}

/// An arrow up.
pub fn up() -> impl IntoView {
    line("M12 19V5M6 11l6-6 6 6")
}

/// An arrow down.
pub fn down() -> impl IntoView {
    line("M12 5v14M6 13l6 6 6-6")
}

/// A cross.
pub fn cross() -> impl IntoView {
    line("M6 6l12 12M18 6L6 18")
}

/// Sun and moon in one.
pub fn half_moon() -> impl IntoView {
    line("M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18")
}

/// Two threads each way, one over the other.
pub fn weave() -> impl IntoView {
    view! {
        <svg class="weave" viewBox="0 0 72 72" aria-hidden="true">
            <path class="weft" d="M6 18h60M6 36h7m10 0h43M6 54h60" />
            <path class="warp" d="M18 6v6m0 12v42M36 6v42m0 12v6M54 6v6m0 12v42" />
        </svg>
    }
}
