//! Where things lie: the repository, what is built, the cache folder, and the pinned versions.

use crate::error::{Error, Result};
use crate::run;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The top of the repository.
pub fn root() -> PathBuf {
    // Cargo tells the folder at run time; the one of compile time serves a binary started by hand.
    let manifest =
        env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.ancestors().nth(2).unwrap_or(&manifest).to_owned()
}

/// The finished site.
pub fn dist() -> PathBuf {
    root().join("dist")
}

/// The project's own cache folder, made if it is not there: `$RANKWEAVE_CACHE`, else
/// `rankweave` in the user's cache folder.
pub fn cache() -> Result<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("RANKWEAVE_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|home| home.join("rankweave")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/rankweave")))
        .unwrap_or_else(|| root().join("target/cache"));
    fs::create_dir_all(&folder).map_err(|e| Error::io("cannot make the cache folder", &folder, &e))?;
    Ok(folder)
}

/// Cargo's target folder, which an environment variable or a configuration file may have moved.
pub fn target(mut metadata: std::process::Command) -> Result<PathBuf> {
    metadata.args(["metadata", "--no-deps", "--format-version", "1"]);
    let text = run::ask(&mut metadata, run::PATIENCE).unwrap_or_default();
    text.split_once("\"target_directory\":\"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(path, _)| PathBuf::from(path.replace("\\\\", "\\")))
        .ok_or_else(|| {
            Error::new(
                "cargo does not tell its target folder",
                "cargo metadata --no-deps",
                "run that command to see why",
            )
        })
}

/// The exact version that a line such as `wasm-bindgen = "=0.2.130"` pins in a file at the top of
/// the repository.
pub fn pinned(file: &str, key: &str) -> Result<String> {
    let path = root().join(file);
    let text = read(&path)?;
    find_pin(&text, key).ok_or_else(|| {
        Error::new(
            format!("no line pins the version of {key}"),
            path.display().to_string(),
            format!("add a line `{key} = \"=1.2.3\"` with the version to use"),
        )
    })
}

/// A text file's contents.
pub fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|e| Error::io("cannot read", path, &e))
}

/// Writes a file whole.
pub fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<()> {
    fs::write(path, bytes).map_err(|e| Error::io("cannot write", path, &e))
}

fn find_pin(text: &str, key: &str) -> Option<String> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .find(|(name, _)| name.trim() == key)
        .and_then(|(_, value)| value.split_once("\"="))
        .and_then(|(_, version)| version.split_once('"'))
        .map(|(version, _)| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_the_version_after_the_equals_sign() {
        let text = "a = \"1\"\nwasm-bindgen-futures = \"0.4\"\nwasm-bindgen = \"=0.2.130\"\n";
        assert_eq!(find_pin(text, "wasm-bindgen").as_deref(), Some("0.2.130"));
        assert_eq!(find_pin(text, "a"), None, "a range is no pin");
        assert_eq!(find_pin(text, "b"), None);
    }

    #[test]
    fn the_repository_pins_its_tools() {
        assert!(pinned("Cargo.toml", "wasm-bindgen").is_ok());
        assert!(pinned("Cargo.toml", "mdbook").is_ok());
        assert!(pinned("Trunk.toml", "trunk-version").is_ok());
    }
}
