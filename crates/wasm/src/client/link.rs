//! One worker: questions go in, answers come back in any order, a crash answers all of them.

use super::{Code, Failure};
use crate::protocol::{Reply, Request};
use crate::wire;
use futures_channel::oneshot;
use js_sys::Array;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use wasm_bindgen::{JsValue, prelude::Closure};
use web_sys::{ErrorEvent, MessageEvent, Worker};

/// What a worker said, and what it attached.
pub struct Answer {
    /// The answer itself.
    pub reply: Reply,
    /// What rode along.
    pub attached: Vec<JsValue>,
}

/// A running worker.
pub struct Link {
    worker: Worker,
    state: Rc<State>,
    next: Cell<u32>,
    // Kept alive as long as the worker may call them.
    _on_message: Closure<dyn Fn(MessageEvent)>,
    _on_error: Closure<dyn Fn(ErrorEvent)>,
}

#[derive(Default)]
struct State {
    waiting: RefCell<HashMap<u32, oneshot::Sender<Result<Answer, Failure>>>>,
    /// Why it stopped, once it has.
    stopped: RefCell<Option<Failure>>,
    /// What it said before it trapped.
    panic: RefCell<Option<String>>,
    /// Network requests it made; always 0 unless something is very wrong.
    requested: Cell<u32>,
}

impl Link {
    /// Starts a worker.
    ///
    /// # Errors
    /// If the browser refuses.
    pub fn start(code: &Code) -> Result<Link, Failure> {
        let worker = code.start().map_err(|e| Failure::from_js(&e))?;
        let state = Rc::new(State::default());
        let hears = state.clone();
        let on_message = Closure::<dyn Fn(_)>::new(move |event: MessageEvent| hears.heard(&event.data()));
        let fails = state.clone();
        let on_error = Closure::<dyn Fn(_)>::new(move |event: ErrorEvent| {
            event.prevent_default();
            let message = fails.panic.take().unwrap_or_else(|| event.message());
            fails.stop(&Failure::crashed(&message));
        });
        worker.set_onmessage(Some(wasm_bindgen::JsCast::unchecked_ref(on_message.as_ref())));
        worker.set_onerror(Some(wasm_bindgen::JsCast::unchecked_ref(on_error.as_ref())));
        Ok(Link { worker, state, next: Cell::new(1), _on_message: on_message, _on_error: on_error })
    }

    /// Asks, and waits for the answer. Buffers in `moved` are transferred: the page cannot use them afterwards.
    ///
    /// # Errors
    /// What the worker refused, or why it stopped.
    pub async fn ask(&self, request: &Request, attached: &[JsValue], moved: &[JsValue]) -> Result<Answer, Failure> {
        self.post(request, attached, moved)?.await.unwrap_or(Err(Failure::Cancelled))
    }

    /// Sends the question now and hands back where its answer will arrive.
    ///
    /// # Errors
    /// If the worker has stopped.
    pub fn post(
        &self,
        request: &Request,
        attached: &[JsValue],
        moved: &[JsValue],
    ) -> Result<oneshot::Receiver<Result<Answer, Failure>>, Failure> {
        if let Some(why) = self.state.stopped.borrow().clone() {
            return Err(why);
        }
        let number = self.next.replace(self.next.get().wrapping_add(1).max(1));
        let message = wire::pack(number, request, attached).map_err(|e| Failure::crashed(&e))?;
        let moved: Array = moved.iter().collect();
        self.worker.post_message_with_transfer(&message, &moved).map_err(|e| Failure::from_js(&e))?;
        let (answer, waits) = oneshot::channel();
        self.state.waiting.borrow_mut().insert(number, answer);
        Ok(waits)
    }

    /// Whether it has stopped.
    pub fn stopped(&self) -> bool {
        self.state.stopped.borrow().is_some()
    }

    /// Network requests it has made.
    pub fn requested(&self) -> u32 {
        self.state.requested.get()
    }

    /// Stops it at once, whatever it is doing; open questions are answered with `why`.
    pub fn stop(&self, why: &Failure) {
        self.worker.terminate();
        self.state.stop(why);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.stop(&Failure::Cancelled);
    }
}

impl State {
    fn heard(&self, message: &JsValue) {
        match wire::unpack(message) {
            Ok((0, Reply::Panic { message }, _)) => *self.panic.borrow_mut() = Some(message),
            Ok((0, Reply::Requested { count }, _)) => self.requested.set(count),
            Ok((number, reply, attached)) => {
                let answer = match reply {
                    Reply::Failed { errors } => Err(Failure::Errors(errors)),
                    reply => Ok(Answer { reply, attached }),
                };
                if let Some(waits) = self.waiting.borrow_mut().remove(&number) {
                    // Nobody waits any more after a cancel; that is fine.
                    let _ = waits.send(answer);
                }
            }
            Err(problem) => self.stop(&Failure::crashed(&problem)),
        }
    }

    fn stop(&self, why: &Failure) {
        self.stopped.borrow_mut().get_or_insert_with(|| why.clone());
        for (_, waits) in self.waiting.take() {
            let _ = waits.send(Err(why.clone()));
        }
    }
}
