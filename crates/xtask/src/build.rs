//! `build`: the finished site in dist/, from Trunk and a few last touches (`finish.rs`).

use crate::error::{Error, Result};
use crate::fingerprint::Hash;
use crate::toolchain::Toolchain;
use crate::tools::Tools;
use crate::{docs, embed, fetcher, finish, oembed, playground, project, run, sizes};
use std::fs;
use std::path::Path;

/// Everything that dist/ is made of. This program's own sources are among crates/.
const INPUTS: [&str; 9] = [
    "Cargo.toml",
    "Cargo.lock",
    "Trunk.toml",
    ".cargo/config.toml",
    "crates",
    "web",
    "www",
    "tests/src/docs",
    "tests/src/bin/docs.rs",
];

/// Installs what is missing and builds the site, unless it is up to date.
pub fn build() -> Result<()> {
    build_at(None)
}

/// The same for a site that will have this address.
pub fn build_at(address: Option<&str>) -> Result<()> {
    let toolchain = Toolchain::ready()?;
    let tools = Tools::ready(&toolchain)?;
    build_for(&toolchain, &tools, address)
}

/// Builds the site, unless it is up to date.
pub fn build_with(toolchain: &Toolchain, tools: &Tools) -> Result<()> {
    build_for(toolchain, tools, None)
}

fn build_for(toolchain: &Toolchain, tools: &Tools, address: Option<&str>) -> Result<()> {
    let dist = project::dist();
    let target = project::target(toolchain.cargo())?;
    let folder = target.join("xtask");
    fs::create_dir_all(&folder).map_err(|e| Error::io("cannot make a folder", &folder, &e))?;
    let stamp = folder.join("site.stamp");

    // Taken before building: a file that changes meanwhile makes the next build run again.
    let before = inputs(toolchain, tools)?;
    let up_to_date = |dist: &Path| Ok(format!("{before} {}\n", outputs(dist)?));
    if dist.is_dir() && fs::read_to_string(&stamp).is_ok_and(|old| up_to_date(&dist).is_ok_and(|new| old == new)) {
        run::step("The site in dist/ is up to date");
        oembed::put(&dist, address)?;
        return project::write(&stamp, up_to_date(&dist)?);
    }
    run::step("Building the page and the engine in release mode (minutes when nothing is built yet)");
    fetch(toolchain)?;
    // Trunk takes over all that it finds here, so nothing old may lie there.
    let _ = fs::remove_dir_all(target.join("wasm-bindgen/release"));
    let mut trunk = toolchain.command("trunk");
    trunk
        .args(["build", "--release"])
        .env("PATH", tools.path())
        .env("TRUNK_SKIP_VERSION_CHECK", "true")
        .env("RUST_BACKTRACE", "0");
    if std::env::var_os("NO_COLOR").is_some() {
        // Trunk takes no other value.
        trunk.env("NO_COLOR", "true");
    }
    run::show("trunk build", &mut trunk)?;
    finish::finish(&dist)?;
    embed::put(&dist)?;
    playground::put(&project::root(), &dist)?;
    fetcher::put(&project::root(), &dist)?;
    docs::put(toolchain, tools, &dist)?;
    oembed::put(&dist, address)?;
    project::write(&stamp, up_to_date(&dist)?)?;
    for line in sizes::table(&dist)? {
        run::note(&line);
    }
    Ok(())
}

/// Downloads the crates that are missing: Trunk builds offline.
fn fetch(toolchain: &Toolchain) -> Result<()> {
    let mut offline = toolchain.cargo();
    if run::ask(offline.args(["fetch", "--locked", "--offline"]), run::PATIENCE).is_some() {
        return Ok(());
    }
    run::note("downloading crates");
    run::show("cargo fetch", toolchain.cargo().arg("fetch"))
}

fn inputs(toolchain: &Toolchain, tools: &Tools) -> Result<String> {
    let mut hash = Hash::new();
    hash.add(toolchain.version.as_bytes());
    hash.add(tools.version.as_bytes());
    for input in INPUTS {
        hash.add_path(&project::root().join(input))?;
    }
    Ok(hash.hex())
}

fn outputs(dist: &Path) -> Result<String> {
    let mut hash = Hash::new();
    hash.add(dist.to_string_lossy().as_bytes());
    hash.add_path(dist)?;
    Ok(hash.hex())
}
