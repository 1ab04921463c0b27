//! The folder of real adapters and key lists that may lie beside the repository.
//!
//! Tests read it in place. Where it is absent they say so and are not counted as passed: see [`path`].

use std::io::Write;
use std::path::{Path, PathBuf};

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the repository").into()
}

/// `part` of the shared folder (`../shared` of the repository, or `$RANKWEAVE_SHARED`), or `None` after printing
/// `skipped: <why>`.
pub fn path(part: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("RANKWEAVE_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let path = folder.join(part);
    if path.exists() {
        return Some(path);
    }
    skipped(&format!("{} is not there", path.display()));
    None
}

/// Says that the test that calls this could not run: `skipped: <test>: <why>`, on a line of its own on the process's
/// standard output, past the test harness's capture, so that it is seen and can be counted.
pub fn skipped(why: &str) {
    let thread = std::thread::current();
    let _ = writeln!(std::io::stdout(), "\nskipped: {}: {why}", thread.name().unwrap_or("?"));
}
