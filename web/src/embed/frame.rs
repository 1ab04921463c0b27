//! What stands in the frame: the page's parts, fewer of them, and no more around them than is needed.

use super::hand_over::Question;
use super::{Embed, View, parse};
use crate::address;
use crate::base::BasePart;
use crate::card::Cards;
use crate::compare::Notes;
use crate::drop::{DropPlace, DropVeil};
use crate::explain::Explain;
use crate::fit::FitPart;
use crate::form::Form;
use crate::live;
use crate::merge_bar::MergeBar;
use crate::report::Report;
use crate::result::ResultCard;
use crate::samples::Samples;
use crate::slots::Slots;
use crate::state::state;
use crate::trouble::{FileTroubles, trouble};
use leptos::prelude::*;

/// The frame's content.
#[component]
pub fn Frame(embed: Embed) -> impl IntoView {
    let state = state();
    let title = live::signal(move || {
        let name = state.recalled.with(|recalled| recalled.as_ref().map(|recalled| recalled.name.clone()));
        name.filter(|name| !name.is_empty()).unwrap_or_else(|| "Merge LoRA adapters".into())
    });
    let whole = live::signal(move || {
        let link = state.link.get();
        let recipe = if link.is_empty() { String::new() } else { format!("#r={link}") };
        address::home() + &recipe
    });
    let wrong = parse(&address::parts()).1;
    let fixed = !embed.controls;
    let told = move || match state.host.get() {
        Some(_) => "The page around this frame learns their names and hashes, and what is set.",
        None => "",
    };
    let (result, explain) = (embed.view != View::Explain, embed.view != View::Merge);
    view! {
        <header class="top">
            <div class="brand">
                <img src=address::within("icons/mark.svg") alt="" width="28" height="28" />
                <h1>{title}</h1>
            </div>
            <a class="button plain" href=whole target="_blank" rel="noopener">
                "Open in Rankweave"
            </a>
        </header>
        <main class="panels framed" class:three=result && explain>
            <section class="panel adapters" aria-labelledby="adapters-title">
                {head("adapters-title", "Adapters")}
                {live::list(&wrong, |error| trouble(error, None))}
                <Slots />
                <fieldset class="bare" disabled=fixed>
                    <Cards />
                </fieldset>
                <BasePart />
                <FileTroubles />
                <DropPlace />
                <Samples />
            </section>
            {explain
                .then(|| {
                    view! {
                        <section class="panel explain" aria-labelledby="explain-title">
                            {head("explain-title", "What happens")}
                            <Explain />
                        </section>
                    }
                })}
            {result
                .then(|| {
                    view! {
                        <section class="panel output" aria-labelledby="output-title">
                            {head("output-title", "Result")}
                            <FitPart />
                            <fieldset class="bare" disabled=fixed>
                                <Form />
                            </fieldset>
                            {(!explain).then(|| view! { <Notes /> })}
                            <Question />
                            <ResultCard />
                            {(!explain).then(|| view! { <Report /> })}
                            <MergeBar />
                        </section>
                    }
                })}
        </main>
        <footer class="foot">
            <p>"The adapters stay in this browser: nothing is uploaded. " {live::signal(told)}</p>
        </footer>
        <DropVeil />
    }
}

/// The title of a part, which the eye can do without.
fn head(id: &'static str, title: &'static str) -> AnyView {
    view! {
        <h2 class="unseen" id=id>
            {title}
        </h2>
    }
    .into_any()
}
