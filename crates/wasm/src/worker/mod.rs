//! The worker's side: hears requests, answers them one after the other.

mod desk;
mod facts;
mod file_source;
mod hand;
mod order;
#[cfg(all(test, target_arch = "wasm32"))]
mod tests;
mod watch;

use crate::protocol::{Reply, Request};
use crate::wire;
use desk::Desk;
use hand::Hand;
use js_sys::{Array, ArrayBuffer, Uint8Array};
use rankweave_adapter::{Error, Kind, Source};
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::{Blob, DedicatedWorkerGlobalScope, MessageEvent};

/// Bytes hashed at a time.
const HASHED: usize = 8 << 20;

/// A reply, and what rides along with it. Buffers among it are transferred.
struct Answer(Reply, Vec<JsValue>);

type Answers = Result<Answer, Vec<Error>>;

/// What this worker remembers. A worker is either the desk or a hand, but may be asked anything.
#[derive(Default)]
struct Worker {
    desk: Desk,
    hand: Hand,
}

/// Starts listening. Called once, when the engine's code has been loaded into a worker.
pub fn start() {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        send(0, Answer(Reply::Panic { message: info.to_string() }, Vec::new()));
    }));
    watch::requests();
    let worker = RefCell::new(Worker::default());
    let hear = Closure::<dyn Fn(_)>::new(move |event: MessageEvent| hear(&mut worker.borrow_mut(), &event.data()));
    scope.set_onmessage(Some(hear.as_ref().unchecked_ref()));
    // It listens as long as the worker lives.
    hear.forget();
}

fn hear(worker: &mut Worker, message: &JsValue) {
    let (number, request, attached) = match wire::unpack(message) {
        Ok(parts) => parts,
        // Only a page of another version sends what cannot be read; it is told through its error event.
        Err(problem) => wasm_bindgen::throw_str(&problem),
    };
    let failed = |errors| Answer(Reply::Failed { errors }, Vec::new());
    send(number, worker.answer(request, attached).unwrap_or_else(failed));
}

impl Worker {
    fn answer(&mut self, request: Request, attached: Vec<JsValue>) -> Answers {
        let one = |e: Error| vec![e];
        let plain = |reply| Ok(Answer(reply, Vec::new()));
        match request {
            Request::Methods => plain(Reply::Methods { methods: facts::methods() }),
            Request::Open { adapter, label, config } => {
                let facts = self.desk.open(adapter, &label, config.as_deref(), file(&attached, 0)?).map_err(one)?;
                plain(Reply::Facts { facts })
            }
            Request::Close { adapter } => {
                self.desk.close(adapter);
                plain(Reply::Done)
            }
            Request::Plan { adapters, settings } => {
                plain(Reply::Estimate { estimate: self.desk.plan(&adapters, &settings)? })
            }
            Request::Begin { adapters, settings } => plain(self.desk.begin(&adapters, &settings)?),
            Request::Prepare { inputs, settings } => plain(self.hand.prepare(&inputs, &attached, &settings)?),
            Request::Run { task } => self.hand.run(task).map_err(one),
            Request::Write { task, meta } => {
                self.desk.write(task, &meta, &buffer(&attached)?).map_err(one)?;
                plain(Reply::Done)
            }
            Request::Finish => self.desk.finish().map_err(one),
            Request::Rows { from, count } => plain(Reply::Rows { rows: self.desk.rows(from, count) }),
            Request::Hash => plain(Reply::Hash { sha256: hash(file(&attached, 0)?).map_err(one)? }),
        }
    }
}

fn send(number: u32, Answer(reply, attached): Answer) {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let moved: Array = attached.iter().filter(|value| value.is_instance_of::<ArrayBuffer>()).collect();
    let sent = match wire::pack(number, &reply, &attached) {
        Ok(message) => scope.post_message_with_transfer(&message, &moved),
        Err(problem) => Err(problem.into()),
    };
    if let Err(problem) = sent {
        // The page hears of it through the worker's error event.
        wasm_bindgen::throw_val(problem);
    }
}

/// The attached file at `index`.
fn file(attached: &[JsValue], index: usize) -> Result<file_source::FileSource, Vec<Error>> {
    let blob = attached.get(index).and_then(|value| value.dyn_ref::<Blob>()).cloned();
    let source = blob.ok_or_else(|| missing("a file")).and_then(|blob| {
        file_source::FileSource::new(blob).map_err(|e| Error::new(Kind::Io, e.to_string()))
    });
    source.map_err(|e| vec![e])
}

fn buffer(attached: &[JsValue]) -> Result<Uint8Array, Vec<Error>> {
    let bytes = attached.first().and_then(|value| value.dyn_ref::<ArrayBuffer>());
    bytes.map(|bytes| Uint8Array::new(bytes)).ok_or_else(|| vec![missing("bytes")])
}

fn missing(what: &str) -> Error {
    Error::new(Kind::Unsupported, "A message of the page is incomplete").expected(what).hint("Reload the page.")
}

/// SHA-256 of a whole file, read piece by piece.
fn hash(source: file_source::FileSource) -> Result<String, Error> {
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
