//! The one screen: adapters, what happens, result.

use crate::address;
use crate::announce::Announcer;
use crate::base::BasePart;
use crate::card::Cards;
use crate::drop::{DropPlace, DropVeil};
use crate::embed::{self, Frame};
use crate::estimate;
use crate::explain::Explain;
use crate::fetcher;
use crate::fit::{self, FitPart};
use crate::form::Form;
use crate::gpu;
use crate::merge_bar::MergeBar;
use crate::privacy::Privacy;
use crate::result::ResultCard;
use crate::samples::Samples;
use crate::share::Sharing;
use crate::shortcuts;
use crate::slots::Slots;
use crate::state::state;
use crate::theme::ThemeButton;
use crate::trouble::FileTroubles;
use leptos::prelude::*;

/// The page, or what of it stands in a frame.
#[component]
pub fn App() -> impl IntoView {
    estimate::follow();
    fit::follow();
    gpu::follow();
    shortcuts::listen();
    address::follow();
    fetcher::listen(state());
    let whole = match state().embed {
        Some(embed) => {
            embed::follow(state());
            view! { <Frame embed=embed /> }.into_any()
        }
        None => view! { <Whole /> }.into_any(),
    };
    view! {
        {whole}
        <Announcer />
    }
}

/// All of it, where it stands for itself.
#[component]
fn Whole() -> impl IntoView {
    view! {
        <header class="top">
            <div class="brand">
                <img src="icons/mark.svg" alt="" width="36" height="36" />
                <div>
                    <h1>"Rankweave"</h1>
                    <p>"Merge LoRA adapters, exactly, right here in your browser"</p>
                </div>
            </div>
            <div class="top-end">
                <Sharing />
                <Privacy />
                <ThemeButton />
            </div>
        </header>
        <main class="panels">
            <section class="panel adapters" aria-labelledby="adapters-title">
                <Head step="1" id="adapters-title" title="Adapters" />
                <Slots />
                <Cards />
                <BasePart />
                <FileTroubles />
                <DropPlace />
                <Samples />
            </section>
            <section class="panel explain" aria-labelledby="explain-title">
                <Head step="2" id="explain-title" title="What happens" />
                <Explain />
            </section>
            <section class="panel output" aria-labelledby="output-title">
                <Head step="3" id="output-title" title="Result" />
                <FitPart />
                <Form />
                <ResultCard />
                <MergeBar />
            </section>
        </main>
        <footer class="foot">
            <p>
                <a href="docs/">"Documentation"</a>
                ". Rankweave "
                {env!("CARGO_PKG_VERSION")}
                ". Free software, MIT or Apache-2.0."
            </p>
        </footer>
        <DropVeil />
    }
}

/// Number and title of a column.
#[component]
fn Head(step: &'static str, id: &'static str, title: &'static str) -> impl IntoView {
    view! {
        <div class="panel-head">
            <h2 id=id>
                <span class="step" aria-hidden="true">
                    {step}
                </span>
                {title}
            </h2>
        </div>
    }
}
