//! The browsers in which the page is tested: Chromium, with the driver that the wasm tests need, and Firefox, which needs
//! none.

use crate::system::{find, install_packages};
use std::path::PathBuf;

/// What is there of the two.
pub struct Browser {
    /// Chromium, or why there is none.
    pub chromium: Result<PathBuf, String>,
    /// Chromium's driver, or why there is none.
    pub driver: Result<PathBuf, String>,
}

impl Browser {
    /// Finds both on the PATH, or tries to install them.
    pub fn ready() -> Self {
        Self {
            chromium: program(&["chromium", "chromium-browser", "google-chrome"], "chromium"),
            driver: program(&["chromedriver"], "chromium-driver"),
        }
    }
}

/// Finds Firefox on the PATH, or tries to install it; why there is none.
pub fn firefox() -> Result<PathBuf, String> {
    program(&["firefox-esr", "firefox"], "firefox-esr")
}

fn program(names: &[&str], package: &str) -> Result<PathBuf, String> {
    if let Some(path) = find(names) {
        return Ok(path);
    }
    match install_packages(&[package], "the browser tests") {
        Ok(()) => find(names).ok_or_else(|| format!("{package} is installed, but not on the PATH")),
        Err(error) => Err(format!("no {}: {} ({})", names[0], error.what, error.place)),
    }
}
