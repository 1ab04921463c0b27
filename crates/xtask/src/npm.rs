//! Node, and the npm packages of the tests that it runs, installed beside them, with no browser download.

use crate::error::{Error, Result};
use crate::project;
use crate::run;
use crate::system;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the browser tests.
pub fn folder() -> PathBuf {
    project::root().join("tests/browser")
}

/// The folder of the tests of our own package.
pub fn consumer() -> PathBuf {
    project::root().join("tests/npm")
}

/// Node, which runs the tests of page and package.
pub fn node() -> Result<PathBuf> {
    system::find(&["node", "nodejs"]).ok_or_else(|| {
        Error::new(
            "the tests of page and package need Node",
            "node, on the PATH",
            "install Node 20 or newer (Debian: apt-get install nodejs npm)",
        )
    })
}

/// Installs the packages of tests in a folder, exactly as the lock file lists them; nothing if that was done already.
pub fn install(folder: &Path) -> Result<()> {
    node()?;
    let lock = project::read(&folder.join("package-lock.json"))?;
    // npm empties the folder first, so the copy tells that this very lock was installed.
    let copy = folder.join("node_modules/.installed-lock.json");
    if fs::read_to_string(&copy).is_ok_and(|installed| installed == lock) && is_complete(folder, &lock) {
        return Ok(());
    }
    run::step(&format!("Installing the npm packages of {}", folder.display()));
    let mut npm = run::command("npm");
    npm.current_dir(folder)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    run::show("npm ci", &mut npm)?;
    project::write(&copy, lock)
}

/// Whether each package that the lock lists is there.
fn is_complete(folder: &Path, lock: &str) -> bool {
    packages(lock).all(|path| folder.join(path).join("package.json").is_file())
}

/// The folders in a lock file that every machine has: its keys that begin with `node_modules/`, but for packages that only
/// some systems need.
fn packages(lock: &str) -> impl Iterator<Item = &str> {
    let blocks = lock.split("\n    \"").skip(1).filter(|block| !block.contains("\n      \"optional\": true"));
    blocks
        .filter_map(|block| block.split_once("\": {"))
        .map(|(key, _)| key)
        .filter(|key| key.starts_with("node_modules/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_lists_its_folders() {
        let lock = "{\n  \"packages\": {\n    \"\": {\n    },\n    \"node_modules/a\": {\n    },\n    \"node_modules/@b/c\": {\n      \"os\": [\n        \"x\"\n      ]\n    },\n    \"node_modules/d\": {\n      \"optional\": true,\n    }\n  }\n}\n";
        let found: Vec<_> = packages(lock).collect();
        assert_eq!(found, ["node_modules/a", "node_modules/@b/c"]);
    }

    #[test]
    fn the_repository_names_no_package_server() {
        for folder in [folder(), consumer()] {
            let lock = project::read(&folder.join("package-lock.json")).unwrap();
            assert!(packages(&lock).count() >= 2);
            assert!(!lock.contains("://"), "{}: package-lock.json holds an address", folder.display());
        }
    }
}
