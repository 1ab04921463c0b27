//! The project's own text: which files there are, and how many lines of code they hold.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that are made and not written.
const MADE: [&str; 6] = ["target", "dist", "node_modules", ".git", "golden", "__pycache__"];

/// Every written file below `folder` with one of these extensions, in order.
pub fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        if path.is_dir() {
            if !MADE.contains(&name) {
                found.extend(files(&path, extensions));
            }
        } else if path.extension().and_then(|e| e.to_str()).is_some_and(|e| extensions.contains(&e)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The lines of code of a Rust file, with their numbers from 1: no blanks, no comments, no `#[cfg(test)]` modules.
pub fn code(text: &str) -> Vec<(usize, &str)> {
    let mut lines = Vec::new();
    let (mut in_comment, mut in_tests, mut attribute) = (false, false, false);
    for (number, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        if in_tests {
            // The module ends where a brace stands at the margin.
            in_tests = line != "}";
            continue;
        }
        if in_comment {
            in_comment = !trimmed.contains("*/");
            continue;
        }
        if trimmed.is_empty() || trimmed.starts_with("//") {
            continue;
        }
        if trimmed.starts_with("/*") {
            in_comment = !trimmed.contains("*/");
            continue;
        }
        if attribute && line.starts_with("mod ") && trimmed.ends_with('{') {
            in_tests = true;
            lines.pop();
            continue;
        }
        attribute = line == "#[cfg(test)]";
        lines.push((number + 1, line));
    }
    lines
}

/// How many lines of code a file holds. Other languages than Rust: lines that are neither blank nor begin a comment.
pub fn count(path: &Path, text: &str) -> usize {
    let comment: &[&str] = match path.extension().and_then(|e| e.to_str()) {
        Some("rs") => return code(text).len(),
        Some("py") => &["#"],
        Some("css") => &["/*", "*"],
        _ => &["//", "/*", "*"],
    };
    let is_code = |line: &&str| !line.is_empty() && !comment.iter().any(|c| line.starts_with(c));
    text.lines().map(str::trim).filter(is_code).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_comments_and_tests_are_no_code() {
        let text = "//! Head.\n\nuse a;\n/* two\nlines */\nfn f() {\n    // why\n    g(); // what\n}\n\n#[cfg(test)]\nmod tests {\n    fn t() {}\n}\nfn h() {}\n";
        let numbers: Vec<usize> = code(text).into_iter().map(|(n, _)| n).collect();
        assert_eq!(numbers, [3, 6, 8, 9, 15]);
    }
}
