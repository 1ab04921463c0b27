//! The base checkpoint: a place for it while an adapter needs it.
//!
//! Its files stay where they are; the engine reads their headers now, and the weights that are needed during the merge.

use crate::entries::{Entry, Picked, reasons, text_of};
use crate::format::bytes;
use crate::icons;
use crate::live;
use crate::state::{State, state};
use leptos::{html, prelude::*, task::spawn_local};
use rankweave_adapter::{Error, Kind};
use rankweave_wasm::protocol::Base;

/// What the file that lists the others is called.
const INDEX: &str = ".index.json";
/// Longest index that is read, in bytes.
const INDEX_BYTES: f64 = 32e6;

/// The open base.
#[derive(Clone, PartialEq)]
pub struct Chosen {
    /// As the engine knows it.
    pub base: Base,
    /// Bytes of all its files.
    pub size: f64,
}

/// Does the adapter need the base, as it is taken now?
fn needs(entry: &Entry) -> bool {
    entry.facts.with(|facts| facts.needs_base > 0 && !(facts.dora && entry.direction.get()))
}

/// The place, while something needs it.
#[component]
pub fn BasePart() -> impl IntoView {
    let state = state();
    let wanted = move || state.base.with(Option::is_some) || state.entries.with(|all| all.iter().any(needs));
    live::when(wanted, move || place(state))
}

fn place(state: State) -> AnyView {
    let input = NodeRef::<html::Input>::new();
    let chosen = move || state.base.get();
    let title = live::signal(move || match chosen() {
        Some(Chosen { base, size }) => format!("Base: {}, {}", base.label, bytes(size)),
        None => "Choose the base checkpoint".to_owned(),
    });
    let about = live::signal(move || match chosen().map_or(0, |one| one.base.files.len()) {
        0 => "All its .safetensors files at once, with the index if there are several; or drop them here".to_owned(),
        1 => "Only the weights that are needed are read".to_owned(),
        n => format!("{n} files; only the weights that are needed are read"),
    });
    let remove = move || {
        view! {
            <button class="button plain" type="button" on:click=move |_| forget(state)>
                "Remove the base"
            </button>
        }
        .into_any()
    };
    view! {
        <div class="base-place">
            <div class="drop">
                {icons::weave()}
                <strong>{title}</strong>
                <span class="small muted">{about}</span>
                <input
                    type="file"
                    aria-label="Base checkpoint files"
                    multiple
                    accept=".safetensors,.json"
                    node_ref=input
                    on:change=move |_| {
                        if let Some(input) = input.get_untracked() {
                            take(state, crate::drop::files_of(&input));
                        }
                    }
                />
            </div>
            {live::when(move || state.base.with(Option::is_some), remove)}
        </div>
    }
    .into_any()
}

/// Opens these files as the base, in place of the one there was.
pub fn take(state: State, picked: Vec<Picked>) {
    spawn_local(async move {
        state.troubles.set(Vec::new());
        match open(state, picked).await {
            Ok(chosen) => {
                state.say.set(format!("{} is the base checkpoint", chosen.base.label));
                state.base.set(Some(chosen));
            }
            Err(errors) => state.troubles.set(errors),
        }
    });
}

async fn open(state: State, picked: Vec<Picked>) -> Result<Chosen, Vec<Error>> {
    let Some(engine) = state.engine.get_untracked() else { return Err(Vec::new()) };
    let (files, others): (Vec<_>, Vec<_>) =
        picked.into_iter().partition(|one| one.file.name().ends_with(".safetensors"));
    let Some(first) = files.first() else {
        let error = Error::new(Kind::Malformed, "There is no base checkpoint in what was chosen");
        return Err(vec![error.hint("Choose its .safetensors files, all of them at once.")]);
    };
    let label = match (files.len(), first.folder.split('/').next().filter(|name| !name.is_empty())) {
        (1, _) => first.file.name(),
        (n, Some(folder)) => format!("{folder} ({n} files)"),
        (n, None) => format!("{} and {} more", first.file.name(), n - 1),
    };
    let path = |one: &Picked| {
        if one.folder.is_empty() { one.file.name() } else { format!("{}/{}", one.folder, one.file.name()) }
    };
    let base = Base { label, files: files.iter().map(path).collect() };
    // Several indices are those of several parts of a model: the numbers in the files' names count them.
    let indices: Vec<&Picked> = others.iter().filter(|one| one.file.name().ends_with(INDEX)).collect();
    let index = match indices.as_slice() {
        [index] => Some(text_of(&index.file, INDEX_BYTES).await.map_err(|e| vec![e])?),
        _ => None,
    };
    let size = files.iter().map(|one| one.file.size()).sum();
    let files = files.into_iter().map(|one| one.file).collect();
    engine.base(base.clone(), index, files).await.map_err(reasons)?;
    Ok(Chosen { base, size })
}

fn forget(state: State) {
    state.base.set(None);
    if let Some(engine) = state.engine.get_untracked() {
        engine.forget_base();
    }
    crate::drop::focus();
}

/// On a DoRA adapter's card: what to do without the base.
pub fn direction(entry: &Entry) -> AnyView {
    let (facts, direction) = (RwSignal::from(entry.facts.clone()), RwSignal::from(entry.direction.clone()));
    let label = format!("Merge the direction of {} alone", entry.label);
    let id = format!("direction-{}", entry.number);
    live::when(
        move || facts.with(|f| f.dora),
        move || {
            view! {
                <div class="option">
                    <input
                        type="checkbox"
                        id=id.clone()
                        aria-label=label.clone()
                        prop:checked=live::signal(move || direction.get())
                        on:change=move |event| direction.set(event_target_checked(&event))
                    />
                    <label for=id.clone()>
                        "Without the base: its direction alone, which is not what was trained"
                    </label>
                </div>
            }
            .into_any()
        },
    )
}
