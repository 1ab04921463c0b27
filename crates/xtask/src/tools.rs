//! The programs that make the site: Trunk and wasm-bindgen make a page of a crate, mdBook the documentation of its texts.
//!
//! They are compiled from their sources, once, into the project's cache folder. Their versions
//! stand where the project needs them anyway: in Trunk.toml, and in Cargo.toml.

use crate::error::{Error, Result};
use crate::project;
use crate::run::{self, PATIENCE};
use crate::toolchain::Toolchain;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder with the programs, all of the right version.
pub struct Tools {
    /// Where the programs lie.
    pub bin: PathBuf,
    /// Their versions, in words.
    pub version: String,
}

struct Tool {
    /// The package that has it.
    package: &'static str,
    /// The program that is asked for its version.
    program: &'static str,
    version: String,
    /// Whether to take the exact dependencies that its authors tested.
    locked: bool,
    /// Whether to compile what it can do beside the main thing, too.
    whole: bool,
}

impl Tools {
    /// Finds the programs, or compiles those that are missing or of another version.
    pub fn ready(toolchain: &Toolchain) -> Result<Self> {
        let root = project::cache()?.join("tools");
        let bin = root.join("bin");
        let tools = [
            Tool {
                package: "trunk",
                program: "trunk",
                version: project::pinned("Trunk.toml", "trunk-version")?,
                locked: true,
                whole: true,
            },
            Tool {
                package: "wasm-bindgen-cli",
                program: "wasm-bindgen",
                version: project::pinned("Cargo.toml", "wasm-bindgen")?,
                // Its lock file names versions that were withdrawn.
                locked: false,
                whole: true,
            },
            Tool {
                package: "mdbook",
                program: "mdbook",
                version: project::pinned("Cargo.toml", "mdbook")?,
                locked: true,
                // A server, a watcher and a search that the site does without are most of it.
                whole: false,
            },
        ];
        let scratch = root.join("build");
        for tool in tools.iter().filter(|tool| !tool.is_in(&bin)) {
            tool.install(toolchain, &root, &scratch)?;
        }
        // What was compiled on the way is large and not needed again.
        let _ = fs::remove_dir_all(&scratch);
        let version = tools.map(|tool| format!("{} {}", tool.package, tool.version)).join(", ");
        Ok(Self { bin, version })
    }

    /// The PATH with the programs first.
    pub fn path(&self) -> OsString {
        let old = env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.bin.clone()).chain(env::split_paths(&old));
        env::join_paths(folders).unwrap_or(old)
    }
}

impl Tool {
    fn is_in(&self, bin: &Path) -> bool {
        let mut command = run::command(bin.join(self.program));
        run::ask(command.arg("--version"), PATIENCE)
            .is_some_and(|text| text.split_whitespace().any(|word| word.trim_start_matches('v') == self.version))
    }

    fn install(&self, toolchain: &Toolchain, root: &Path, scratch: &Path) -> Result<()> {
        run::step(&format!(
            "Compiling {} {} into {}, once (2 to 5 minutes)",
            self.package,
            self.version,
            root.display()
        ));
        fs::create_dir_all(root).map_err(|e| Error::io("cannot make a folder", root, &e))?;
        let mut cargo = toolchain.cargo();
        cargo
            // Out of the repository, whose settings are for the project's own crates.
            .current_dir(root)
            .args(["install", self.package, "--version", &self.version, "--force"])
            .args(self.locked.then_some("--locked"))
            .args((!self.whole).then_some("--no-default-features"))
            .arg("--root")
            .arg(root)
            .env("CARGO_TARGET_DIR", scratch)
            // They run for a second at a time: quick to compile matters more than quick to run.
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
            .env("CARGO_PROFILE_RELEASE_DEBUG", "false");
        run::show(&format!("compiling {}", self.package), &mut cargo)
    }
}
