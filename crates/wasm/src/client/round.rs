//! One round over all tasks: given out, heard of, and given out again where the GPU fails.
//!
//! Every hand has two tasks at a time, so that it never waits for the page.

use super::deal::Deal;
use super::helper::{Helper, PATIENCE};
use super::link::Answer;
use super::merge::Crew;
use super::{Failure, after};
use crate::inbox::Inbox;
use crate::protocol::Request;
use crate::wire::Message;
use std::rc::Rc;

/// Something happened.
pub enum News {
    /// A hand has done a task.
    Done { hand: usize, task: u32, answer: Answer },
    /// The desk has written one.
    Written { modules: u32, size: u32, answer: Answer },
    /// Time has passed since the GPU's hand had given so many answers.
    Late { answers: u32 },
}

/// A round.
pub struct Round<'a> {
    crew: &'a Crew<'a>,
    helper: Option<&'a Helper>,
    ask: fn(u32) -> Request,
    deal: Deal,
    pub inbox: Rc<Inbox<News>>,
    /// Hands that have nothing to do; twice if they lack two tasks.
    waiting: Vec<usize>,
    /// Whether the GPU's hand has had tasks.
    joined: bool,
    /// Its answers.
    answers: u32,
}

impl<'a> Round<'a> {
    /// A round of `tasks` tasks; nothing is given out yet.
    pub fn new(crew: &'a Crew<'a>, helper: Option<&'a Helper>, ask: fn(u32) -> Request, tasks: u32) -> Self {
        let hands = 0..crew.hands.len();
        let round = Round {
            crew,
            helper,
            ask,
            deal: Deal::new(tasks),
            inbox: Rc::new(Inbox::new()),
            waiting: hands.clone().chain(hands).collect(),
            joined: false,
            answers: 0,
        };
        round.watch();
        round
    }

    /// Gives out what there is: all that nobody has had, where there is `room` for what comes of it; what was given back,
    /// and what the GPU keeps for too long, in any case, since the others may wait for just that.
    ///
    /// # Errors
    /// If a hand other than the GPU's has stopped.
    pub fn give(&mut self, room: bool) -> Result<(), Failure> {
        let (gpu, ready) = (self.gpu(), self.helper.is_some_and(Helper::ready));
        if !ready {
            self.waiting.retain(|hand| *hand != gpu);
        } else if !self.joined {
            self.joined = true;
            self.waiting.splice(0..0, [gpu; 2]);
        }
        let hurried = self.helper.is_some_and(Helper::eager);
        for hand in std::mem::take(&mut self.waiting) {
            let fresh = |deal: &mut Deal| if room { deal.fresh() } else { None };
            let task = self.deal.returned().or_else(|| fresh(&mut self.deal));
            let double = hurried && hand != gpu;
            match task.or_else(|| if double { self.deal.doubled() } else { None }) {
                Some(task) => self.post(hand, task)?,
                None => self.waiting.push(hand),
            }
        }
        Ok(())
    }

    /// What came of a task, if it is the first to come of it. The hand waits for the next.
    ///
    /// # Errors
    /// As [`Round::give`], and what is wrong with the task.
    pub fn heard(&mut self, hand: usize, task: u32, answer: Answer) -> Result<Option<Message>, Failure> {
        let gpu = hand == self.gpu();
        match (answer, self.helper) {
            (Ok(message), _) => {
                self.answers += u32::from(gpu);
                self.waiting.push(hand);
                Ok(self.deal.done(task).then_some(message))
            }
            // If the task is at fault, who does it next says the same.
            (Err(failure), Some(helper)) if gpu => {
                helper.failed(&failure);
                self.deal.give_back();
                Ok(None)
            }
            (Err(failure), _) => Err(failure),
        }
    }

    /// Whether the GPU's hand says nothing; `answers` is what it had said some time ago.
    pub fn waited(&mut self, answers: u32) {
        match self.helper {
            Some(helper) if answers == self.answers && self.deal.lends() => helper.late(),
            _ => self.watch(),
        }
    }

    /// Looks after the GPU's hand, where nobody takes over what it has anyway.
    fn watch(&self) {
        if self.helper.is_none_or(Helper::eager) {
            return;
        }
        let (inbox, answers) = (self.inbox.clone(), self.answers);
        after(PATIENCE, move || inbox.put(News::Late { answers }));
    }

    /// Its hand's place, after all others.
    fn gpu(&self) -> usize {
        self.crew.hands.len()
    }

    fn post(&mut self, hand: usize, task: u32) -> Result<(), Failure> {
        let inbox = self.inbox.clone();
        let then = move |answer| inbox.put(News::Done { hand, task, answer });
        let request = (self.ask)(task);
        match (self.crew.hands.get(hand), self.helper) {
            (Some(link), _) => link.post(&request, &[], &[], Box::new(then)),
            (None, Some(helper)) => {
                self.deal.lend(task);
                helper.ask(&request, &[], move |_, answer| then(answer));
                Ok(())
            }
            (None, None) => Ok(()),
        }
    }
}
