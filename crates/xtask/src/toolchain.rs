//! The Rust toolchain: one that can build for wasm32, for everything.
//!
//! The active toolchain is taken if it has the target; else the one that an earlier run linked;
//! else `rustup target add` is tried, which hangs where rustup's server cannot be reached and so
//! gets a time limit; else Debian's own compiler is set up (`debian.rs`). Nothing is remembered:
//! each run compiles a few lines to see that the answer still holds.

use crate::error::{Error, Result};
use crate::project;
use crate::run::{self, PATIENCE};
use crate::{debian, stale, system};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// What the page is compiled for.
pub const WASM: &str = "wasm32-unknown-unknown";

/// How long `rustup target add` may take.
const RUSTUP_LIMIT: Duration = Duration::from_secs(20);

const LINKER: &str = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER";

/// A toolchain that is known to build for wasm32.
pub struct Toolchain {
    environment: Vec<(&'static str, OsString)>,
    /// What `rustc -vV` says of it.
    pub version: String,
}

impl Toolchain {
    /// Finds a toolchain, or installs what is missing.
    pub fn ready() -> Result<Self> {
        let toolchain = Self::find_or_install()?;
        stale::clear(&toolchain)?;
        Ok(toolchain)
    }

    fn find_or_install() -> Result<Self> {
        if let Some(found) = Self::probe(Vec::new()).or_else(|| Self::probe(debian_environment())) {
            return Ok(found);
        }
        run::step(&format!("Adding the {WASM} target with rustup (at most {} s)", RUSTUP_LIMIT.as_secs()));
        let mut rustup = run::command("rustup");
        let added = run::ask(rustup.args(["target", "add", WASM]), RUSTUP_LIMIT).is_some();
        if added && let Some(found) = Self::probe(Vec::new()) {
            return Ok(found);
        }
        run::note("rustup cannot add it here; trying Debian's compiler");
        debian::install()?;
        Self::probe(debian_environment()).ok_or_else(|| {
            Error::new(
                format!("no Rust toolchain here can build for {WASM}"),
                "rustc, of rustup and of Debian",
                format!("run `rustup target add {WASM}` with a connection, then this again"),
            )
        })
    }

    /// Cargo, of this toolchain.
    pub fn cargo(&self) -> Command {
        self.command("cargo")
    }

    /// Any program, which will use this toolchain when it calls cargo.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = run::command(program);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The toolchain of this environment, if it can build for wasm32.
    fn probe(mut environment: Vec<(&'static str, OsString)>) -> Option<Self> {
        let rustc = || {
            let mut command = run::command("rustc");
            command.envs(environment.iter().map(|(name, value)| (name, value)));
            command
        };
        let version = run::ask(rustc().arg("-vV"), PATIENCE)?;
        if !compiles(rustc()) {
            return None;
        }
        let sysroot = run::ask(rustc().args(["--print", "sysroot"]), PATIENCE)?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: "))?;
        let own = Path::new(sysroot.trim()).join("lib/rustlib").join(host).join("bin/rust-lld");
        if !own.is_file() && env::var_os(LINKER).is_none() {
            environment.push((LINKER, linker()?.into()));
        }
        Some(Self { environment, version })
    }
}

/// Whether this rustc can compile for wasm32 with the standard library and the test harness. A
/// library of another version, left behind by an update of the compiler, does not count.
pub fn compiles(mut rustc: Command) -> bool {
    let Ok(folder) = project::cache() else {
        return false;
    };
    let source = folder.join("probe.rs");
    if fs::write(&source, "pub fn probe() -> Vec<u8> {\n    Vec::new()\n}\n").is_err() {
        return false;
    }
    rustc.args(["--edition=2024", "--test", "--emit=metadata", "--target", WASM]);
    rustc.arg("-o").arg(folder.join("probe.rmeta")).arg(&source);
    run::ask(&mut rustc, PATIENCE).is_some()
}

/// What makes cargo use Debian's compiler: its name in rustup, or its place where there is no rustup.
fn debian_environment() -> Vec<(&'static str, OsString)> {
    if system::find(&["rustup"]).is_some() {
        return vec![("RUSTUP_TOOLCHAIN", debian::NAME.into())];
    }
    let mut path = OsString::from("/usr/bin:");
    path.push(env::var_os("PATH").unwrap_or_default());
    vec![("PATH", path)]
}

/// LLVM's wasm linker, for a compiler that comes without one: the newest below /usr/lib, or one on
/// the PATH.
fn linker() -> Option<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib")
        .ok()?
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name();
            let version = name.to_str()?.strip_prefix("llvm-")?.parse().ok()?;
            Some((version, entry.path().join("bin/wasm-ld")))
        })
        .filter(|(_, path)| path.is_file())
        .collect();
    found.sort();
    found.pop().map(|(_, path)| path).or_else(|| system::find(&["wasm-ld"]))
}
