//! Open adapters: adding what was dropped, removing, changing their order.

use crate::check::Check;
use crate::format::count;
use crate::identity::{self, Identity};
use crate::pairing::{self, Role};
use crate::recall;
use crate::state::State;
use crate::wait;
use leptos::prelude::*;
use rankweave_adapter::{Error, Kind};
use rankweave_wasm::client::{Engine, Failure};
use rankweave_wasm::protocol::{Facts, Input, Rule};
use std::rc::Rc;
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

/// Largest configuration that is read, in bytes.
const CONFIG_BYTES: f64 = 4e6;

/// An open adapter.
#[derive(Clone)]
pub struct Entry {
    /// The engine's number for it.
    pub number: u32,
    /// Unique name: the file's, where that is free.
    pub label: String,
    /// Folder it was dropped from, or empty.
    pub folder: String,
    /// Colour slot.
    pub thread: usize,
    /// The number one would type at inference.
    pub weight: ArcRwSignal<f64>,
    /// The same for text encoders; `None`: as the weight.
    pub te: ArcRwSignal<Option<f64>>,
    /// One factor per block of its family; empty: all 1.
    pub blocks: ArcRwSignal<Vec<f64>>,
    /// Of its DoRA modules the direction alone is taken.
    pub direction: ArcRwSignal<bool>,
    /// Factors by module name, where a recipe says some.
    pub rules: ArcRwSignal<Vec<Rule>>,
    /// Where it can be had, where a recipe says so.
    pub at: ArcRwSignal<Vec<String>>,
    /// What it holds.
    pub identity: ArcRwSignal<Identity>,
    /// What its header says.
    pub facts: ArcRwSignal<Facts>,
    /// What reading it whole has shown.
    pub check: ArcRwSignal<Check>,
}

/// A file the user gave us.
pub struct Picked {
    /// Folder inside what was dropped, or empty.
    pub folder: String,
    /// The file.
    pub file: File,
}

impl Picked {
    fn path(&self) -> pairing::Path {
        (self.folder.clone(), self.file.name())
    }
}

/// Opens files and adds them, one drop after the other; what cannot be opened becomes a trouble.
pub async fn add(state: State, picked: Vec<Picked>) {
    let Some(engine) = state.engine.get_untracked() else { return };
    // Numbers and names are given by what is there, so two drops may not look at it at once.
    wait::until(|| !state.adding.get_value()).await;
    let _turn = Turn::of(state);
    state.troubles.set(Vec::new());
    let is_recipe = |one: &Picked| pairing::role(&one.file.name(), !one.folder.is_empty()) == Role::Recipe;
    let (recipes, picked): (Vec<_>, Vec<_>) = picked.into_iter().partition(is_recipe);
    // First the recipe, so that the files find their places.
    for one in &recipes {
        match text_of(&one.file, recall::LARGEST).await {
            Ok(text) => recall::open(state, text).await,
            Err(error) => state.troubles.update(|all| all.push(error)),
        }
    }
    if picked.is_empty() && !recipes.is_empty() {
        return;
    }
    let (files, configs) = sort(picked);
    if files.is_empty() && configs.is_empty() {
        let error = Error::new(Kind::Malformed, "There is no adapter in what was dropped");
        state.troubles.set(vec![error.hint("Drop .safetensors files, or a folder that holds one.")]);
        return;
    }
    let paths = |all: &[Picked]| all.iter().map(Picked::path).collect::<Vec<_>>();
    let (found, left) = pairing::pair(&paths(&files), &paths(&configs));
    state.opening.set(files.len());
    let mut added = 0;
    for (one, config) in files.into_iter().zip(found) {
        match open(state, &engine, one, config.and_then(|i| configs.get(i))).await {
            Ok(()) => added += 1,
            Err(errors) => state.troubles.update(|all| all.extend(errors)),
        }
        state.opening.update(|n| *n = n.saturating_sub(1));
    }
    for one in left.into_iter().filter_map(|i| configs.get(i)) {
        if let Err(errors) = configure(state, &engine, one).await {
            state.troubles.update(|all| all.extend(errors));
        }
    }
    identity::find(state);
    if added > 0 {
        state.say.set(format!("{} added", count(added, "adapter")));
    }
}

/// The turn of those who add.
struct Turn(State);

impl Turn {
    fn of(state: State) -> Turn {
        state.adding.set_value(true);
        Turn(state)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.adding.set_value(false);
    }
}

/// Adapters and configurations; other files in a folder are of no concern.
fn sort(picked: Vec<Picked>) -> (Vec<Picked>, Vec<Picked>) {
    let (mut files, mut configs) = (Vec::new(), Vec::new());
    for one in picked {
        match pairing::role(&one.file.name(), !one.folder.is_empty()) {
            Role::Adapter => files.push(one),
            Role::Config => configs.push(one),
            Role::Recipe | Role::Other => {}
        }
    }
    (files, configs)
}

async fn open(state: State, engine: &Rc<Engine>, one: Picked, config: Option<&Picked>) -> Result<(), Vec<Error>> {
    let name = one.file.name();
    let config = match config {
        Some(config) => Some(text_of(&config.file, CONFIG_BYTES).await.map_err(|e| vec![e])?),
        None => None,
    };
    let entries = state.entries;
    let parked = state.parked.with_untracked(|all| all.iter().map(|e| e.number).max().unwrap_or(0));
    let (labels, threads, last) = entries.with_untracked(|all| {
        let labels: Vec<_> = all.iter().map(|e| e.label.clone()).collect();
        let threads: Vec<_> = all.iter().map(|e| e.thread).collect();
        (labels, threads, all.iter().map(|e| e.number).max().unwrap_or(0).max(parked))
    });
    let label = pairing::label(&one.folder, &name, &labels);
    let number = last + 1;
    let input = Input { label: label.clone(), config };
    let facts = engine.open(number, input, one.file).await.map_err(reasons)?;
    let thread = (0..).find(|t| !threads.contains(t)).unwrap_or(0);
    let entry = Entry {
        number,
        label,
        folder: one.folder,
        thread,
        weight: ArcRwSignal::new(1.0),
        te: ArcRwSignal::new(None),
        blocks: ArcRwSignal::new(Vec::new()),
        direction: ArcRwSignal::new(false),
        rules: ArcRwSignal::new(Vec::new()),
        at: ArcRwSignal::new(Vec::new()),
        identity: ArcRwSignal::new(Identity::Unknown),
        facts: ArcRwSignal::new(facts),
        check: ArcRwSignal::new(Check::Not),
    };
    entries.update(|all| all.push(entry));
    recall::offer(state, number);
    Ok(())
}

/// Gives a configuration that came alone to the one adapter that lacks it.
async fn configure(state: State, engine: &Rc<Engine>, one: &Picked) -> Result<(), Vec<Error>> {
    let lacks: Vec<Entry> = state
        .entries
        .with_untracked(|all| all.iter().filter(|e| !e.facts.with_untracked(|f| f.config)).cloned().collect());
    let [entry] = lacks.as_slice() else {
        let error = Error::new(Kind::Mismatch, "It is not clear which adapter this configuration belongs to");
        let hint = "Drop the adapter and its adapter_config.json together, or drop their folder.";
        return Err(vec![error.file(one.file.name()).hint(hint)]);
    };
    let text = text_of(&one.file, CONFIG_BYTES).await.map_err(|e| vec![e])?;
    let facts = engine.configure(entry.number, text).await.map_err(reasons)?;
    // Weights of another family's blocks would mean nothing.
    if entry.facts.with_untracked(|f| f.family != facts.family) {
        entry.blocks.set(Vec::new());
    }
    entry.facts.set(facts);
    Ok(())
}

/// The text of a file of at most `most` bytes.
pub async fn text_of(file: &File, most: f64) -> Result<String, Error> {
    let error = |what: &str| Error::new(Kind::Malformed, what).file(file.name());
    if file.size() > most {
        return Err(error("This file is too large to be what its name says").hint("Choose the file beside the model."));
    }
    let text = JsFuture::from(file.text())
        .await
        .map_err(|_| error("This file cannot be read").hint("Was it moved or changed?"))?;
    text.as_string().ok_or_else(|| error("This file is not text"))
}

/// The reasons of a failure; none for a cancel.
pub fn reasons(failure: Failure) -> Vec<Error> {
    match failure {
        Failure::Cancelled => Vec::new(),
        Failure::Errors(errors) => errors,
    }
}

/// Removes an adapter. It stays open, for those who go back.
pub fn remove(state: State, number: u32) {
    let mut gone = Vec::new();
    state.entries.update(|all| {
        gone = all.iter().filter(|e| e.number == number).cloned().collect();
        all.retain(|e| e.number != number);
    });
    state.parked.update(|parked| parked.extend(gone));
}

/// Moves an adapter one place up (-1) or down (1). Order matters for the first: its spelling is the default.
pub fn shift(state: State, number: u32, by: isize) {
    state.entries.update(|all| {
        let Some(from) = all.iter().position(|e| e.number == number) else { return };
        if let Some(to) = from.checked_add_signed(by).filter(|&to| to < all.len()) {
            all.swap(from, to);
        }
    });
}
