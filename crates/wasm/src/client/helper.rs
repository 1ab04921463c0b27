//! The hand with the GPU, in one merge.
//!
//! It joins when its device is open and its plan is made. Where it cannot be opened or stops, the others do its tasks,
//! and the result says so.

use super::link::{Link, read};
use super::{Failure, after};
use crate::inbox::Inbox;
use crate::protocol::{Gpu, Ready, Request};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::JsValue;

/// How long it may say nothing before others take over what it has, in milliseconds.
pub const PATIENCE: u32 = 20_000;

/// The hand with the GPU.
pub struct Helper {
    pub link: Rc<Link>,
    wanted: Gpu,
    /// Whether it has said nothing for long.
    late: Cell<bool>,
    state: Rc<State>,
}

/// How it is.
#[derive(Default)]
pub struct State {
    stage: Cell<Stage>,
    /// Why it left.
    why: RefCell<Option<String>>,
    /// Its questions without an answer.
    asked: Cell<u32>,
    moved: Inbox<()>,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Stage {
    #[default]
    Opening,
    Ready,
    Left,
}

impl State {
    fn leave(&self, why: Option<String>) {
        if self.stage.replace(Stage::Left) != Stage::Left {
            self.why.replace(why);
        }
        self.moved.put(());
    }

    fn failed(&self, failure: &Failure) {
        self.leave(match failure {
            Failure::Cancelled => None,
            Failure::Errors(errors) => {
                errors.first().map(|error| error.found.clone().unwrap_or_else(|| error.what.clone()))
            }
        });
    }
}

impl Helper {
    /// Has the device opened and the plan made, which must be `plan`.
    pub fn start(link: Rc<Link>, wanted: Gpu, prepare: &Request, files: &[JsValue], plan: Ready) -> Helper {
        let helper = Helper { link, wanted, late: Cell::new(false), state: Rc::default() };
        helper.ask(&Request::Gpu { wanted }, &[], |state, answer| match answer.and_then(|m| read(&m)) {
            Ok(Some::<String>(_)) => {}
            Ok(None) => state.leave(None),
            Err(failure) => state.failed(&failure),
        });
        helper.ask(prepare, files, move |state, answer| match answer.and_then(|m| read::<Ready>(&m)) {
            Ok(made) if made == plan && state.stage.get() == Stage::Opening => {
                state.stage.set(Stage::Ready);
                state.moved.put(());
            }
            Ok(_) => state.failed(&Failure::unexpected()),
            Err(failure) => state.failed(&failure),
        });
        helper
    }

    /// Where it was asked for, it is waited for; else it joins when it is there.
    pub async fn wait(&self) {
        if self.wanted != Gpu::On {
            return;
        }
        let state = self.state.clone();
        after(PATIENCE, move || state.moved.put(()));
        self.state.moved.next().await;
        if self.state.stage.get() == Stage::Opening {
            self.state.leave(Some("it did not answer".into()));
        }
    }

    /// Whether its tasks are to be taken over as soon as somebody has nothing to do.
    pub fn eager(&self) -> bool {
        self.wanted != Gpu::On || self.late.get()
    }

    /// It has said nothing for long.
    pub fn late(&self) {
        self.late.set(true);
    }

    /// Whether it can be given tasks.
    pub fn ready(&self) -> bool {
        self.state.stage.get() == Stage::Ready && !self.link.stopped()
    }

    /// It has stopped.
    pub fn failed(&self, failure: &Failure) {
        self.state.failed(failure);
    }

    /// Why it left before the end, if that should be known.
    pub fn why(&self) -> Option<String> {
        let slow = self.late.get() && self.state.asked.get() > 0;
        self.state.why.borrow().clone().or_else(|| slow.then(|| "it took too long".into()))
    }

    /// Whether the same worker can help with the next merge.
    pub fn fit(&self) -> bool {
        self.ready() && self.state.asked.get() == 0
    }

    /// Asks; `then` gets the answer.
    pub fn ask(
        &self,
        request: &Request,
        attached: &[JsValue],
        then: impl FnOnce(&State, Result<crate::wire::Message, Failure>) + 'static,
    ) {
        let state = self.state.clone();
        state.asked.set(state.asked.get() + 1);
        let heard = move |answer| {
            state.asked.set(state.asked.get() - 1);
            then(&state, answer);
        };
        if let Err(failure) = self.link.post(request, attached, &[], Box::new(heard)) {
            self.state.failed(&failure);
        }
    }
}
