//! A GPU as a backend, by way of WebGPU: in a page the browser's, in a terminal Vulkan, Metal or Direct3D.
//!
//! The entries of M are made in tiles of 64×64, in registers and workgroup memory, and only thin panels, counts and sums
//! ever leave it. Factors whose numbers are all of a type of 16 bits go there as such, and rows of M are worked on as many
//! at a time as the device does in some 50 ms; neither plays a role in the result. Rounding differs from the CPU's (another order of summation, fused operations), and from device to
//! device; chance and thresholds do not: they are integers.

mod device;
mod job;
mod kernels;
mod multiply;
mod pace;
mod pack;
mod run;
#[cfg(test)]
mod tests;
mod upload;

use crate::Error;
use crate::entries::{Backend, Entries, Key, Powered, Sums, Target, Work};
use device::Device;
pub use device::Wanted;
use faer::Mat;
use kernels::Kernels;
pub use kernels::{Shader, shaders};
pub use pace::Clock;
use pace::Pace;
use run::Run;

/// A GPU.
pub struct Gpu {
    device: Device,
    kernels: Kernels,
    pace: Pace,
}

/// Opens the fastest device that will do; none where none will, and an error where one is [`Wanted::On`]. By `clock` it is
/// measured how much work it is given at a time, so that it is never busy for long; the results are the same for any.
///
/// # Errors
/// `Device`: none was found, or it could not be opened.
pub async fn open(wanted: Wanted, clock: Clock) -> Result<Option<Gpu>, Error> {
    let Some(device) = Device::open(wanted).await? else { return Ok(None) };
    let kernels = Kernels::new(&device);
    Ok(Some(Gpu { device, kernels, pace: Pace::new(clock) }))
}

impl Gpu {
    /// Has it failed for good? Then it takes nothing any more.
    pub fn is_lost(&self) -> bool {
        self.device.is_lost()
    }

    /// Does `work`, which counts such keys if it counts, with the module on the device.
    async fn run<'a, T>(
        &'a self,
        entries: Entries<'a>,
        counted: Option<Key>,
        work: impl AsyncFnOnce(Run<'a>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.device.watched(async || work(Run::new(self, entries, counted)).await).await
    }
}

impl Backend for Gpu {
    fn count<'a>(&'a self, entries: Entries<'a>, key: Key, level: usize, targets: &'a [Target]) -> Work<'a, Vec<f64>> {
        Box::pin(self.run(entries, Some(key), async move |run| run.count(key, level, targets).await))
    }

    fn power<'a>(&'a self, entries: Entries<'a>, z: &'a Mat<f32>) -> Work<'a, Powered> {
        Box::pin(self.run(entries, None, async move |run| run.power(z).await))
    }

    fn times<'a>(&'a self, entries: Entries<'a>, z: &'a Mat<f32>) -> Work<'a, Mat<f32>> {
        Box::pin(self.run(entries, None, async move |run| run.times(z).await))
    }

    fn sums<'a>(&'a self, entries: Entries<'a>) -> Work<'a, Sums> {
        Box::pin(self.run(entries, None, async move |run| run.sums().await))
    }

    fn takes(&self, entries: Entries) -> bool {
        !self.device.is_lost() && !entries.rule.needs_rows() && upload::fits(entries)
    }

    fn name(&self) -> Option<&str> {
        Some(&self.device.name)
    }
}
