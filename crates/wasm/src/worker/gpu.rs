//! A hand with a GPU: it waits for the device, one task at a time, where the other hands never wait.

use super::hand::Hand;
use super::{Answer, missing};
use crate::protocol::{self, Request};
use rankweave_adapter::{Error, Kind};
use rankweave_merge::entries::{Backend, Cpu};
use rankweave_merge::gpu::{self, Gpu, Wanted};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::DedicatedWorkerGlobalScope;

/// What such a hand remembers.
#[derive(Default)]
pub struct GpuHand {
    hand: Hand,
    gpu: Option<Gpu>,
    /// What was wanted when it was opened.
    wanted: Option<Wanted>,
}

impl GpuHand {
    /// Answers what a hand is asked in a merge, and [`Request::Gpu`].
    pub async fn answer(&mut self, request: Request, attached: Vec<JsValue>) -> Result<Answer, Vec<Error>> {
        let one = |e: Error| vec![e];
        let none = Vec::new();
        match request {
            Request::Gpu { wanted } => Answer::new(&self.open(wanted).await.map_err(one)?, none),
            Request::Prepare { inputs, settings } => {
                Answer::new(&self.hand.prepare(&inputs, &attached, &settings)?, none)
            }
            Request::Survey { task } => {
                let backend = self.backend().map_err(one)?;
                Answer::new(&self.hand.survey_on(backend, task).await.map_err(one)?, none)
            }
            Request::Found { tasks } => Answer::new(&self.hand.found(&tasks), none),
            Request::Run { task } => {
                let backend = self.backend().map_err(one)?;
                let (output, bytes) = self.hand.run_on(backend, task).await.map_err(one)?;
                Answer::new(&output, vec![bytes.into()])
            }
            _ => Err(one(missing("a question for a hand"))),
        }
    }

    /// The device's name. One that is lost is opened again.
    async fn open(&mut self, wanted: protocol::Gpu) -> Result<Option<String>, Error> {
        let wanted = match wanted {
            protocol::Gpu::Auto => Wanted::Auto,
            protocol::Gpu::On => Wanted::On,
            protocol::Gpu::Off => {
                self.gpu = None;
                return Ok(None);
            }
        };
        // One that a program plays does for one wish, not for the other.
        if self.wanted.replace(wanted) != Some(wanted) || self.gpu.as_ref().is_none_or(Gpu::is_lost) {
            self.gpu = None;
            let opened = gpu::open(wanted, milliseconds).await;
            self.gpu = opened.map_err(|error| {
                let hint = "The CPU does the same work. Newer drivers or another browser may help.";
                Error::new(Kind::Device, "No GPU can be used").found(error.to_string()).hint(hint)
            })?;
        }
        Ok(self.gpu.as_ref().and_then(Gpu::name).map(Into::into))
    }

    /// The GPU, and the CPU where none is open. Once it is lost nothing more is done here: there are other hands for the
    /// CPU, and the page is to know.
    fn backend(&self) -> Result<&dyn Backend, Error> {
        match &self.gpu {
            Some(gpu) if gpu.is_lost() => Err(Error::new(Kind::Device, "The GPU was lost")),
            Some(gpu) => Ok(gpu),
            None => Ok(&Cpu),
        }
    }
}

/// By the worker's own clock; one without any stands still.
fn milliseconds() -> f64 {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    scope.performance().map_or(0.0, |performance| performance.now())
}
