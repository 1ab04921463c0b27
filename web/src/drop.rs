//! Taking files in: dropped anywhere, or chosen with a button. Both take folders.

use crate::base;
use crate::entries::{self, Picked};
use crate::format::count;
use crate::icons;
use crate::live;
use crate::state::{State, state};
use js_sys::{Array, Promise, Reflect};
use leptos::{ev, html, prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DataTransfer, File, FileSystemDirectoryEntry, FileSystemEntry, FileSystemFileEntry, HtmlInputElement};

/// Most files taken from one drop, and how deep folders are followed.
const MOST: usize = 200;
const DEEPEST: usize = 4;

/// Puts the keyboard's focus on the file input.
pub fn focus() {
    let input = document().get_element_by_id("adapter-files");
    if let Some(input) = input.and_then(|e| e.dyn_into::<HtmlInputElement>().ok()) {
        // It is always there and can always be focused.
        let _ = input.focus();
    }
}

/// The button to choose files, large while there is nothing else to look at.
#[component]
pub fn DropPlace() -> impl IntoView {
    let state = state();
    let empty = live::memo(move || state.entries.with(Vec::is_empty));
    let waits = live::signal(move || !state.ready.get());
    let title = live::signal(move || match (state.opening.get(), empty.get()) {
        (0, true) => "Choose .safetensors files".to_owned(),
        (0, false) => "Add another adapter".to_owned(),
        (n, _) => format!("Reading {}…", count(u32::try_from(n).unwrap_or(u32::MAX), "file")),
    });
    let (files, folder) = (NodeRef::<html::Input>::new(), NodeRef::<html::Input>::new());
    live::effect(move || {
        if let Some(input) = folder.get() {
            input.set_webkitdirectory(true);
        }
    });
    view! {
        <div class="drop" class:large=live::signal(move || empty.get())>
            {icons::weave()}
            <strong>{title}</strong>
            <span class="small muted">"or drop files or folders anywhere"</span>
            <input
                type="file"
                id="adapter-files"
                aria-label="Adapter files"
                multiple
                accept=".safetensors,.json"
                node_ref=files
                disabled=waits
                on:change=move |_| chosen(state, files)
            />
        </div>
        <p class="below-drop small muted">
            <span>"Kohya, diffusers or PEFT; any rank"</span>
            <span class="button plain">
                "Choose a folder"
                <input
                    type="file"
                    aria-label="Adapter folder"
                    node_ref=folder
                    disabled=waits
                    on:change=move |_| chosen(state, folder)
                />
            </span>
        </p>
    }
}

/// Shown while something is dragged over the window; the whole window takes drops.
#[component]
pub fn DropVeil() -> impl IntoView {
    let state = state();
    // Entering a child fires before leaving its parent, so enters and leaves are counted.
    let inside = RwSignal::new(0_i32);
    let with_files =
        |event: &ev::DragEvent| event.data_transfer().is_some_and(|data| data.types().includes(&"Files".into(), 0));
    window_event_listener(ev::dragenter, move |event| {
        if with_files(&event) {
            event.prevent_default();
            inside.update(|n| *n += 1);
        }
    });
    window_event_listener(ev::dragover, move |event| {
        if with_files(&event) {
            event.prevent_default();
        }
    });
    window_event_listener(ev::dragleave, move |event| {
        if with_files(&event) {
            inside.update(|n| *n = (*n - 1).max(0));
        }
    });
    window_event_listener(ev::drop, move |event| {
        inside.set(0);
        if let Some(data) = event.data_transfer().filter(|_| with_files(&event)) {
            event.prevent_default();
            let roots = roots(&data);
            let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
            let of_base = target.is_some_and(|target| target.closest(".base-place").is_ok_and(|place| place.is_some()));
            spawn_local(async move {
                let mut picked = Vec::new();
                for root in roots {
                    gather(root, &mut picked).await;
                }
                if of_base {
                    base::take(state, picked);
                } else {
                    entries::add(state, picked).await;
                }
            });
        }
    });
    view! {
        <div class="drop-veil" aria-hidden="true" hidden=live::signal(move || inside.get() == 0)>
            "Drop to add"
        </div>
    }
}

fn chosen(state: State, node: NodeRef<html::Input>) {
    if let Some(input) = node.get_untracked() {
        spawn_local(entries::add(state, files_of(&input)));
    }
}

/// The files that were chosen, which the input forgets.
pub fn files_of(input: &HtmlInputElement) -> Vec<Picked> {
    let list = input.files();
    let file = |i| list.as_ref()?.get(i);
    let count = list.as_ref().map_or(0, web_sys::FileList::length);
    let picked = (0..count).filter_map(file).map(from_input).take(MOST).collect();
    // So that the same file can be chosen again.
    input.set_value("");
    picked
}

/// A file from an input; a chosen folder gives its path.
fn from_input(file: File) -> Picked {
    let path = Reflect::get(&file, &"webkitRelativePath".into()).ok().and_then(|p| p.as_string()).unwrap_or_default();
    let folder = path.rsplit_once('/').map(|(folder, _)| folder.to_owned()).unwrap_or_default();
    Picked { folder, file }
}

/// What was dropped. It must be taken while the event lasts.
enum Root {
    Entry(FileSystemEntry),
    File(File),
}

fn roots(data: &DataTransfer) -> Vec<Root> {
    let items = data.items();
    let item = |i| items.get(i).filter(|item| item.kind() == "file");
    let root = |i| {
        let item = item(i)?;
        let entry = item.webkit_get_as_entry().ok().flatten().filter(FileSystemEntry::is_directory);
        // A plain file needs no detour.
        entry.map(Root::Entry).or_else(|| item.get_as_file().ok().flatten().map(Root::File))
    };
    (0..items.length()).filter_map(root).collect()
}

/// Adds a root's files; folders are walked level by level.
async fn gather(root: Root, picked: &mut Vec<Picked>) {
    let entry = match root {
        Root::File(file) => return picked.push(Picked { folder: String::new(), file }),
        Root::Entry(entry) => entry,
    };
    let mut level = vec![(String::new(), entry)];
    for _ in 0..=DEEPEST {
        let mut next = Vec::new();
        for (folder, entry) in level {
            if picked.len() >= MOST {
                return;
            }
            // Not every browser gives the two kinds of entry classes of their own, so that they are asked.
            if entry.is_directory() {
                let folder = if folder.is_empty() { entry.name() } else { format!("{folder}/{}", entry.name()) };
                let inside = children(entry.unchecked_ref()).await;
                next.extend(inside.into_iter().map(|child| (folder.clone(), child)));
            } else {
                let file = file_of(entry.unchecked_ref()).await;
                picked.extend(file.map(|file| Picked { folder, file }));
            }
        }
        level = next;
    }
}

/// A folder's entries, which come in batches until an empty one.
async fn children(directory: &FileSystemDirectoryEntry) -> Vec<FileSystemEntry> {
    let reader = directory.create_reader();
    let mut all = Vec::new();
    while all.len() < MOST {
        let batch = promise(|yes, no| reader.read_entries_with_callback_and_callback(yes, no)).await;
        let batch: Array = batch.map(JsCast::unchecked_into).unwrap_or_default();
        if batch.length() == 0 {
            break;
        }
        all.extend(batch.iter().map(JsCast::unchecked_into::<FileSystemEntry>));
    }
    all
}

async fn file_of(entry: &FileSystemFileEntry) -> Option<File> {
    let file = promise(|yes, no| {
        entry.file_with_callback_and_callback(yes, no);
        Ok(())
    });
    file.await.and_then(|file| file.dyn_into().ok())
}

/// Waits for an old-style call with two callbacks; `None` if it fails.
async fn promise(call: impl Fn(&js_sys::Function, &js_sys::Function) -> Result<(), JsValue>) -> Option<JsValue> {
    let mut run = |yes: js_sys::Function, no: js_sys::Function| {
        if let Err(problem) = call(&yes, &no) {
            // Rejecting cannot fail.
            let _ = no.call1(&JsValue::NULL, &problem);
        }
    };
    JsFuture::from(Promise::new(&mut run)).await.ok()
}
