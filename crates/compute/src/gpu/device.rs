//! The device itself: finding one, its buffers, and what it says when something goes wrong.
//!
//! A page awaits what the device answers; a terminal polls until it is there, so that work is done when it is first asked
//! for (see [`crate::entries::now`]).

use crate::Error;
use futures_channel::oneshot;
use std::sync::{Arc, OnceLock};

/// Numbers that are brought to the device at a time: 16 MiB.
const AT_A_TIME: usize = (16 << 20) / 4;

/// Which devices will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A GPU. A program that plays one is slower than [`crate::entries::Cpu`] and counts as none.
    Auto,
    /// Any, and it is an error if there is none.
    On,
}

/// A device, and what it said when it failed.
pub(super) struct Device {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    /// The adapter's name.
    pub name: String,
    /// Why it is lost, or what it said outside of any error scope.
    said: Arc<OnceLock<String>>,
}

impl Device {
    /// The fastest one there is; none where nothing will do.
    pub async fn open(wanted: Wanted) -> Result<Option<Device>, Error> {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
        let options = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..wgpu::RequestAdapterOptions::default()
        };
        let adapter = match (instance.request_adapter(&options).await, wanted) {
            (Ok(adapter), _) => adapter,
            (Err(_), Wanted::Auto) => return Ok(None),
            (Err(error), Wanted::On) => {
                let backends = wgpu::Instance::enabled_backend_features();
                return Err(Error::Device(format!("there is no adapter for {backends:?}: {error}")));
            }
        };
        let info = adapter.get_info();
        if wanted == Wanted::Auto && info.device_type == wgpu::DeviceType::Cpu {
            return Ok(None);
        }
        // The least that every WebGPU device has: bindings of 128 MiB, 256 invocations, 16 KiB of workgroup memory.
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("rankweave"),
            required_limits: wgpu::Limits::default(),
            ..wgpu::DeviceDescriptor::default()
        };
        let opened = adapter.request_device(&descriptor).await;
        let (device, queue) = opened.map_err(|error| Error::Device(format!("{}: {error}", info.name)))?;
        let said = Arc::new(OnceLock::new());
        let lost = said.clone();
        device.set_device_lost_callback(move |_, why| {
            let _ = lost.set(format!("it is lost: {why}"));
        });
        let uncaught = said.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            let _ = uncaught.set(error.to_string());
        }));
        // Browsers may keep the name to themselves.
        let name = if info.name.is_empty() { "GPU".to_owned() } else { info.name };
        Ok(Some(Device { device, queue, name, said }))
    }

    /// Has it failed for good?
    pub fn is_lost(&self) -> bool {
        self.said.get().is_some()
    }

    /// Does `work`, all of whose complaints become an error: what cannot be, and memory that there is not.
    pub async fn watched<T>(&self, work: impl AsyncFnOnce() -> Result<T, Error>) -> Result<T, Error> {
        let filters = [wgpu::ErrorFilter::Internal, wgpu::ErrorFilter::OutOfMemory, wgpu::ErrorFilter::Validation];
        let mut scopes = filters.map(|filter| Some(self.device.push_error_scope(filter)));
        let result = work().await;
        let mut caught = None;
        for scope in scopes.iter_mut().rev().filter_map(Option::take) {
            let error = scope.pop().await;
            caught = caught.or(error.map(|error| error.to_string()));
        }
        match caught.or_else(|| self.said.get().cloned()) {
            Some(what) => Err(Error::Device(what)),
            None => result,
        }
    }

    /// A buffer of `words` numbers of 32 bits, one at least.
    pub fn buffer(&self, label: &str, words: usize, usage: wgpu::BufferUsages) -> wgpu::Buffer {
        let size = 4 * words.max(1) as u64;
        let usage = usage | wgpu::BufferUsages::COPY_DST;
        self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size,
            usage,
            mapped_at_creation: false,
        })
    }

    /// Brings `words` to the beginning of `buffer`, some MiB at a time.
    pub fn write(&self, buffer: &wgpu::Buffer, words: &[u32]) {
        let mut bytes = Vec::new();
        for (i, some) in words.chunks(AT_A_TIME).enumerate() {
            bytes.resize(4 * some.len(), 0);
            bytes.chunks_exact_mut(4).zip(some).for_each(|(to, word)| to.copy_from_slice(&word.to_le_bytes()));
            self.queue.write_buffer(buffer, 4 * (i * AT_A_TIME) as u64, &bytes);
        }
    }

    /// What is in `buffer`, in `words` numbers of 32 bits.
    pub async fn read(&self, buffer: &wgpu::Buffer, words: usize) -> Result<Vec<u32>, Error> {
        let near = self.buffer("read", words, wgpu::BufferUsages::MAP_READ);
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(buffer, 0, &near, 0, near.size());
        self.queue.submit([encoder.finish()]);
        let (told, tells) = oneshot::channel();
        near.map_async(wgpu::MapMode::Read, .., move |mapped| {
            let _ = told.send(mapped.map_err(|error| error.to_string()));
        });
        self.wait()?;
        let gone = |_| "the device went away".to_owned();
        tells.await.map_err(gone).and_then(|mapped| mapped).map_err(Error::Device)?;
        let view = near.get_mapped_range(..).map_err(|error| Error::Device(error.to_string()))?;
        let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
        Ok(view[..4 * words].chunks_exact(4).map(word).collect())
    }

    /// In a page the event loop brings the answers.
    #[cfg(target_arch = "wasm32")]
    fn wait(&self) -> Result<(), Error> {
        Ok(())
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn wait(&self) -> Result<(), Error> {
        let polled = self.device.poll(wgpu::PollType::wait_indefinitely());
        polled.map(|_| ()).map_err(|error| Error::Device(error.to_string()))
    }
}
