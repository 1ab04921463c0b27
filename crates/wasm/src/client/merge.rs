//! One merge: tasks go out to the hands, their bytes come back in any order, the desk gets them in order.
//!
//! A task is given out only while the bytes that wait for the desk stay below [`HELD`]; the task the desk waits for has
//! always been given out by then, so this cannot lock up.

use super::helper::Helper;
use super::link::{Link, read};
use super::round::{News, Round};
use super::{Failure, Merged, Progress};
use crate::inbox::Inbox;
use crate::protocol::{Gpu, Output, Ready, Request, Summary};
use crate::wire::Message;
use js_sys::{ArrayBuffer, Uint8Array};
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Blob;

/// Most bytes that may wait for the desk.
const HELD: u32 = 128 << 20;

/// What takes part in a merge.
pub struct Crew<'a> {
    /// Puts the file together.
    pub desk: Rc<Link>,
    /// Merge modules.
    pub hands: Vec<Rc<Link>>,
    /// Starts one more hand for the GPU, where it is wanted and there is something for it to do.
    pub helper: &'a dyn Fn() -> Option<Rc<Link>>,
    /// Which GPU will do.
    pub gpu: Gpu,
    /// The desk's question, [`Request::Begin`].
    pub begin: Request,
    /// The hands' question, [`Request::Prepare`].
    pub prepare: Request,
    /// The files, in order.
    pub files: Vec<JsValue>,
}

/// How a merge ended: the file, and whether the hand with the GPU, if there was one, can help with the next.
pub struct End {
    pub merged: Merged,
    pub fit: bool,
}

impl Crew<'_> {
    /// Runs the merge to its end.
    ///
    /// # Errors
    /// The first failure of any worker but the GPU's, or a cancel.
    pub async fn run(self, on: &dyn Fn(Progress)) -> Result<End, Failure> {
        let plan = self.plan().await?;
        let link = if plan.by_entry && self.gpu != Gpu::Off { (self.helper)() } else { None };
        let helper = link.map(|link| Helper::start(link, self.gpu, &self.prepare, &self.files, plan));
        if let Some(helper) = &helper {
            helper.wait().await;
        }
        for round in 0..plan.rounds {
            self.survey(plan, helper.as_ref(), &|done| {
                let before = plan.modules.saturating_mul(round);
                on(Progress { done: before.saturating_add(done), total: all(plan), bytes: 0.0 });
            })
            .await?;
        }
        let mut board = Board::new(&self, helper.as_ref(), plan);
        on(board.progress);
        board.round.give(true)?;
        while board.written < plan.tasks {
            let news = board.round.inbox.next().await;
            if board.take(news)? {
                on(board.progress);
            }
        }
        let mut merged = finish(&self.desk.ask(&Request::Finish, &[]).await?)?;
        merged.gpu = helper.as_ref().and_then(Helper::why);
        Ok(End { merged, fit: helper.as_ref().is_none_or(Helper::fit) })
    }

    /// One round over all tasks, whose findings everybody gets.
    async fn survey(&self, plan: Ready, helper: Option<&Helper>, told: &dyn Fn(u32)) -> Result<(), Failure> {
        let mut round = Round::new(self, helper, |task| Request::Survey { task }, plan.tasks);
        round.give(true)?;
        let mut tasks: Vec<Vec<f64>> = vec![Vec::new(); plan.tasks as usize];
        let mut done = 0;
        while done < plan.tasks {
            match round.inbox.next().await {
                News::Done { hand, task, answer } => {
                    if let Some(found) = round.heard(hand, task, answer)? {
                        tasks[task as usize] = read(&found)?;
                        done += 1;
                        // Tasks hold about as many modules each.
                        let modules = u64::from(plan.modules) * u64::from(done) / u64::from(plan.tasks);
                        told(u32::try_from(modules).unwrap_or(u32::MAX));
                    }
                }
                News::Late { answers } => round.waited(answers),
                News::Written { .. } => {}
            }
            round.give(true)?;
        }
        let found = Request::Found { tasks };
        if let Some(helper) = helper {
            // It gets to it in its time; what it is asked after that is answered after it.
            helper.ask(&found, &[], |_, _| {});
        }
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

/// Where the merge stands.
struct Board<'a> {
    crew: &'a Crew<'a>,
    round: Round<'a>,
    /// The next task for the desk.
    due: u32,
    /// Done, but not yet with the desk, in no order.
    done: Vec<Done>,
    /// Bytes done but not yet written.
    held: u32,
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
    fn new(crew: &'a Crew<'a>, helper: Option<&'a Helper>, plan: Ready) -> Self {
        let done = plan.modules.saturating_mul(plan.rounds);
        let progress = Progress { done, total: all(plan), bytes: 0.0 };
        let round = Round::new(crew, helper, |task| Request::Run { task }, plan.tasks);
        let (due, done, held, written) = Default::default();
        Board { crew, round, due, done, held, progress, written }
    }

    /// Acts on news. True if there is progress to tell.
    fn take(&mut self, news: News) -> Result<bool, Failure> {
        let mut told = false;
        match news {
            News::Done { hand, task, answer } => {
                if let Some(answer) = self.round.heard(hand, task, answer)? {
                    let done = Done::new(task, &answer)?;
                    self.held = self.held.saturating_add(done.size);
                    self.done.push(done);
                    self.pass_on()?;
                }
            }
            News::Written { modules, size, answer } => {
                answer?;
                self.held = self.held.saturating_sub(size);
                self.progress.done += modules;
                self.progress.bytes += f64::from(size);
                self.written += 1;
                told = true;
            }
            News::Late { answers } => self.round.waited(answers),
        }
        self.round.give(self.held <= HELD)?;
        Ok(told)
    }

    /// Gives the desk what is due.
    fn pass_on(&mut self) -> Result<(), Failure> {
        while let Some(at) = self.done.iter().position(|one| one.task == self.due) {
            let Done { task, output, bytes, size } = self.done.swap_remove(at);
            let inbox = self.round.inbox.clone();
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
    Ok(Merged { summary: read::<Summary>(answer)?, file, report, config: next(), gpu: None })
}
