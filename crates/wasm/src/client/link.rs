//! One worker: questions go in, answers come back in any order, a crash answers all of them.

use super::{Code, Failure, after};
use crate::protocol::Request;
use crate::wire::{Message, Sort};
use futures_channel::oneshot;
use js_sys::{Array, Reflect};
use serde::de::DeserializeOwned;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::{ErrorEvent, MessageEvent, Worker};

/// What a worker says to a question, or why it does not.
pub type Answer = Result<Message, Failure>;

/// What to do with an answer.
pub type Then = Box<dyn FnOnce(Answer)>;

/// Who hears how far an answer is, 0 to 1.
type Hear = Rc<dyn Fn(f64)>;

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
    /// Open questions, never more than a few dozen.
    waiting: RefCell<Vec<(u32, Then)>>,
    /// Why it stopped, once it has.
    stopped: RefCell<Option<Failure>>,
    /// Who is told of steps.
    steps: RefCell<Option<Hear>>,
    /// Network requests it made; always 0 unless something is very wrong.
    requested: Cell<u32>,
    /// Messages it sent.
    said: Cell<u32>,
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
            fails.stop(&Failure::crashed(&message_of(&event)));
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Ok(Link { worker, state, next: Cell::new(1), _on_message: on_message, _on_error: on_error })
    }

    /// Asks, and waits for the answer and what is attached to it.
    ///
    /// # Errors
    /// What the worker refused, or why it stopped.
    pub async fn ask(&self, request: &Request, attached: &[JsValue]) -> Answer {
        let (gives, waits) = oneshot::channel();
        // Nobody may wait any more after a cancel; that is fine.
        let then = move |answer| drop(gives.send(answer));
        self.post(request, attached, &[], Box::new(then))?;
        // An answer that never comes belongs to a worker that is gone.
        waits.await.unwrap_or(Err(Failure::Cancelled))
    }

    /// Sends the question now; `then` is called with the answer. Buffers in `moved` are transferred: the page
    /// cannot use them afterwards.
    ///
    /// # Errors
    /// If the worker has stopped.
    pub fn post(&self, request: &Request, attached: &[JsValue], moved: &[JsValue], then: Then) -> Result<(), Failure> {
        if let Some(why) = self.state.stopped.borrow().clone() {
            return Err(why);
        }
        let number = self.next.replace(self.next.get().wrapping_add(1).max(1));
        let message = Message::new(number, Sort::Ask, request, attached.to_vec()).map_err(|e| Failure::crashed(&e))?;
        let moved: Array = moved.iter().collect();
        self.worker.post_message_with_transfer(&message.to_js(), &moved).map_err(|e| Failure::from_js(&e))?;
        self.state.waiting.borrow_mut().push((number, then));
        Ok(())
    }

    /// Has `hear` told how far the answers are, 0 to 1.
    pub fn on_step(&self, hear: impl Fn(f64) + 'static) {
        self.state.steps.replace(Some(Rc::new(hear)));
    }

    /// Whether it has stopped.
    pub fn stopped(&self) -> bool {
        self.state.stopped.borrow().is_some()
    }

    /// Whether a question is open.
    pub fn asked(&self) -> bool {
        !self.state.waiting.borrow().is_empty()
    }

    /// From now on, stops it with `why` once it has said nothing for so long although a question is open.
    pub fn watch(self: &Rc<Self>, milliseconds: u32, why: Failure) {
        let (link, said) = (Rc::downgrade(self), self.state.said.get());
        after(milliseconds, move || match link.upgrade().filter(|link| link.asked()) {
            Some(link) if link.state.said.get() == said => link.stop(&why),
            Some(link) => link.watch(milliseconds, why),
            None => {}
        });
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

/// An answer's content.
///
/// # Errors
/// If it does not fit the question.
pub fn read<T: DeserializeOwned>(answer: &Message) -> Result<T, Failure> {
    answer.read().map_err(|_| Failure::unexpected())
}

impl State {
    fn heard(&self, message: &JsValue) {
        if let Err(problem) = self.read(message) {
            self.stop(&Failure::crashed(&problem));
        }
    }

    fn read(&self, message: &JsValue) -> Result<(), String> {
        self.said.set(self.said.get().wrapping_add(1));
        let message = Message::from_js(message)?;
        match message.sort {
            // Nothing comes after it. What waits in the worker for a device would trap without an error event.
            Sort::Panic => self.stop(&Failure::crashed(&message.body.as_string().unwrap_or_default())),
            Sort::Requested => self.requested.set(message.read()?),
            Sort::Step => {
                let hear = self.steps.borrow().clone();
                if let Some(hear) = hear {
                    hear(message.read()?);
                }
            }
            Sort::Failed => self.give(message.number, Err(Failure::Errors(message.read()?))),
            Sort::Answer | Sort::Ask => self.give(message.number, Ok(message)),
        }
        Ok(())
    }

    fn give(&self, number: u32, answer: Answer) {
        let at = self.waiting.borrow().iter().position(|(n, _)| *n == number);
        let waits = at.map(|at| self.waiting.borrow_mut().swap_remove(at).1);
        // The list is free again when the answer is acted on, which may ask the next question.
        if let Some(then) = waits {
            then(answer);
        }
    }

    fn stop(&self, why: &Failure) {
        self.stopped.borrow_mut().get_or_insert_with(|| why.clone());
        for (_, then) in self.waiting.take() {
            then(Err(why.clone()));
        }
    }
}

/// What the browser says of it. A worker that could not even start says nothing, in an event of another kind.
fn message_of(event: &ErrorEvent) -> String {
    let message = Reflect::get(event, &"message".into()).ok().and_then(|message| message.as_string());
    message.filter(|message| !message.is_empty()).unwrap_or_else(|| "a worker could not start".into())
}
