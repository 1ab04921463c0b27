//! The worker's side: hears requests, answers them one after the other.

mod desk;
mod facts;
mod file_source;
mod gpu;
mod hand;
mod order;
mod recipes;
mod said;
#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests;
mod watch;

use crate::inbox::Inbox;
use crate::protocol::{Checked, Input, Request};
use crate::wire::{Message, Sort};
use desk::Desk;
use file_source::FileSource;
use gpu::GpuHand;
use hand::Hand;
use js_sys::{Array, ArrayBuffer, Uint8Array};
use rankweave_adapter::{Adapter, Error, Kind, Source};
use rankweave_recipe::read_whole;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::{Blob, DedicatedWorkerGlobalScope, MessageEvent};

/// Bytes hashed at a time.
const HASHED: usize = 8 << 20;

/// An answer as a message carries it, and what rides along. Buffers among it are transferred.
struct Answer {
    body: JsValue,
    attached: Vec<JsValue>,
}

impl Answer {
    fn new(body: &impl Serialize, attached: Vec<JsValue>) -> Result<Answer, Vec<Error>> {
        match serde_wasm_bindgen::to_value(body) {
            Ok(body) => Ok(Answer { body, attached }),
            Err(e) => Err(vec![Error::new(Kind::Unsupported, e.to_string()).hint("Please report this.")]),
        }
    }
}

/// What this worker remembers. A worker is either the desk or a hand, but may be asked anything.
#[derive(Default)]
struct Worker {
    desk: Desk,
    hand: Hand,
    /// The number of the question that is being answered, for steps.
    asked: Option<u32>,
    /// Where the questions go once this worker is a hand with a GPU.
    gpu: Option<Rc<Inbox<Question>>>,
}

/// A question of the page.
struct Question {
    number: u32,
    request: Request,
    attached: Vec<JsValue>,
}

/// Starts listening. Called once, when the engine's code has been loaded into a worker.
pub fn start() {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        event(Sort::Panic, &info.to_string());
    }));
    watch::requests();
    let worker = RefCell::new(Worker::default());
    let hear = Closure::<dyn Fn(_)>::new(move |event: MessageEvent| hear(&mut worker.borrow_mut(), &event.data()));
    scope.set_onmessage(Some(hear.as_ref().unchecked_ref()));
    // It listens as long as the worker lives.
    hear.forget();
}

fn hear(worker: &mut Worker, message: &JsValue) {
    let message = Message::from_js(message).and_then(|message| Ok((message.read()?, message)));
    let (request, Message { number, attached, .. }) = match message {
        Ok(parts) => parts,
        // Only a page of another version sends what cannot be read; it is told through its error event.
        Err(problem) => wasm_bindgen::throw_str(&problem),
    };
    if matches!(request, Request::Gpu { .. }) {
        worker.gpu.get_or_insert_with(wait);
    }
    if let Some(inbox) = &worker.gpu {
        return inbox.put(Question { number, request, attached });
    }
    worker.asked = Some(number);
    reply(number, worker.answer(request, attached));
}

/// Answers what is put into the inbox, one question after the other, as long as the worker lives.
fn wait() -> Rc<Inbox<Question>> {
    let inbox = Rc::new(Inbox::new());
    let questions = inbox.clone();
    wasm_bindgen_futures::spawn_local(async move {
        let mut hand = GpuHand::default();
        loop {
            let Question { number, request, attached } = questions.next().await;
            reply(number, hand.answer(request, attached).await);
        }
    });
    inbox
}

fn reply(number: u32, answer: Result<Answer, Vec<Error>>) {
    match answer {
        Ok(Answer { body, attached }) => send(&Message { number, sort: Sort::Answer, body, attached }),
        Err(errors) => match Message::new(number, Sort::Failed, &errors, Vec::new()) {
            Ok(message) => send(&message),
            Err(problem) => wasm_bindgen::throw_str(&problem),
        },
    }
}

impl Worker {
    fn answer(&mut self, request: Request, attached: Vec<JsValue>) -> Result<Answer, Vec<Error>> {
        let one = |e: Error| vec![e];
        let none = Vec::new();
        match request {
            Request::Methods => Answer::new(&facts::methods(), none),
            Request::Open { adapter, label, config } => {
                let source = file(&attached, 0).map_err(one)?;
                Answer::new(&self.desk.open(adapter, &label, config.as_deref(), source).map_err(one)?, none)
            }
            Request::Base { base, index } => {
                Answer::new(&self.desk.base(&base, index.as_deref(), &attached).map_err(one)?, none)
            }
            Request::NoBase => Answer::new(&self.desk.no_base(), none),
            Request::Close { adapter } => Answer::new(&self.desk.close(adapter), none),
            Request::Blocks { adapter, text } => Answer::new(&self.desk.blocks(adapter, &text).map_err(one)?, none),
            Request::Share { adapters, settings, names, page, expected } => Answer::new(
                &self.desk.share(&adapters, &settings, (names, page.as_deref()), expected.as_deref())?,
                none,
            ),
            Request::Recall { text } => Answer::new(&recipes::recalled(&text)?, none),
            Request::Told { adapter } => Answer::new(&self.desk.told(adapter)?, none),
            Request::Plan { adapters, settings } => Answer::new(&self.desk.plan(&adapters, &settings)?, none),
            Request::Begin { adapters, settings } => Answer::new(&self.desk.begin(&adapters, &settings)?, none),
            Request::Prepare { inputs, settings } => {
                Answer::new(&self.hand.prepare(&inputs, &attached, &settings)?, none)
            }
            Request::Survey { task } => Answer::new(&self.hand.survey(task).map_err(one)?, none),
            Request::Found { tasks } => {
                self.desk.found(&tasks);
                self.hand.found(&tasks);
                Answer::new(&(), none)
            }
            Request::Run { task } => {
                let (output, bytes) = self.hand.run(task).map_err(one)?;
                Answer::new(&output, vec![bytes.into()])
            }
            Request::Write { task, meta } => {
                let bytes = buffer(&attached).map_err(one)?;
                Answer::new(&self.desk.write(task, &meta, &bytes).map_err(one)?, none)
            }
            Request::Finish => {
                let (summary, files) = self.desk.finish().map_err(one)?;
                Answer::new(&summary, files)
            }
            Request::Rows { from, count } => Answer::new(&self.desk.rows(from, count), none),
            Request::Compare { adapters, readings } => Answer::new(&self.desk.compare(&adapters, &readings)?, none),
            Request::About { adapter } => Answer::new(&self.desk.about(adapter)?, none),
            Request::Check { input } => {
                let source = file(&attached, 0).map_err(one)?;
                Answer::new(&self.check(&input, &source).map_err(one)?, none)
            }
            Request::Conflicts { inputs, settings, exact } => {
                let found = hand::conflicts(&inputs, &attached, &settings, exact, |share| self.step(share))?;
                Answer::new(&said::conflicts(&found), none)
            }
            Request::Gpu { .. } => Err(one(missing("a hand with a GPU"))),
            Request::Hash => Answer::new(&hash(&file(&attached, 0).map_err(one)?).map_err(one)?, none),
        }
    }
}

impl Worker {
    /// Reads a file whole, telling each percent.
    fn check(&self, input: &Input, source: &FileSource) -> Result<Checked, Error> {
        let adapter = Adapter::open(source, &input.label, input.config.as_deref())?;
        let (all, mut told) = (source.len().saturating_mul(2).max(1), 0);
        let reading = read_whole(&adapter, source, |done| {
            let percent = done.saturating_mul(100) / all;
            if percent > told {
                told = percent;
                self.step(percent as f64 / 100.0);
            }
            Ok(())
        })?;
        Ok(said::checked(&adapter, &reading))
    }

    /// Tells the page how far the answer is.
    fn step(&self, share: f64) {
        // A step that cannot be told is no loss: the answer comes all the same.
        if let Some(Ok(message)) = self.asked.map(|number| Message::new(number, Sort::Step, &share, Vec::new())) {
            send(&message);
        }
    }
}

/// Tells the page something it did not ask for.
fn event(sort: Sort, body: &impl Serialize) {
    // What cannot be told is lost: there is nobody else to tell.
    if let Ok(message) = Message::new(0, sort, body, Vec::new()) {
        send(&message);
    }
}

fn send(message: &Message) {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let moved: Array = message.attached.iter().filter(|value| value.is_instance_of::<ArrayBuffer>()).collect();
    if let Err(problem) = scope.post_message_with_transfer(&message.to_js(), &moved) {
        // The page hears of it through the worker's error event.
        wasm_bindgen::throw_val(problem);
    }
}

/// The attached file at `index`.
fn file(attached: &[JsValue], index: usize) -> Result<FileSource, Error> {
    let blob = attached.get(index).and_then(|value| value.dyn_ref::<Blob>()).cloned();
    FileSource::new(blob.ok_or_else(|| missing("a file"))?).map_err(|e| Error::new(Kind::Io, e.to_string()))
}

fn buffer(attached: &[JsValue]) -> Result<Uint8Array, Error> {
    let bytes = attached.first().and_then(|value| value.dyn_ref::<ArrayBuffer>());
    bytes.map(|bytes| Uint8Array::new(bytes)).ok_or_else(|| missing("bytes"))
}

fn missing(what: &str) -> Error {
    Error::new(Kind::Unsupported, "A message of the page is incomplete").expected(what).hint("Reload the page.")
}

/// SHA-256 of a whole file, read piece by piece.
fn hash(source: &FileSource) -> Result<String, Error> {
    let mut hasher = Sha256::new();
    let mut piece = vec![0; HASHED];
    let mut offset = 0;
    while offset < source.len() {
        let rest = usize::try_from(source.len() - offset).unwrap_or(HASHED).min(HASHED);
        source.read_at(offset, &mut piece[..rest]).map_err(|e| Error::new(Kind::Io, e.to_string()))?;
        hasher.update(&piece[..rest]);
        offset += rest as u64;
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
