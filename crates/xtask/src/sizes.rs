//! How large the programs of the site are, as they are and as a host sends them.

use crate::error::{Error, Result};
use crate::run::{self, PATIENCE};
use std::fs;
use std::path::{Path, PathBuf};

/// What the engine and the page may weigh together, compressed, in bytes.
pub const BOUND: u64 = 400 * 1024;

/// One compiled program of the site.
pub struct Size {
    /// Its file name.
    pub name: String,
    /// Bytes on the disk.
    pub raw: u64,
    /// Bytes after `gzip -9`.
    pub gzip: u64,
}

/// The sizes of the compiled programs in a site.
pub fn sizes(dist: &Path) -> Result<Vec<Size>> {
    let assets = dist.join("assets");
    let failed = |e| Error::io("cannot read", &assets, &e);
    let mut found = Vec::new();
    for entry in fs::read_dir(&assets).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "wasm") {
            found.push(Size {
                name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                raw: fs::metadata(&path).map_err(failed)?.len(),
                gzip: compressed(&path)?,
            });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// The sizes as lines of a table, with their sum.
pub fn table(dist: &Path) -> Result<Vec<String>> {
    let sizes = sizes(dist)?;
    let row = |name: &str, raw: u64, gzip: u64| format!("{name:<44} {:>8.1} KB {:>8.1} KB gzip", kib(raw), kib(gzip));
    let mut lines: Vec<_> = sizes.iter().map(|size| row(&size.name, size.raw, size.gzip)).collect();
    let raw = sizes.iter().map(|size| size.raw).sum();
    let gzip = sizes.iter().map(|size| size.gzip).sum();
    lines.push(format!("{} (bound {:.0} KB)", row("together", raw, gzip), kib(BOUND)));
    Ok(lines)
}

/// Bytes as units of 1024.
#[expect(clippy::cast_precision_loss, reason = "a size to read, not to reckon with")]
pub fn kib(bytes: u64) -> f64 {
    bytes as f64 / 1024.0
}

fn compressed(path: &PathBuf) -> Result<u64> {
    let mut gzip = run::command("gzip");
    if let Some(bytes) = run::bytes(gzip.args(["-9", "-c"]).arg(path), PATIENCE) {
        return Ok(bytes.len() as u64);
    }
    let script = "const { readFileSync } = require('node:fs'); console.log(require('node:zlib').gzipSync(readFileSync(process.argv[1]), { level: 9 }).length)";
    let mut node = run::command("node");
    run::ask(node.args(["-e", script]).arg(path), PATIENCE).and_then(|text| text.trim().parse().ok()).ok_or_else(|| {
        Error::new("cannot tell the compressed size", path.display().to_string(), "install gzip, or Node")
    })
}
