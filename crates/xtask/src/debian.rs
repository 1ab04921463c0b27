//! Debian's own Rust compiler, for machines that cannot reach rustup's server.
//!
//! Debian 12 packages a current compiler with the source of its standard library, but not the
//! library for wasm32. That is compiled here once, and put where `rustup target add` would have
//! put it.

use crate::error::{Error, Result};
use crate::run::{self, PATIENCE};
use crate::system::{as_root, install_packages};
use crate::toolchain::{WASM, compiles};
use crate::{project, system};
use std::fs;
use std::path::{Path, PathBuf};

/// What rustup calls this toolchain.
pub const NAME: &str = "debian";

const PACKAGES: [&str; 6] = ["rustc-web", "cargo-web", "rust-web-src", "rust-web-clippy", "rustfmt-web", "lld-19"];

/// Installs the compiler, its wasm32 library, and the link from rustup. What is there is kept.
pub fn install() -> Result<()> {
    install_packages(&PACKAGES, "a Rust compiler with wasm32")?;
    if !compiles(run::command("/usr/bin/rustc")) {
        let built = build_library()?;
        place_library(&built)?;
    }
    link()
}

/// Compiles the standard library for wasm32; answers the folder with its parts.
fn build_library() -> Result<PathBuf> {
    run::step("Compiling the standard library for wasm32, once (about half a minute)");
    let folder = project::cache()?.join("std");
    fs::create_dir_all(folder.join("src")).map_err(|e| Error::io("cannot make a folder", &folder, &e))?;
    let manifest = format!("[package]\nname = \"{EMPTY}\"\nversion = \"0.0.0\"\nedition = \"2021\"\n");
    project::write(&folder.join("Cargo.toml"), manifest)?;
    project::write(&folder.join("src/lib.rs"), "#![no_std]\n")?;
    let mut cargo = run::command("/usr/bin/cargo");
    cargo
        .current_dir(&folder)
        .args(["build", "--release", "--target", WASM])
        .args(["-Z", "build-std=std,test,panic_abort,panic_unwind"])
        .env("RUSTC", "/usr/bin/rustc")
        // A stable compiler accepts -Z only so.
        .env("RUSTC_BOOTSTRAP", "1")
        // Without bitcode in the library, a later link-time optimisation fails.
        .env("RUSTFLAGS", "-C embed-bitcode=yes")
        .env("CARGO_TARGET_DIR", folder.join("target"));
    run::show("compiling the standard library", &mut cargo)?;
    Ok(folder.join("target").join(WASM).join("release/deps"))
}

/// Puts the library's parts into the compiler's folder, and takes those of another version away.
fn place_library(built: &Path) -> Result<()> {
    let mut rustc = run::command("/usr/bin/rustc");
    rustc.args(["--print", "target-libdir", "--target", WASM]);
    let target = run::ask(&mut rustc, PATIENCE).ok_or_else(|| {
        Error::new(
            "Debian's compiler does not tell where its libraries lie",
            run::describe(&rustc),
            "run that command to see why",
        )
    })?;
    let target = Path::new(target.trim());
    let by_hand = format!("mkdir -p {0} && rm -f {0}/*.rlib && cp {1}/*.rlib {0}/", target.display(), built.display());
    run::note(&format!("putting it into {}", target.display()));
    let parts = libraries(built).map_err(|e| Error::io("cannot read", built, &e))?;
    let name = |path: &PathBuf| path.file_name().map(ToOwned::to_owned);
    // A compiler that is running may have the others open: they stay as they are.
    let is_there = |part: &PathBuf| {
        let there = name(part).and_then(|name| fs::read(target.join(name)).ok());
        there.is_some() && there == fs::read(part).ok()
    };
    let new: Vec<_> = parts.iter().filter(|part| !is_there(part)).collect();
    let mut old = libraries(target).unwrap_or_default();
    old.retain(|path| parts.iter().all(|part| name(part) != name(path)));
    run::show("making the folder", as_root("mkdir", &by_hand)?.arg("-p").arg(target))?;
    if !old.is_empty() {
        run::show("removing the old library", as_root("rm", &by_hand)?.args(old))?;
    }
    if !new.is_empty() {
        let mut copy = as_root("cp", &by_hand)?;
        run::show("copying the library", copy.args(new).arg(target))?;
    }
    // What was compiled is no longer needed, and large.
    let _ = fs::remove_dir_all(project::cache()?.join("std"));
    Ok(())
}

/// Makes the compiler known to rustup, if there is a rustup.
fn link() -> Result<()> {
    if system::find(&["rustup"]).is_none() {
        return Ok(());
    }
    let mut linked = run::command("rustup");
    linked.args(["run", NAME, "rustc", "--print", "sysroot"]);
    if run::ask(&mut linked, PATIENCE).is_some_and(|sysroot| sysroot.trim() == "/usr") {
        return Ok(());
    }
    run::step(&format!("Naming Debian's compiler '{NAME}' in rustup"));
    let mut rustup = run::command("rustup");
    run::show("rustup toolchain link", rustup.args(["toolchain", "link", NAME, "/usr"]))
}

/// The name of the crate that is compiled only for the library that comes with it.
const EMPTY: &str = "empty";

fn libraries(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".rlib") && !name.starts_with(&format!("lib{EMPTY}")) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
