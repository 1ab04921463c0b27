//! What a file says of itself: asked for when the panel is first opened. All of it was written by strangers, so that it
//! goes into text nodes only; the picture is one of four kinds of pixels, which the engine has made sure of.

use crate::check::{Check, CheckPart, claims};
use crate::copy::copy_button;
use crate::entries::Entry;
use crate::format::count;
use crate::live;
use crate::state::state;
use leptos::{prelude::*, task::spawn_local};
use rankweave_wasm::protocol::About;

/// The collapsible panel of a card.
#[component]
pub fn AboutPart(
    /// The adapter.
    entry: Entry,
) -> impl IntoView {
    let state = state();
    let said: RwSignal<Option<About>> = RwSignal::new(None);
    let number = entry.number;
    let opened = move |_| {
        let Some(engine) = state.engine.get_untracked().filter(|_| said.with_untracked(Option::is_none)) else {
            return;
        };
        spawn_local(async move {
            // A desk that has crashed is told of elsewhere; opening the panel again asks anew.
            said.set(engine.about(number).await.ok());
        });
    };
    let check = RwSignal::from(entry.check.clone());
    let unchecked = live::memo(move || check.with(|c| !matches!(c, Check::Done(_))));
    let label = entry.label.clone();
    let content = move || said.with(|said| said.as_ref().map_or_else(live::nothing, |about| content(about, &label)));
    let stated = move || match said.with(|said| said.as_ref().map(|about| about.claims.clone())) {
        Some(all) if unchecked.get() && !all.is_empty() => claims(&all),
        _ => live::nothing(),
    };
    view! {
        <details class="told" on:toggle=opened>
            <summary>"About this file"</summary>
            <div class="said">
                {live::part(content)}
                {live::part(stated)}
                <CheckPart entry=entry />
            </div>
        </details>
    }
}

fn content(about: &About, label: &str) -> AnyView {
    let line = |(name, text): &(String, String)| {
        view! {
            <div>
                <dt>{name.clone()}</dt>
                <dd>{text.clone()}</dd>
            </div>
        }
        .into_any()
    };
    let picture = about.picture.clone().map(|url| {
        view! { <img class="thumb" src=url alt=format!("Picture in {label}") loading="lazy" decoding="async" /> }
    });
    let silent = (about.entries == 0).then(|| view! { <p class="small muted">"The file says nothing of itself."</p> });
    let entries = (about.entries > 0)
        .then(|| view! { <p class="small muted">{count_entries(about.entries)} " in its metadata."</p> });
    view! {
        {picture}
        {triggers(about, label)}
        <dl class="lines">{live::list(&about.lines, line)}</dl>
        {tags(about)}
        {silent}
        {entries}
    }
    .into_any()
}

fn count_entries(n: u32) -> String {
    if n == 1 { "1 entry".into() } else { format!("{n} entries") }
}

fn triggers(about: &About, label: &str) -> AnyView {
    if about.triggers.is_empty() {
        return live::nothing();
    }
    let from = (!about.triggers_from.is_empty()).then(|| format!(" ({})", about.triggers_from));
    let word = |word: &String| view! { <li class="chip">{word.clone()}</li> }.into_any();
    view! {
        <div class="words">
            <p class="caption">
                <span>"Trigger words" <span class="muted">{from}</span></span>
                {copy_button(&format!("Copy trigger words of {label}"), about.triggers.join(", "))}
            </p>
            <ul class="chips">{live::list(&about.triggers, word)}</ul>
        </div>
    }
    .into_any()
}

fn tags(about: &About) -> AnyView {
    if about.tags.is_empty() {
        return live::nothing();
    }
    let tag = |(tag, images): &(String, u32)| {
        view! {
            <li class="chip">
                {tag.clone()} " " <span class="muted">{*images}</span>
            </li>
        }
        .into_any()
    };
    let more = (about.more_tags > 0)
        .then(|| view! { <li class="small muted">"and " {count(about.more_tags, "more tag")}</li> });
    view! {
        <div class="words">
            <p class="caption">"Tags of its training images, the commonest first"</p>
            <ul class="chips">{live::list(&about.tags, tag)} {more}</ul>
        </div>
    }
    .into_any()
}
