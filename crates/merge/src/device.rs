//! The device that works on a module's entries, and what is done where it fails: once more, then the CPU does that module.

use rankweave_compute::Error;
use rankweave_compute::entries::{Backend, Cpu, Entries};
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};

/// A device other than the CPU that a module's entries were worked on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceLine {
    /// Its name.
    pub name: String,
    /// What it said when it failed; the CPU did the module then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// A backend, for one module.
pub(crate) struct Device<'a> {
    backend: &'a dyn Backend,
    used: Cell<bool>,
    failed: RefCell<Option<String>>,
}

impl<'a> Device<'a> {
    pub fn new(backend: &'a dyn Backend) -> Device<'a> {
        Device { backend, used: Cell::new(false), failed: RefCell::new(None) }
    }

    /// Does `work` for `entries` on the device, where it takes such rules.
    pub async fn run<T>(
        &self,
        entries: Entries<'_>,
        work: impl AsyncFn(&dyn Backend) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.failed.borrow().is_some() || !self.backend.takes(entries) {
            return work(&Cpu).await;
        }
        self.used.set(self.backend.name().is_some());
        for once_more in [true, false] {
            match work(self.backend).await {
                Err(Error::Device(_)) if once_more => {}
                Err(Error::Device(what)) => *self.failed.borrow_mut() = Some(what),
                result => return result,
            }
        }
        work(&Cpu).await
    }

    /// What the report says of it.
    pub fn line(&self) -> Option<DeviceLine> {
        let name = self.backend.name().filter(|_| self.used.get())?;
        Some(DeviceLine { name: name.to_owned(), failed: self.failed.borrow().clone() })
    }
}
