//! The laws of the house: sizes, directions, one place for each fact.

#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

use rankweave_tests::{GOLDEN_CASES, shared, source};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const WRITTEN: [&str; 7] = ["rs", "py", "mjs", "js", "css", "wgsl", "html"];

fn read(path: impl AsRef<Path>) -> String {
    let path = shared::root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The written files of the whole repository, with their paths inside it.
fn written(extensions: &[&str]) -> Vec<(PathBuf, String)> {
    let root = shared::root();
    let inside = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path.strip_prefix(&root).unwrap().to_path_buf(), text)
    };
    source::files(&root, extensions).into_iter().map(inside).collect()
}

/// Rust files that make up the libraries and programs: everything but tests.
fn library() -> Vec<(PathBuf, String)> {
    let mut files = written(&["rs"]);
    files.retain(|(path, _)| path.starts_with("crates") || path.starts_with("web"));
    files.retain(|(path, _)| {
        !path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs")
    });
    assert!(files.len() > 30, "only {} source files were found", files.len());
    files
}

#[test]
fn no_file_is_longer_than_500_lines_of_code() {
    for (path, text) in written(&WRITTEN) {
        let lines = source::count(&path, &text);
        assert!(lines <= 500, "{}: {lines} lines of code", path.display());
        if lines > 250 {
            println!("look twice: {} has {lines} lines of code", path.display());
        }
    }
}

#[test]
fn half_of_the_files_are_no_longer_than_120_lines_of_code() {
    let mut sizes: Vec<usize> = library().iter().map(|(path, text)| source::count(path, text)).collect();
    sizes.sort_unstable();
    let median = sizes[sizes.len() / 2];
    println!("{} files, median {median}, longest {:?}", sizes.len(), sizes.last());
    assert!(median <= 120, "median {median}");
}

#[test]
fn every_file_says_what_it_is() {
    for (path, text) in written(&["rs"]) {
        assert!(text.starts_with("//! "), "{} does not begin with its idea", path.display());
    }
}

#[test]
fn nothing_is_unwrapped_outside_tests() {
    for (path, text) in library() {
        for (number, line) in source::code(&text) {
            let found = line.contains(".unwrap()") || line.contains(".unwrap_err()");
            assert!(!found, "{}:{number}: {}", path.display(), line.trim());
        }
    }
}

/// Names under `[dependencies]` and `[target.….dependencies]` of a Cargo.toml.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut inside = false;
    let mut names = Vec::new();
    let mut depth = 0;
    for line in manifest.lines() {
        if line.starts_with('[') && depth == 0 {
            let section = line.trim().trim_matches(['[', ']']);
            inside = section == "dependencies" || section.starts_with("target.") && section.ends_with(".dependencies");
            if let Some(name) = section.strip_prefix("dependencies.") {
                names.push(name.to_string());
            }
            continue;
        }
        let top = depth == 0;
        depth += line.matches(['[', '{']).count();
        depth -= line.matches([']', '}']).count();
        let name: String = line.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
        if inside && top && !name.is_empty() {
            names.push(name);
        }
    }
    names
}

/// Crate name without `rankweave-` → its dependencies.
fn crates() -> BTreeMap<String, Vec<String>> {
    let mut manifests: Vec<PathBuf> = source::files(&shared::root().join("crates"), &["toml"]);
    manifests.retain(|path| path.ends_with("Cargo.toml"));
    manifests.extend(["web/Cargo.toml", "tests/Cargo.toml"].map(|p| shared::root().join(p)));
    let entry = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("[lints]\nworkspace = true"), "{} does not take the shared lints", path.display());
        let name = text.lines().find_map(|l| l.strip_prefix("name = \"")).unwrap().trim_end_matches('"');
        (name.trim_start_matches("rankweave-").to_string(), dependencies(&text))
    };
    manifests.into_iter().map(entry).collect()
}

#[test]
fn the_arrows_between_crates_point_one_way() {
    // dtype → adapter, compute → merge → recipe → cli, wasm → web
    let rooms = BTreeMap::from([
        ("dtype", 0),
        ("adapter", 1),
        ("compute", 1),
        ("merge", 2),
        ("recipe", 3),
        ("cli", 4),
        ("wasm", 4),
        ("web", 5),
        ("tests", 9),
        ("xtask", 9),
    ]);
    let crates = crates();
    assert_eq!(crates.keys().map(String::as_str).collect::<BTreeSet<_>>(), rooms.keys().copied().collect(), "rooms");
    for (name, dependencies) in &crates {
        for dependency in dependencies.iter().filter_map(|d| d.strip_prefix("rankweave-")) {
            let (from, to) = (rooms[dependency], rooms[name.as_str()]);
            assert!(from < to, "{name} must not depend on {dependency}");
        }
    }
    for engine in ["compute", "merge", "recipe"] {
        let computes = crates["web"].iter().any(|d| d.strip_prefix("rankweave-") == Some(engine));
        assert!(!computes, "the page shows and asks; {engine} belongs to the workers");
    }
    assert_eq!(crates["xtask"], [] as [&str; 0], "xtask stands on std alone");
}

#[test]
fn every_foreign_package_has_its_sentence() {
    let text = read("ARCHITECTURE.md");
    assert!(text.lines().count() <= 150, "ARCHITECTURE.md is longer than 150 lines");
    for (name, dependencies) in crates() {
        for dependency in dependencies.iter().filter(|d| !d.starts_with("rankweave-")) {
            assert!(
                text.contains(&format!("`{dependency}`")),
                "ARCHITECTURE.md does not say why {name} uses {dependency}"
            );
        }
    }
}

#[test]
fn libraries_are_pure() {
    let forbidden = ["std::fs", "std::thread", "std::time", "std::env", "println!", "eprintln!", "web_sys", "rand::"];
    for (path, text) in library() {
        let pure = ["crates/dtype", "crates/adapter", "crates/compute", "crates/merge", "crates/recipe"];
        if !pure.iter().any(|room| path.starts_with(room)) {
            continue;
        }
        for (number, line) in source::code(&text) {
            for word in forbidden {
                assert!(!line.contains(word), "{}:{number}: {word} in a library", path.display());
            }
        }
    }
}

#[test]
fn the_readme_lists_the_methods_of_the_registry() {
    let (begin, end) = ("<!-- methods: begin -->\n", "<!-- methods: end -->");
    let text = read("README.md");
    let (head, rest) = text.split_once(begin).expect("README.md has the marker that begins the methods");
    let (table, tail) = rest.split_once(end).expect("README.md has the marker that ends the methods");
    let wanted = rankweave_tests::methods_table();
    if std::env::var_os("RANKWEAVE_WRITE").is_some() {
        fs::write(shared::root().join("README.md"), format!("{head}{begin}{wanted}{end}{tail}")).unwrap();
        return;
    }
    assert_eq!(table, wanted, "write it anew: RANKWEAVE_WRITE=1 cargo test -p rankweave-tests --test house");
}

#[test]
fn every_golden_case_has_its_formula_and_none_is_lost() {
    // Those of cases.py, and one for every method's oracle.
    let mut generated: BTreeSet<String> = read("tests/generate/cases.py")
        .lines()
        .filter_map(|line| Some(line.strip_prefix("def ")?.strip_suffix("(make):")?.replace('_', "-")))
        .collect();
    let oracles = fs::read_dir(shared::root().join("tests/generate/oracles")).unwrap();
    let names = oracles.map(|file| file.unwrap().file_name().into_string().unwrap());
    let oracles = names
        .filter(|name| !name.starts_with('_'))
        .filter_map(|name| Some(name.strip_suffix(".py")?.replace('_', "-")));
    generated.extend(oracles);
    let folders = fs::read_dir(shared::root().join("tests/golden")).unwrap();
    let there: BTreeSet<String> = folders.map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(there, generated);
    assert_eq!(GOLDEN_CASES, there.len(), "the number that the golden harness expects; it is only ever raised");
}
