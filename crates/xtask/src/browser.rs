//! Chromium, in which the page is tested, and the driver that the wasm tests need with it.

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

fn program(names: &[&str], package: &str) -> Result<PathBuf, String> {
    if let Some(path) = find(names) {
        return Ok(path);
    }
    match install_packages(&[package], "the browser tests") {
        Ok(()) => find(names).ok_or_else(|| format!("{package} is installed, but not on the PATH")),
        Err(error) => Err(format!("no {}: {} ({})", names[0], error.what, error.place)),
    }
}
