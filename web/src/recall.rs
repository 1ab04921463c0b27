//! Opening a recipe: the form says what it says, open adapters go to their places, and the missing ones are asked for.
//! Nothing is fetched and nothing is merged.

use crate::entries::{Entry, reasons};
use crate::format::count;
use crate::identity;
use crate::state::State;
use leptos::prelude::*;
use leptos::task::spawn_local;
use rankweave_wasm::client::Failure;
use rankweave_wasm::protocol::{Recalled, Slot};

/// Longest recipe that is read from a file, in bytes.
pub const LARGEST: f64 = 1e6;

/// Most adapters that are kept for those who go back.
const PARKED: usize = 64;

/// An adapter that a recipe names.
#[derive(Clone, PartialEq)]
pub struct Wanted {
    /// What the recipe says of it.
    pub slot: Slot,
    /// Number of the open adapter that it is.
    pub filled: Option<u32>,
    /// An open adapter of its name that holds something else, or whose contents say nothing.
    pub other: Option<u32>,
}

impl Wanted {
    /// Its name, for people.
    pub fn name(&self, place: usize) -> String {
        if self.slot.label.is_empty() { format!("Adapter {}", place + 1) } else { self.slot.label.clone() }
    }
}

/// Opens a recipe from its text, or a link to one.
pub async fn open(state: State, text: String) {
    let Some(engine) = state.engine.get_untracked() else { return };
    take(state, engine.recall(text).await).await;
}

/// Opens the recipe that a merged file tells.
pub fn open_told(state: State, number: u32) {
    let Some(engine) = state.engine.get_untracked() else { return };
    spawn_local(async move { take(state, engine.told(number).await).await });
}

async fn take(state: State, read: Result<Recalled, Failure>) {
    match read {
        Ok(recalled) => show(state, recalled).await,
        Err(failure) => state.troubles.set(reasons(failure)),
    }
}

/// Shows a recipe.
async fn show(state: State, recalled: Recalled) {
    state.troubles.set(Vec::new());
    identity::known(state).await;
    let open = [state.entries.get_untracked(), state.parked.get_untracked()].concat();
    let mut wanted: Vec<Wanted> =
        recalled.slots.iter().map(|slot| Wanted { slot: slot.clone(), filled: None, other: None }).collect();
    // The ones that are known by what they hold come first, then those that have but a name.
    for sure in [true, false] {
        for at in 0..wanted.len() {
            let taken: Vec<u32> = wanted.iter().filter_map(|one| one.filled).collect();
            let one = &mut wanted[at];
            let fits = |e: &&Entry| !taken.contains(&e.number) && is(e, &one.slot, sure);
            if one.filled.is_none() {
                one.filled = open.iter().find(fits).map(|e| e.number);
            }
        }
    }
    let named: Vec<u32> = wanted.iter().filter_map(|one| one.filled).collect();
    state.form.recall(&recalled);
    park(state, open.iter().filter(|e| !named.contains(&e.number)).cloned().collect());
    state.entries.set(open.into_iter().filter(|e| named.contains(&e.number)).collect());
    for one in &wanted {
        fill(state, one);
    }
    let missing = u32::try_from(wanted.iter().filter(|one| one.filled.is_none()).count()).unwrap_or(u32::MAX);
    state.say.set(match missing {
        0 => "Recipe opened".into(),
        n => format!("Recipe opened. {} missing: add the files", count(n, "adapter")),
    });
    state.recalled.set(Some(recalled));
    state.wanted.set(wanted);
    settle(state);
}

/// Is this what the recipe names? `sure`: by what it holds; else by its name, where the recipe knows no more.
fn is(entry: &Entry, slot: &Slot, sure: bool) -> bool {
    let hash = entry.identity.with_untracked(|identity| identity.hash().cloned());
    match (&slot.data, &slot.file) {
        (Some(data), _) => sure && hash.as_ref() == Some(data),
        (None, Some(_)) => false,
        (None, None) => !sure && slot.label == entry.label,
    }
}

/// Keeps adapters for those who go back; the oldest are closed in the end.
pub fn park(state: State, entries: Vec<Entry>) {
    let mut closed = Vec::new();
    state.parked.update(|parked| {
        *parked = entries;
        let many = parked.len().saturating_sub(PARKED);
        closed = parked.drain(..many).map(|e| e.number).collect();
    });
    if let Some(engine) = state.engine.get_untracked() {
        closed.into_iter().for_each(|number| engine.close(number));
    }
}

/// Shows nothing, as before the first adapter.
pub fn clear(state: State) {
    let open = [state.entries.get_untracked(), state.parked.get_untracked()].concat();
    state.entries.set(Vec::new());
    state.wanted.set(Vec::new());
    state.recalled.set(None);
    park(state, open);
}

/// A new adapter, which may be one that a recipe waits for.
pub fn offer(state: State, number: u32) {
    if state.wanted.with_untracked(Vec::is_empty) {
        return;
    }
    let Some(entry) = entry(state, number) else { return };
    identity::find(state);
    spawn_local(async move {
        let hash = identity::of_entry(&entry).await;
        let whole = whole_hash(state, number).await;
        let fits = |slot: &Slot| {
            let by_data = slot.data.is_some() && slot.data == hash;
            let by_file = slot.data.is_none() && slot.file.is_some() && slot.file == whole;
            let by_name =
                slot.data.is_none() && slot.file.is_none() && (slot.label == entry.label || slot.label.is_empty());
            by_data || by_file || by_name
        };
        let free = |one: &Wanted| one.filled.is_none();
        let (place, named) = state.wanted.with_untracked(|all| {
            let find = |fits: &dyn Fn(&Wanted) -> bool| all.iter().position(|one| free(one) && fits(one));
            (find(&|one| fits(&one.slot)), find(&|one| one.slot.label == entry.label))
        });
        match (place, named) {
            (Some(place), _) => accept(state, place, number),
            (None, Some(place)) => state.wanted.update(|all| all[place].other = Some(number)),
            (None, None) => {}
        }
    });
}

/// The hash of a whole file, if a recipe knows one of its adapters by that alone.
async fn whole_hash(state: State, number: u32) -> Option<String> {
    state.wanted.with_untracked(|all| all.iter().any(|one| one.slot.file.is_some())).then_some(())?;
    let engine = state.engine.get_untracked()?;
    let file = engine.file(number)?;
    identity::sha256(&engine, &file, 0.0).await
}

/// Takes an open adapter for one that the recipe names.
pub fn accept(state: State, place: usize, number: u32) {
    state.wanted.update(|all| {
        if let Some(one) = all.get_mut(place) {
            (one.filled, one.other) = (Some(number), None);
        }
    });
    let one = state.wanted.with_untracked(|all| all.get(place).cloned());
    if let Some(one) = one {
        fill(state, &one);
        state.say.set(format!("{} is in its place", one.name(place)));
    }
    settle(state);
}

/// Takes nothing for it: the adapter of its name is one more.
pub fn refuse(state: State, place: usize) {
    state.wanted.update(|all| {
        if let Some(one) = all.get_mut(place) {
            one.other = None;
        }
    });
}

/// Merges without the adapters that are missing.
pub fn leave_out(state: State) {
    state.wanted.update(|all| all.retain(|one| one.filled.is_some()));
    settle(state);
}

fn entry(state: State, number: u32) -> Option<Entry> {
    state.entries.with_untracked(|all| all.iter().find(|e| e.number == number).cloned())
}

/// Gives an adapter the weights that the recipe says.
fn fill(state: State, one: &Wanted) {
    let Some(entry) = one.filled.and_then(|number| entry(state, number)) else { return };
    let slot = &one.slot;
    entry.weight.set(slot.weight);
    entry.te.set(slot.te);
    let own = entry.facts.with_untracked(|facts| facts.family == slot.family);
    entry.blocks.set(if own { slot.blocks.clone() } else { Vec::new() });
    if let (Some(text), Some(engine)) = (slot.typed.clone(), state.engine.get_untracked()) {
        let (number, blocks) = (entry.number, entry.blocks.clone());
        spawn_local(async move {
            match engine.blocks(number, text).await {
                Ok(values) => blocks.set(values),
                Err(failure) => state.troubles.update(|all| all.extend(reasons(failure))),
            }
        });
    }
    entry.direction.set(slot.direction);
    entry.rules.set(slot.rules.clone());
    entry.at.set(slot.at.clone());
}

/// Puts the adapters in the recipe's order, others last; once all are there, the recipe wants nothing more.
fn settle(state: State) {
    let order: Vec<u32> = state.wanted.with_untracked(|all| all.iter().filter_map(|one| one.filled).collect());
    let place = |e: &Entry| order.iter().position(|number| *number == e.number).unwrap_or(usize::MAX);
    state.entries.update(|all| all.sort_by_key(place));
    if state.wanted.with_untracked(|all| all.iter().all(|one| one.filled.is_some())) {
        state.wanted.set(Vec::new());
    }
}
