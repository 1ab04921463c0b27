//! What an adapter holds: the SHA-256 of its tensor data, by which recipes know it. Worked out as soon as it is open.

use crate::entries::Entry;
use crate::state::State;
use crate::wait;
use js_sys::{ArrayBuffer, Function, Promise, Reflect, Uint8Array};
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::fmt::Write;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File};

/// Most bytes that the browser hashes, as it wants them all in memory; beyond that the engine does, piece by piece.
const MOST: f64 = 536_870_912.0;

/// What is known of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Identity {
    /// Nothing yet.
    Unknown,
    /// It is being worked out.
    Asked,
    /// 64 hexadecimal digits.
    Known(String),
    /// It cannot be worked out; merging will tell why.
    Failed,
}

impl Identity {
    /// The hash, once it is known.
    pub fn hash(&self) -> Option<&String> {
        if let Identity::Known(hash) = self { Some(hash) } else { None }
    }

    /// Whether there is nothing to wait for.
    pub fn settled(&self) -> bool {
        matches!(self, Identity::Known(_) | Identity::Failed)
    }
}

/// Works out what all open adapters hold, one after the other.
pub fn find(state: State) {
    find_those(state, &[Identity::Unknown]);
}

/// The same, and once more where it could not be worked out.
pub fn find_again(state: State) {
    find_those(state, &[Identity::Unknown, Identity::Failed]);
}

fn find_those(state: State, wanted: &[Identity]) {
    let all = state.entries.get_untracked();
    let mut new = Vec::new();
    for entry in all.into_iter().filter(|e| e.identity.with_untracked(|i| wanted.contains(i))) {
        entry.identity.set(Identity::Asked);
        new.push(entry);
    }
    spawn_local(async move {
        for entry in new {
            let found = of(state, &entry).await;
            entry.identity.set(found.map_or(Identity::Failed, Identity::Known));
        }
    });
}

/// Waits until it is known what all open adapters hold.
pub async fn known(state: State) {
    let settled = move |entries: &Vec<Entry>| entries.iter().all(|e| e.identity.with_untracked(Identity::settled));
    wait::until(|| state.entries.with(settled)).await;
}

/// Waits until it is known what an adapter holds: the hash, if it can be worked out.
pub async fn of_entry(entry: &Entry) -> Option<String> {
    wait::until(|| entry.identity.with(Identity::settled)).await;
    entry.identity.with_untracked(|identity| identity.hash().cloned())
}

async fn of(state: State, entry: &Entry) -> Option<String> {
    let engine = state.engine.get_untracked()?;
    let file = engine.file(entry.number)?;
    #[expect(clippy::cast_precision_loss, reason = "files are smaller than 2⁵³ bytes")]
    let start = entry.facts.with_untracked(|facts| facts.data_start) as f64;
    sha256(&engine, &file, start).await
}

/// SHA-256 of a file from `start` on, as hexadecimal digits.
pub async fn sha256(engine: &rankweave_wasm::client::Engine, file: &File, start: f64) -> Option<String> {
    let blob = file.slice_with_f64(start).ok()?;
    if blob.size() <= MOST
        && let Some(hash) = by_browser(&blob).await
    {
        return Some(hash);
    }
    engine.hash(&blob).await.ok()
}

/// The browser's own hash, which only pages of a secure origin have.
async fn by_browser(blob: &Blob) -> Option<String> {
    let crypto = Reflect::get(&window(), &"crypto".into()).ok()?;
    let subtle = Reflect::get(&crypto, &"subtle".into()).ok().filter(JsValue::is_object)?;
    let digest: Function = Reflect::get(&subtle, &"digest".into()).ok()?.dyn_into().ok()?;
    let bytes = JsFuture::from(blob.array_buffer()).await.ok()?;
    let made: Promise = digest.call2(&subtle, &"SHA-256".into(), &bytes).ok()?.dyn_into().ok()?;
    let hash: ArrayBuffer = JsFuture::from(made).await.ok()?.dyn_into().ok()?;
    let mut text = String::with_capacity(64);
    for byte in Uint8Array::new(&hash).to_vec() {
        // A string takes everything.
        let _ = write!(text, "{byte:02x}");
    }
    Some(text)
}
