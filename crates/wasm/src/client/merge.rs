//! One merge: tasks go out to the hands, their bytes come back in any order, the desk gets them in order.
//!
//! Every hand has two tasks at a time, so that it never waits for the page. A task is given out only while the bytes
//! that wait for the desk stay below [`HELD`]; the task the desk waits for has always been given out by then, so
//! this cannot lock up.

use super::inbox::Inbox;
use super::link::{Answer, Link, read};
use super::{Failure, Merged, Progress};
use crate::protocol::{Output, Ready, Request, Summary};
use crate::wire::Message;
use js_sys::{ArrayBuffer, Uint8Array};
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
        let plan = self.plan().await?;
        for round in 0..plan.rounds {
            self.survey(plan, &|done| {
                let before = plan.modules.saturating_mul(round);
                on(Progress { done: before.saturating_add(done), total: all(plan), bytes: 0.0 });
            })
            .await?;
        }
        let mut board = Board::new(&self, plan);
        on(board.progress);
        for hand in 0..self.hands.len() {
            board.give(hand)?;
            board.give(hand)?;
        }
        while board.written < plan.tasks {
            let news = board.inbox.next().await;
            if board.take(news)? {
                on(board.progress);
            }
        }
        finish(&self.desk.ask(&Request::Finish, &[]).await?)
    }

    /// One round over all tasks, whose findings everybody gets.
    async fn survey(&self, plan: Ready, told: &dyn Fn(u32)) -> Result<(), Failure> {
        let inbox = Rc::new(Inbox::new());
        let ask = |hand: usize, task: u32| {
            let inbox = inbox.clone();
            let then = move |answer| inbox.put((hand, task, answer));
            self.hands[hand].post(&Request::Survey { task }, &[], &[], Box::new(then))
        };
        let mut next = 0;
        // Two for every hand, so that it never waits for the page.
        for hand in (0..self.hands.len()).chain(0..self.hands.len()) {
            if next < plan.tasks {
                ask(hand, next)?;
                next += 1;
            }
        }
        let mut tasks: Vec<Vec<f64>> = vec![Vec::new(); plan.tasks as usize];
        for done in 1..=plan.tasks {
            let (hand, task, answer) = inbox.next().await;
            tasks[task as usize] = read(&answer?)?;
            // Tasks hold about as many modules each.
            told(u32::try_from(u64::from(plan.modules) * u64::from(done) / u64::from(plan.tasks)).unwrap_or(u32::MAX));
            if next < plan.tasks {
                ask(hand, next)?;
                next += 1;
            }
        }
        let found = Request::Found { tasks };
        for worker in self.hands.iter().chain([&self.desk]) {
            worker.ask(&found, &[]).await?;
        }
        Ok(())
    }

    /// Makes the desk and all hands plan, at the same time.
    async fn plan(&self) -> Result<Ready, Failure> {
        let inbox = Rc::new(Inbox::new());
        let put = || {
            let inbox = inbox.clone();
            Box::new(move |answer| inbox.put(answer))
        };
        self.desk.post(&self.begin, &[], &[], put())?;
        for hand in &self.hands {
            hand.post(&self.prepare, &self.files, &[], put())?;
        }
        let plan: Ready = read(&inbox.next().await?)?;
        for _ in &self.hands {
            if read::<Ready>(&inbox.next().await?)? != plan {
                return Err(Failure::unexpected());
            }
        }
        Ok(plan)
    }
}

/// Modules to look at or to merge, in all rounds and tasks.
fn all(plan: Ready) -> u32 {
    plan.modules.saturating_mul(plan.rounds.saturating_add(1))
}

/// Something happened.
enum News {
    /// A hand has done a task.
    Done { hand: usize, task: u32, answer: Answer },
    /// The desk has written one.
    Written { modules: u32, size: u32, answer: Answer },
}

/// Where the merge stands.
struct Board<'a> {
    crew: &'a Crew,
    plan: Ready,
    inbox: Rc<Inbox<News>>,
    /// The next task to give out.
    next: u32,
    /// The next task for the desk.
    due: u32,
    /// Done, but not yet with the desk, in no order.
    done: Vec<Done>,
    /// Bytes done but not yet written.
    held: u32,
    /// Hands that wait until less is held; twice if they lack two tasks.
    waiting: Vec<usize>,
    progress: Progress,
    written: u32,
}

struct Done {
    task: u32,
    output: Output,
    bytes: ArrayBuffer,
    size: u32,
}

impl<'a> Board<'a> {
    fn new(crew: &'a Crew, plan: Ready) -> Self {
        let done = plan.modules.saturating_mul(plan.rounds);
        let progress = Progress { done, total: all(plan), bytes: 0.0 };
        let (next, due, done, held, waiting, written) = Default::default();
        Board { crew, plan, inbox: Rc::new(Inbox::new()), next, due, done, held, waiting, progress, written }
    }

    /// Gives a hand the next task, if there is one and there is room for what comes of it.
    fn give(&mut self, hand: usize) -> Result<(), Failure> {
        let task = self.next;
        if task >= self.plan.tasks {
            return Ok(());
        }
        if self.held > HELD {
            self.waiting.push(hand);
            return Ok(());
        }
        self.next += 1;
        let inbox = self.inbox.clone();
        let then = move |answer| inbox.put(News::Done { hand, task, answer });
        self.crew.hands[hand].post(&Request::Run { task }, &[], &[], Box::new(then))
    }

    /// Acts on news. True if there is progress to tell.
    fn take(&mut self, news: News) -> Result<bool, Failure> {
        match news {
            News::Done { hand, task, answer } => {
                let done = Done::new(task, &answer?)?;
                self.held = self.held.saturating_add(done.size);
                self.done.push(done);
                self.pass_on()?;
                self.give(hand)?;
                Ok(false)
            }
            News::Written { modules, size, answer } => {
                answer?;
                self.held = self.held.saturating_sub(size);
                self.progress.done += modules;
                self.progress.bytes += f64::from(size);
                self.written += 1;
                for hand in std::mem::take(&mut self.waiting) {
                    self.give(hand)?;
                }
                Ok(true)
            }
        }
    }

    /// Gives the desk what is due.
    fn pass_on(&mut self) -> Result<(), Failure> {
        while let Some(at) = self.done.iter().position(|one| one.task == self.due) {
            let Done { task, output, bytes, size } = self.done.swap_remove(at);
            let inbox = self.inbox.clone();
            let then = move |answer| inbox.put(News::Written { modules: output.modules, size, answer });
            let bytes = [bytes.into()];
            self.crew.desk.post(&Request::Write { task, meta: output.meta }, &bytes, &bytes, Box::new(then))?;
            self.due += 1;
        }
        Ok(())
    }
}

impl Done {
    fn new(task: u32, answer: &Message) -> Result<Self, Failure> {
        let bytes = answer.attached.first().and_then(|bytes| bytes.dyn_ref::<ArrayBuffer>()).cloned();
        let bytes = bytes.ok_or_else(Failure::unexpected)?;
        Ok(Done { task, output: read(answer)?, size: Uint8Array::new(&bytes).length(), bytes })
    }
}

fn finish(answer: &Message) -> Result<Merged, Failure> {
    let mut files = answer.attached.iter().filter_map(|file| file.dyn_ref::<Blob>().cloned());
    let mut next = || files.next();
    let (file, report) = next().zip(next()).ok_or_else(Failure::unexpected)?;
    Ok(Merged { summary: read::<Summary>(answer)?, file, report, config: next() })
}
