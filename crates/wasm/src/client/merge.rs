//! One merge: tasks go out to the hands, their bytes come back in any order, the desk gets them in order.
//!
//! Every hand has two questions open, so that it never waits for the page. A task is taken only while the bytes
//! that wait for the desk stay below [`HELD`]; the task the desk waits for has always been taken by then, so
//! this cannot lock up.

use super::bell::Bell;
use super::link::{self, Link, Waits};
use super::{Failure, Merged, Progress};
use crate::protocol::{Output, Ready, Request, Summary};
use futures_util::future::{try_join, try_join_all};
use js_sys::{ArrayBuffer, Uint8Array};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
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
    /// The desk's question, [`Request::Begin`].
    pub begin: Request,
    /// The hands' question, [`Request::Prepare`].
    pub prepare: Request,
    /// The files, in order.
    pub files: Vec<JsValue>,
}

impl Crew {
    /// Runs the merge to its end.
    ///
    /// # Errors
    /// The first failure of any worker, or a cancel.
    pub async fn run(self, on: &dyn Fn(Progress)) -> Result<Merged, Failure> {
        let begin = self.desk.ask::<Ready>(&self.begin, &[]);
        let prepare = try_join_all(self.hands.iter().map(|hand| hand.ask::<Ready>(&self.prepare, &self.files)));
        let ((plan, _), prepared) = try_join(begin, prepare).await?;
        if prepared.iter().any(|(theirs, _)| *theirs != plan) {
            return Err(Failure::unexpected());
        }
        let board = Board::new(plan);
        on(board.progress());
        let lanes = self.hands.iter().flat_map(|hand| [hand, hand]).map(|hand| board.lane(hand));
        try_join(try_join_all(lanes), board.write(&self.desk, on)).await?;
        let (summary, files) = self.desk.ask::<Summary>(&Request::Finish, &[]).await?;
        let mut files = files.into_iter().filter_map(|file| file.dyn_into::<Blob>().ok());
        let mut next = || files.next();
        let (file, report) = next().zip(next()).ok_or_else(Failure::unexpected)?;
        Ok(Merged { summary, file, report, config: next() })
    }
}

/// Where the merge stands.
struct Board {
    plan: Ready,
    /// The next task that nobody has taken.
    next: Cell<u32>,
    /// Done, but not yet with the desk, in no order.
    done: RefCell<Vec<Done>>,
    /// Bytes done but not yet written.
    held: Cell<u32>,
    /// Modules and bytes written.
    written: Cell<(u32, f64)>,
    bell: Bell,
}

struct Done {
    task: u32,
    output: Output,
    bytes: ArrayBuffer,
    size: u32,
}

impl Board {
    fn new(plan: Ready) -> Self {
        let (next, done, held, written, bell) = Default::default();
        Board { plan, next, done, held, written, bell }
    }

    fn progress(&self) -> Progress {
        let (done, bytes) = self.written.get();
        Progress { done, total: self.plan.modules, bytes }
    }

    /// One of a hand's two questions at a time, until no task is left.
    async fn lane(&self, hand: &Link) -> Result<(), Failure> {
        loop {
            while self.held.get() > HELD {
                self.bell.wait().await;
            }
            let task = self.next.get();
            if task >= self.plan.tasks {
                return Ok(());
            }
            self.next.set(task + 1);
            let (output, attached) = hand.ask::<Output>(&Request::Run { task }, &[]).await?;
            let bytes = attached.into_iter().next().and_then(|bytes| bytes.dyn_into::<ArrayBuffer>().ok());
            let bytes = bytes.ok_or_else(Failure::unexpected)?;
            let size = Uint8Array::new(&bytes).length();
            self.held.set(self.held.get().saturating_add(size));
            self.done.borrow_mut().push(Done { task, output, bytes, size });
            self.bell.ring();
        }
    }

    /// Hands outputs to the desk in task order, and counts what it has written.
    async fn write(&self, desk: &Link, on: &dyn Fn(Progress)) -> Result<(), Failure> {
        let mut sent = 0;
        let mut acks: VecDeque<(u32, u32, Waits)> = VecDeque::new();
        loop {
            while let Some(Done { task, output, bytes, size }) = self.take(sent) {
                let bytes = [bytes.into()];
                let ack = desk.post(&Request::Write { task, meta: output.meta }, &bytes, &bytes)?;
                acks.push_back((output.modules, size, ack));
                sent += 1;
            }
            if let Some((modules, size, ack)) = acks.pop_front() {
                link::answer(ack).await?;
                let (done, bytes) = self.written.get();
                self.written.set((done + modules, bytes + f64::from(size)));
                self.held.set(self.held.get().saturating_sub(size));
                self.bell.ring();
                on(self.progress());
            } else if sent == self.plan.tasks {
                return Ok(());
            } else {
                self.bell.wait().await;
            }
        }
    }

    fn take(&self, task: u32) -> Option<Done> {
        let mut done = self.done.borrow_mut();
        let at = done.iter().position(|one| one.task == task)?;
        Some(done.swap_remove(at))
    }
}
