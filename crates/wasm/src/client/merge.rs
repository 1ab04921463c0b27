//! One merge: tasks go out to the hands, their bytes come back in any order, the desk gets them in order.
//!
//! Every hand has two questions open, so that it never waits for the page. A task is taken only while the bytes
//! that wait for the desk stay below [`HELD`]; the task the desk waits for has always been taken by then, so
//! this cannot lock up.

use super::bell::Bell;
use super::link::{Answer, Link};
use super::{Failure, Merged, Progress};
use crate::protocol::{Reply, Request, Settings};
use futures_channel::oneshot;
use futures_util::future::{try_join, try_join_all};
use js_sys::{ArrayBuffer, Uint8Array};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Blob;

/// Most bytes that may wait for the desk.
const HELD: u32 = 128 << 20;

/// What takes part in a merge.
pub struct Crew {
    /// Puts the file together.
    pub desk: Rc<Link>,
    /// Merge modules.
    pub hands: Vec<Rc<Link>>,
    /// The desk's question.
    pub begin: Request,
    /// The hands' question.
    pub prepare: Request,
    /// The files, in order.
    pub files: Vec<JsValue>,
}

impl Crew {
    /// Questions that make the desk and the hands agree on one plan.
    pub fn new(
        desk: Rc<Link>,
        hands: Vec<Rc<Link>>,
        adapters: Vec<u32>,
        inputs: Vec<crate::protocol::Input>,
        files: Vec<JsValue>,
        settings: Settings,
    ) -> Self {
        let prepare = Request::Prepare { inputs, settings: settings.clone() };
        Crew { desk, hands, begin: Request::Begin { adapters, settings }, prepare, files }
    }

    /// Runs the merge to its end.
    ///
    /// # Errors
    /// The first failure of any worker, or a cancel.
    pub async fn run(self, on: &dyn Fn(Progress)) -> Result<Merged, Failure> {
        let begin = self.desk.ask(&self.begin, &[], &[]);
        let prepare = try_join_all(self.hands.iter().map(|hand| hand.ask(&self.prepare, &self.files, &[])));
        let (begun, prepared) = try_join(begin, prepare).await?;
        let (tasks, modules) = ready(&begun)?;
        for hand in &prepared {
            if ready(hand)? != (tasks, modules) {
                return Err(Failure::unexpected());
            }
        }
        let board = Board { tasks, modules, ..Board::default() };
        on(board.progress());
        let lanes = self.hands.iter().flat_map(|hand| [hand, hand]).map(|hand| board.lane(hand));
        try_join(try_join_all(lanes), board.write(&self.desk, on)).await?;
        finish(self.desk.ask(&Request::Finish, &[], &[]).await?)
    }
}

/// Where the merge stands.
#[derive(Default)]
struct Board {
    tasks: u32,
    modules: u32,
    /// The next task that nobody has taken.
    next: Cell<u32>,
    /// Done, but not yet with the desk.
    done: RefCell<BTreeMap<u32, Output>>,
    /// Bytes done but not yet written.
    held: Cell<u32>,
    /// Modules and bytes written.
    written: Cell<(u32, f64)>,
    bell: Bell,
}

struct Output {
    meta: String,
    modules: u32,
    bytes: ArrayBuffer,
    size: u32,
}

type Ack = oneshot::Receiver<Result<Answer, Failure>>;

impl Board {
    fn progress(&self) -> Progress {
        let (done, bytes) = self.written.get();
        Progress { done, total: self.modules, bytes }
    }

    /// One of a hand's two questions at a time, until no task is left.
    async fn lane(&self, hand: &Link) -> Result<(), Failure> {
        loop {
            while self.held.get() > HELD {
                self.bell.wait().await;
            }
            let task = self.next.get();
            if task >= self.tasks {
                return Ok(());
            }
            self.next.set(task + 1);
            let answer = hand.ask(&Request::Run { task }, &[], &[]).await?;
            let output = Output::from_answer(answer)?;
            self.held.set(self.held.get().saturating_add(output.size));
            self.done.borrow_mut().insert(task, output);
            self.bell.ring();
        }
    }

    /// Hands outputs to the desk in task order, and counts what it has written.
    async fn write(&self, desk: &Link, on: &dyn Fn(Progress)) -> Result<(), Failure> {
        let mut sent = 0;
        let mut acks: VecDeque<(u32, u32, Ack)> = VecDeque::new();
        loop {
            while let Some(output) = self.take(sent) {
                let bytes = [output.bytes.into()];
                let write = Request::Write { task: sent, meta: output.meta };
                let ack = desk.post(&write, &bytes, &bytes)?;
                acks.push_back((output.modules, output.size, ack));
                sent += 1;
            }
            if let Some((modules, size, ack)) = acks.pop_front() {
                ack.await.unwrap_or(Err(Failure::Cancelled))?;
                let (done, bytes) = self.written.get();
                self.written.set((done + modules, bytes + f64::from(size)));
                self.held.set(self.held.get().saturating_sub(size));
                self.bell.ring();
                on(self.progress());
            } else if sent == self.tasks {
                return Ok(());
            } else {
                self.bell.wait().await;
            }
        }
    }

    fn take(&self, task: u32) -> Option<Output> {
        self.done.borrow_mut().remove(&task)
    }
}

impl Output {
    fn from_answer(answer: Answer) -> Result<Self, Failure> {
        let Reply::Output { meta, modules } = answer.reply else { return Err(Failure::unexpected()) };
        let bytes: ArrayBuffer = attached(answer.attached, 0)?;
        let size = Uint8Array::new(&bytes).length();
        Ok(Output { meta, modules, bytes, size })
    }
}

fn ready(answer: &Answer) -> Result<(u32, u32), Failure> {
    match answer.reply {
        Reply::Ready { tasks, modules } => Ok((tasks, modules)),
        _ => Err(Failure::unexpected()),
    }
}

fn finish(answer: Answer) -> Result<Merged, Failure> {
    let Reply::Finished { summary } = answer.reply else { return Err(Failure::unexpected()) };
    let config = answer.attached.get(2).and_then(|v| v.dyn_ref::<Blob>().cloned());
    let report = attached(answer.attached.clone(), 1)?;
    Ok(Merged { summary, file: attached(answer.attached, 0)?, report, config })
}

fn attached<T: JsCast>(values: Vec<JsValue>, index: usize) -> Result<T, Failure> {
    let value = values.into_iter().nth(index).and_then(|v| v.dyn_into().ok());
    value.ok_or_else(Failure::unexpected)
}
