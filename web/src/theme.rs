//! Light, dark, or as the system says. The choice is remembered in this browser.

use crate::icons;
use crate::live;
use leptos::prelude::*;

const KEY: &str = "theme";

/// A theme: stored name, spoken name.
const THEMES: [(&str, &str); 3] = [("", "system"), ("light", "light"), ("dark", "dark")];

/// The button that goes through the three.
#[component]
pub fn ThemeButton() -> impl IntoView {
    let root = document().document_element();
    let stored = root.as_ref().and_then(|root| root.get_attribute("data-theme")).unwrap_or_default();
    let chosen = RwSignal::new(THEMES.iter().position(|(name, _)| *name == stored).unwrap_or(0));
    let name = live::signal(move || THEMES[chosen.get()].1);
    let next = move |_| {
        chosen.update(|i| *i = (*i + 1) % THEMES.len());
        put(THEMES[chosen.get_untracked()].0);
    };
    view! {
        <button class="button theme" type="button" title="Change the theme" on:click=next>
            {icons::half_moon()}
            <span class="spare">"Theme: " {name}</span>
        </button>
    }
}

/// Shows a theme by its name; the system's, where there is none of that name.
pub fn show(theme: &str) {
    let Some(root) = document().document_element() else { return };
    // An element takes every attribute.
    let _ = if ["light", "dark"].contains(&theme) {
        root.set_attribute("data-theme", theme)
    } else {
        root.remove_attribute("data-theme")
    };
}

/// Shows a theme and remembers it. Where storage is forbidden it lasts until the page is closed.
fn put(theme: &str) {
    show(theme);
    let Some(storage) = window().local_storage().ok().flatten() else { return };
    let _ = if theme.is_empty() { storage.remove_item(KEY) } else { storage.set_item(KEY, theme) };
}
