//! The engine's workers: started when they are needed, replaced when they have stopped, with all that they had open.

use super::link::{Link, read};
use super::{Engine, Failure, code};
use crate::protocol::{Base, Input, Request, Settings};
use serde::de::DeserializeOwned;
use std::rc::Rc;
use wasm_bindgen::JsValue;
use web_sys::File;

/// A file that the desk has open.
#[derive(Clone)]
pub(super) struct Opened {
    pub adapter: u32,
    pub input: Input,
    pub file: File,
}

/// The base model that the desk has open.
#[derive(Clone)]
pub(super) struct Model {
    pub base: Base,
    pub index: Option<String>,
    pub files: Vec<JsValue>,
}

impl Model {
    pub fn ask(&self) -> Request {
        Request::Base { base: self.base.clone(), index: self.index.clone() }
    }
}

impl Engine {
    /// Asks a worker that is there for this question alone.
    pub(super) async fn apart<T: DeserializeOwned>(
        &self,
        number: u32,
        request: &Request,
        attached: &[JsValue],
        on: impl Fn(f64) + 'static,
    ) -> Result<T, Failure> {
        self.stop_check(number);
        let link = Rc::new(Link::start(&self.code)?);
        link.on_step(on);
        self.checks.borrow_mut().push((number, link.clone()));
        let answer = link.ask(request, attached).await;
        self.checks.borrow_mut().retain(|(_, other)| !Rc::ptr_eq(other, &link));
        self.retire(&link);
        read(&answer?)
    }

    /// What is said of open adapters, and their files, then those of the base if it counts.
    pub(super) fn attached(
        &self,
        adapters: &[u32],
        settings: &Settings,
    ) -> Result<(Vec<Input>, Vec<JsValue>), Failure> {
        let opened = adapters.iter().map(|&adapter| self.opened(adapter)).collect::<Result<Vec<_>, _>>()?;
        let (inputs, mut files): (_, Vec<JsValue>) =
            opened.into_iter().map(|one| (one.input, JsValue::from(one.file))).unzip();
        if let Some(model) = self.base.borrow().as_ref().filter(|_| settings.base.is_some()) {
            files.extend(model.files.iter().cloned());
        }
        Ok((inputs, files))
    }

    /// Stops all hands at once and starts new ones. Open adapters stay open.
    pub fn cancel(&self) {
        for hand in self.hands.take().into_iter().chain(self.helper.take()) {
            self.retire(&hand);
        }
        // If no worker can be had, the next merge says so.
        let _ = self.hands();
    }

    /// Network requests made by any worker so far.
    pub fn requested(&self) -> u32 {
        let hands: u32 = self.hands.borrow().iter().map(|hand| hand.requested()).sum();
        let desk = self.desk.borrow().as_ref().map_or(0, |desk| desk.requested());
        let checks: u32 = self.checks.borrow().iter().map(|(_, link)| link.requested()).sum();
        let helper = self.helper.borrow().as_ref().map_or(0, |helper| helper.requested());
        self.requested.get() + hands + desk + checks + helper
    }

    /// The desk; a new one, with everything open again, if it has stopped.
    pub(super) fn desk(&self) -> Result<Rc<Link>, Failure> {
        let mut desk = self.desk.borrow_mut();
        if let Some(desk) = desk.as_ref().filter(|desk| !desk.stopped()) {
            return Ok(desk.clone());
        }
        let link = Rc::new(Link::start(&self.code)?);
        for Opened { adapter, input, file } in self.opened.borrow().iter() {
            // The answer is known; questions are answered in order.
            link.post(&open(*adapter, input), &[file.into()], &[], Box::new(drop))?;
        }
        if let Some(model) = self.base.borrow().as_ref() {
            link.post(&model.ask(), &model.files, &[], Box::new(drop))?;
        }
        if let Some(old) = desk.replace(link.clone()) {
            self.retire(&old);
        }
        Ok(link)
    }

    /// All hands, with those replaced that have stopped.
    pub(super) fn hands(&self) -> Result<Vec<Rc<Link>>, Failure> {
        let mut hands = self.hands.borrow_mut();
        hands.retain(|hand| {
            let works = !hand.stopped();
            if !works {
                self.retire(hand);
            }
            works
        });
        while hands.len() < code::cores() {
            hands.push(Rc::new(Link::start(&self.code)?));
        }
        Ok(hands.clone())
    }

    /// The hand with the GPU; a new one if it has stopped.
    pub(super) fn helper(&self) -> Result<Rc<Link>, Failure> {
        let mut helper = self.helper.borrow_mut();
        if let Some(link) = helper.as_ref().filter(|link| !link.stopped()) {
            return Ok(link.clone());
        }
        let link = Rc::new(Link::start(&self.code)?);
        if let Some(old) = helper.replace(link.clone()) {
            self.retire(&old);
        }
        Ok(link)
    }

    /// Ends the hand with the GPU, if it is this one.
    pub(super) fn dismiss(&self, link: &Rc<Link>) {
        if self.helper.borrow_mut().take_if(|helper| Rc::ptr_eq(helper, link)).is_some() {
            self.retire(link);
        }
    }

    pub(super) fn same_hands(&self, hands: &[Rc<Link>]) -> bool {
        let now = self.hands.borrow();
        now.len() == hands.len() && now.iter().zip(hands).all(|(a, b)| Rc::ptr_eq(a, b))
    }

    fn retire(&self, link: &Link) {
        self.requested.set(self.requested.get() + link.requested());
        link.stop(&Failure::Cancelled);
    }

    pub(super) fn opened(&self, adapter: u32) -> Result<Opened, Failure> {
        let opened = self.opened.borrow();
        opened.iter().find(|one| one.adapter == adapter).cloned().ok_or_else(Failure::unexpected)
    }
}

/// Has the desk read a file's header.
pub(super) fn open(adapter: u32, input: &Input) -> Request {
    Request::Open { adapter, label: input.label.clone(), config: input.config.clone() }
}
