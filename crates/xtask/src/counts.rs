//! Reading the results of test runners: Rust's own, the one for wasm (which prints the same), and
//! Node's.
//!
//! A test that cannot run prints `skipped: why` or `skipped: test: why` and ends well; its runner
//! counts it as passed, and here it is moved to where it belongs.

/// What came of some tests.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Tests that ran and passed.
    pub passed: usize,
    /// Tests and steps that failed.
    pub failed: usize,
    /// Tests that did not run.
    pub skipped: usize,
    /// Names of what failed, as far as they are known.
    pub failures: Vec<String>,
    /// What did not run, and why.
    pub skips: Vec<(String, String)>,
}

impl Tally {
    /// One step that failed as a whole.
    pub fn failure(name: impl Into<String>) -> Self {
        Self { failed: 1, failures: vec![name.into()], ..Self::default() }
    }

    /// One step that could not run.
    pub fn skip(name: impl Into<String>, why: impl Into<String>) -> Self {
        Self { skipped: 1, skips: vec![(name.into(), why.into())], ..Self::default() }
    }

    /// Adds what came of other tests.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.failures.extend(other.failures);
        self.skips.extend(other.skips);
    }

    /// The closing line.
    pub fn line(&self) -> String {
        format!("{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }

    /// Whether something ran and nothing failed.
    pub fn is_good(&self) -> bool {
        self.failed == 0 && self.passed > 0
    }
}

/// `skipped: test: why`, or `skipped: why` where the test is known from elsewhere.
pub fn skip_line(line: &str, test: Option<&str>) -> Option<(String, String)> {
    let text = line.trim().strip_prefix("skipped:")?.trim();
    match (text.split_once(": "), test) {
        (Some((name, why)), None) => Some((name.to_owned(), why.to_owned())),
        (None, None) => Some((text.to_owned(), "no reason given".to_owned())),
        (Some((name, why)), Some(test)) if test == name || test.ends_with(&format!("::{name}")) => {
            Some((test.to_owned(), why.to_owned()))
        }
        (_, Some(test)) => Some((test.to_owned(), text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skip_names_its_test() {
        let is = |line, test, name: &str, why: &str| {
            assert_eq!(skip_line(line, test), Some((name.to_owned(), why.to_owned())), "{line}");
        };
        is("skipped: a: b: c", None, "a", "b: c");
        is("  skipped: b", Some("m::t"), "m::t", "b");
        is("skipped: t: b", Some("m::t"), "m::t", "b");
        is("skipped: no file: b", Some("m::t"), "m::t", "no file: b");
        assert_eq!(skip_line("was skipped: a", None), None);
    }

    #[test]
    fn nothing_run_is_not_good() {
        let mut tally = Tally::default();
        assert!(!tally.is_good());
        tally.add(Tally { passed: 2, ..Tally::default() });
        tally.add(Tally::skip("a", "b"));
        assert!(tally.is_good());
        assert_eq!(tally.line(), "2 passed, 0 failed, 1 skipped");
        tally.add(Tally::failure("c"));
        assert!(!tally.is_good());
    }
}
