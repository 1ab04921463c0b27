//! Removes compiled code that belongs to another copy of the wasm32 standard library.
//!
//! Cargo tells compilers apart by their version. Debian's wasm32 library is compiled on this machine, and when it is
//! compiled anew, the same version has other hashes: rustc then finds none of the crates that were compiled against
//! the old one, while cargo holds them to be fresh.

use crate::error::{Error, Result};
use crate::fingerprint::Hash;
use crate::project;
use crate::run::{self, PATIENCE};
use crate::toolchain::{Toolchain, WASM};
use std::fs;

/// The parts of the library that are looked at: all others are compiled against them.
const PARTS: [&str; 3] = ["libcore-", "liballoc-", "libstd-"];

/// Removes the wasm32 part of cargo's target folder, if it was made with another standard library.
pub fn clear(toolchain: &Toolchain) -> Result<()> {
    let mut rustc = toolchain.command("rustc");
    rustc.args(["--print", "target-libdir", "--target", WASM]);
    let Some(library) = run::ask(&mut rustc, PATIENCE) else { return Ok(()) };
    let mut hash = Hash::new();
    let folder = std::path::Path::new(library.trim());
    let entries = fs::read_dir(folder).map_err(|e| Error::io("cannot read", folder, &e))?;
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if PARTS.iter().any(|part| name.starts_with(part)) {
            hash.add_path(&path)?;
        }
    }
    let target = project::target(toolchain.cargo())?;
    let (compiled, stamp) = (target.join(WASM), target.join("xtask/library.stamp"));
    let now = hash.hex();
    let old = fs::read_to_string(&stamp).unwrap_or_default();
    if old == now {
        return Ok(());
    }
    if compiled.is_dir() {
        run::step("Removing what was compiled with another wasm32 standard library");
        fs::remove_dir_all(&compiled).map_err(|e| Error::io("cannot remove", &compiled, &e))?;
    }
    fs::create_dir_all(target.join("xtask")).map_err(|e| Error::io("cannot make a folder", &target, &e))?;
    project::write(&stamp, now)
}
