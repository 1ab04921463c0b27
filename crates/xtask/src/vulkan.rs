//! A Vulkan driver that plays a graphics device on the processor (lavapipe), so that the GPU's kernels are tested on machines
//! without one.

use crate::run;
use crate::system::install_packages;

/// Installs it where that is possible. Without it, and without a real device, tests say that they could not run.
pub fn ready() {
    if let Err(error) = install_packages(&["libvulkan1", "mesa-vulkan-drivers"], "tests on a graphics device") {
        run::note(&format!("tests that need a graphics device may not run: {}", error.what));
    }
}
