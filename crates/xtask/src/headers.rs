//! The `_headers` file: which headers go with which path.
//!
//! ```text
//! # a comment
//! /assets/*            a path; * stands for anything
//!   Name: value        a header for it, indented
//!   ! Name             takes back what rules above have said of it
//! ```
//! All rules that match a path apply, in the order of the file.

use crate::error::{Error, Result};

/// The rules of a `_headers` file.
#[derive(Debug, Default)]
pub struct Rules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    pattern: String,
    /// Names and values; one that is taken back has no value.
    headers: Vec<(String, Option<String>)>,
}

impl Rules {
    /// Reads the rules from the file's text.
    pub fn parse(text: &str) -> Result<Self> {
        let mut rules: Vec<Rule> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let content = line.trim();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            if !line.starts_with([' ', '\t']) {
                rules.push(Rule { pattern: content.to_owned(), headers: Vec::new() });
                continue;
            }
            let header = match content.strip_prefix('!') {
                Some(name) => Some((name.trim(), None)),
                None => content.split_once(':').map(|(name, value)| (name, Some(value.trim().to_owned()))),
            };
            let header = header.filter(|(name, _)| is_token(name));
            let (Some(rule), Some((name, value))) = (rules.last_mut(), header) else {
                return Err(Error::new(
                    format!("not a header below a path: {content:?}"),
                    format!("www/_headers, line {}", number + 1),
                    "write `  Name: value` below a line with a path",
                ));
            };
            rule.headers.push((name.to_owned(), value));
        }
        Ok(Self(rules))
    }

    /// All headers for a path, which begins with a slash.
    pub fn of<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let rules = self.0.iter().filter(|rule| matches(rule.pattern.as_bytes(), path.as_bytes()));
        let mut all: Vec<(&str, &str)> = Vec::new();
        for (name, value) in rules.flat_map(|rule| &rule.headers) {
            match value {
                Some(value) => all.push((name, value)),
                None => all.retain(|(given, _)| !given.eq_ignore_ascii_case(name)),
            }
        }
        all.into_iter()
    }

    /// One header for a path; letter case in names does not matter.
    pub fn header<'a>(&'a self, path: &'a str, name: &str) -> Option<&'a str> {
        self.of(path).find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Whether a path fits a pattern in which * stands for anything.
fn matches(pattern: &[u8], path: &[u8]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => (0..=path.len()).any(|skip| matches(rest, &path[skip..])),
        (Some((p, rest)), Some((c, path))) => p == c && matches(rest, path),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# all\n/*\n  A: 1\n  B: x: y\n\n/assets/*\n\tC: 3\n/a*z/q\n  D: 4\n";

    #[test]
    fn every_rule_that_matches_applies() {
        let rules = Rules::parse(TEXT).unwrap();
        let of = |path| rules.of(path).map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>();
        assert_eq!(of("/"), ["A=1", "B=x: y"]);
        assert_eq!(of("/assets/x.js"), ["A=1", "B=x: y", "C=3"]);
        assert_eq!(of("/assets"), ["A=1", "B=x: y"]);
        assert_eq!(of("/a/b/z/q"), ["A=1", "B=x: y", "D=4"]);
        assert_eq!(rules.header("/", "b"), Some("x: y"));
        assert_eq!(rules.header("/", "c"), None);
    }

    #[test]
    fn what_is_taken_back_is_not_sent() {
        let rules = Rules::parse("/*\n  A: 1\n  B: 2\n/q/*\n  ! a\n  A: 3\n/q/r\n  ! B\n").unwrap();
        let of = |path| rules.of(path).map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>();
        assert_eq!(of("/p"), ["A=1", "B=2"]);
        assert_eq!(of("/q/"), ["B=2", "A=3"]);
        assert_eq!(of("/q/r"), ["A=3"]);
    }

    #[test]
    fn what_is_no_rule_is_refused_with_its_line() {
        for text in ["  A: 1\n", "/*\n  A\n", "/*\n  : 1\n", "/*\n  A B: 1\n", "/*\n  !\n"] {
            let error = Rules::parse(text).unwrap_err();
            assert!(error.place.contains("line"), "{text:?}");
        }
    }

    #[test]
    fn the_projects_own_file_sets_a_policy_without_holes() {
        let path = crate::project::root().join("www/_headers");
        let rules = Rules::parse(&crate::project::read(&path).unwrap()).unwrap();
        let policy = rules.header("/", "Content-Security-Policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"));
        assert!(policy.contains("connect-src 'self';"));
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"));
        assert!(!policy.contains("http") && !policy.contains('"'));
        assert_eq!(rules.of("/fetch/index.html").filter(|(name, _)| *name == "Content-Security-Policy").count(), 1);
        let fetch = rules.header("/fetch/", "Content-Security-Policy").unwrap();
        assert!(fetch.starts_with("default-src 'none'") && !fetch.contains("unsafe") && !fetch.contains("wasm"));
        assert!(fetch.contains("connect-src 'self' https://huggingface.co https://*.hf.co;"));
        assert_eq!(rules.header("/", "Cache-Control"), None);
        assert!(rules.header("/assets/a.js", "Cache-Control").unwrap().contains("immutable"));
    }
}
