//! A GPU as a backend, by way of WebGPU: in a page the browser's, in a terminal Vulkan, Metal or Direct3D.
//!
//! The entries of M are made in tiles of 64×64, in registers and workgroup memory, and only thin panels, counts and sums
//! ever leave it. Rounding differs from the CPU's (another order of summation, fused operations), and from device to
//! device; chance and thresholds do not: they are integers.

mod device;

use crate::Error;
use crate::entries::{Backend, Cpu, Entries, Key, Powered, Sums, Target, Work};
use device::Device;
pub use device::Wanted;
use faer::Mat;

/// A GPU.
pub struct Gpu {
    device: Device,
}

/// Opens the fastest device that will do; none where none will, and an error where one is [`Wanted::On`].
///
/// # Errors
/// `Device`: none was found, or it could not be opened.
pub async fn open(wanted: Wanted) -> Result<Option<Gpu>, Error> {
    Ok(Device::open(wanted).await?.map(|device| Gpu { device }))
}

impl Backend for Gpu {
    fn count<'a>(&'a self, entries: Entries<'a>, key: Key, level: usize, targets: &'a [Target]) -> Work<'a, Vec<f64>> {
        Cpu.count(entries, key, level, targets)
    }

    fn power<'a>(&'a self, entries: Entries<'a>, z: &'a Mat<f32>) -> Work<'a, Powered> {
        Cpu.power(entries, z)
    }

    fn times<'a>(&'a self, entries: Entries<'a>, z: &'a Mat<f32>) -> Work<'a, Mat<f32>> {
        Cpu.times(entries, z)
    }

    fn sums<'a>(&'a self, entries: Entries<'a>) -> Work<'a, Sums> {
        Cpu.sums(entries)
    }

    fn takes(&self, _: Entries) -> bool {
        false
    }

    fn name(&self) -> Option<&str> {
        Some(&self.device.name)
    }
}
