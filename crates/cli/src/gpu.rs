//! The GPU that works beside the cores, where a method looks at every entry.

use crate::args::GpuArg;
use rankweave_adapter::{Error, Kind};
use rankweave_recipe::Prepared;
#[cfg(feature = "gpu")]
use std::{sync::LazyLock, time::Instant};

/// Without the feature there is none to be found.
#[cfg(not(feature = "gpu"))]
pub(crate) use rankweave_merge::entries::Cpu as Gpu;
#[cfg(feature = "gpu")]
pub(crate) use rankweave_merge::gpu::Gpu;

/// Opens the GPU that is asked for; none where there is nothing for it to do.
///
/// # Errors
/// `Device`: one has to be there, and none is.
pub(crate) fn open(wanted: GpuArg, prepared: &Prepared) -> Result<Option<Gpu>, Error> {
    if wanted == GpuArg::Off || !prepared.by_entry() {
        return Ok(None);
    }
    let found = find(wanted);
    if wanted == GpuArg::On { found } else { Ok(found.unwrap_or_default()) }
}

#[cfg(feature = "gpu")]
fn find(wanted: GpuArg) -> Result<Option<Gpu>, Error> {
    use rankweave_merge::entries::now;
    use rankweave_merge::gpu::{Wanted, open};
    let wanted = if wanted == GpuArg::On { Wanted::On } else { Wanted::Auto };
    let opened = now(open(wanted, milliseconds)).unwrap_or(Ok(None));
    opened.map_err(|error| Error::new(Kind::Device, "No GPU can be used").found(error.to_string()).hint(HINT))
}

/// Since the first look at the clock.
#[cfg(feature = "gpu")]
fn milliseconds() -> f64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    1e3 * START.elapsed().as_secs_f64()
}

#[cfg(not(feature = "gpu"))]
fn find(_: GpuArg) -> Result<Option<Gpu>, Error> {
    Err(Error::new(Kind::Device, "This program was built without the feature gpu").hint(HINT))
}

const HINT: &str = "Leave out --gpu on; the CPU does the same, more slowly.";
