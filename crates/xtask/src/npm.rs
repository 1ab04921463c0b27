//! The npm packages of the browser tests, installed beside them, with no browser download.

use crate::error::{Error, Result};
use crate::project;
use crate::run;
use crate::system;
use std::fs;
use std::path::PathBuf;

/// The folder of the browser tests.
pub fn folder() -> PathBuf {
    project::root().join("tests/browser")
}

/// Node, which runs the browser tests.
pub fn node() -> Result<PathBuf> {
    system::find(&["node", "nodejs"]).ok_or_else(|| {
        Error::new(
            "the browser tests need Node",
            "node, on the PATH",
            "install Node 20 or newer (Debian: apt-get install nodejs npm)",
        )
    })
}

/// Installs the packages exactly as the lock file lists them; nothing if that was done already.
pub fn install() -> Result<()> {
    node()?;
    let folder = folder();
    let lock = project::read(&folder.join("package-lock.json"))?;
    // npm empties the folder first, so the copy tells that this very lock was installed.
    let copy = folder.join("node_modules/.installed-lock.json");
    if fs::read_to_string(&copy).is_ok_and(|installed| installed == lock) && is_complete(&lock) {
        return Ok(());
    }
    run::step("Installing the npm packages of the browser tests");
    let mut npm = run::command("npm");
    npm.current_dir(&folder)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    run::show("npm ci", &mut npm)?;
    project::write(&copy, lock)
}

/// Whether each package that the lock lists is there.
fn is_complete(lock: &str) -> bool {
    packages(lock).all(|path| folder().join(path).join("package.json").is_file())
}

/// The folders in a lock file: its keys that begin with `node_modules/`.
fn packages(lock: &str) -> impl Iterator<Item = &str> {
    lock.lines()
        .filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\": {"))
        .filter(|key| key.starts_with("node_modules/") && !key.ends_with("/fsevents"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_lists_its_folders() {
        let lock = "{\n  \"packages\": {\n    \"\": {\n    },\n    \"node_modules/a\": {\n    },\n    \"node_modules/@b/c\": {\n    }\n  }\n}\n";
        let found: Vec<_> = packages(lock).collect();
        assert_eq!(found, ["node_modules/a", "node_modules/@b/c"]);
    }

    #[test]
    fn the_repository_names_no_package_server() {
        let lock = project::read(&folder().join("package-lock.json")).unwrap();
        assert!(packages(&lock).count() >= 2);
        assert!(!lock.contains("://"), "package-lock.json holds an address");
    }
}
