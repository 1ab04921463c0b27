//! The output of Rust's test harness, line by line.
//!
//! ```text
//! test a::b ... ok                     hidden, thousands of them
//! test a::c ... ignored, too slow      a skip
//! successes:                           with --show-output: what passing tests printed
//! ---- a::b stdout ----
//! skipped: there is no file            a skip that the harness took for a pass
//! failures:                            what failing tests printed
//! test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out
//! ```

use crate::counts::{Tally, skip_line};

/// A reader of one or more harnesses' output.
#[derive(Default)]
pub struct Libtest {
    tally: Tally,
    /// The skips found since the last result line.
    found: Vec<(String, String)>,
    in_successes: bool,
    /// The test whose output is being read.
    section: Option<String>,
}

impl Libtest {
    /// Reads a line; answers whether it is worth showing.
    pub fn line(&mut self, line: &str) -> bool {
        if let Some(counts) = line.trim_start().strip_prefix("test result: ") {
            return self.result(counts);
        }
        match line {
            "successes:" => {
                self.in_successes = true;
                self.section = None;
                return false;
            }
            "failures:" => {
                self.in_successes = false;
                self.section = None;
                return true;
            }
            _ => {}
        }
        if let Some(header) = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" ----")) {
            let name = header.rsplit_once(' ').map_or(header, |(name, _)| name);
            self.section = Some(name.to_owned());
            return !self.in_successes;
        }
        // The output of a failing test may say anything; it failed.
        if let Some(skip) = skip_line(line, self.section.as_deref())
            && (self.in_successes || self.section.is_none())
        {
            if self.found.iter().all(|(name, _)| *name != skip.0) {
                self.found.push(skip);
            }
            return false;
        }
        if self.in_successes {
            return false;
        }
        if let Some((name, outcome)) = line.strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... ")) {
            return self.outcome(name, outcome);
        }
        let noise = line.is_empty() || (line.starts_with("running ") && line.contains(" test"));
        !noise
    }

    /// What came of all tests.
    pub fn finish(self) -> Tally {
        self.tally
    }

    fn outcome(&mut self, name: &str, outcome: &str) -> bool {
        if outcome.starts_with("FAILED") {
            self.tally.failures.push(name.to_owned());
        } else if let Some(why) = outcome.strip_prefix("ignored") {
            let why = why.trim_start_matches(", ");
            let why = if why.is_empty() { "marked as ignored" } else { why };
            self.tally.skips.push((name.to_owned(), why.to_owned()));
        }
        !outcome.starts_with("ok")
    }

    /// Adds the counts of one harness; answers whether it ran anything.
    fn result(&mut self, counts: &str) -> bool {
        let of = |word: &str| -> usize {
            let part = counts.split([';', '.']).find(|part| part.trim().ends_with(word));
            part.and_then(|part| part.split_whitespace().next()?.parse().ok()).unwrap_or(0)
        };
        let moved = self.found.len().min(of("passed"));
        self.tally.passed += of("passed") - moved;
        self.tally.failed += of("failed");
        self.tally.skipped += of("ignored") + self.found.len();
        self.tally.skips.append(&mut self.found);
        self.in_successes = false;
        self.section = None;
        of("passed") + of("failed") + of("ignored") > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Tally, Vec<&str>) {
        let mut reader = Libtest::default();
        let shown = text.lines().filter(|line| reader.line(line)).collect();
        (reader.finish(), shown)
    }

    #[test]
    fn counts_of_several_harnesses_add_up() {
        let (tally, shown) = read(
            "     Running unittests src/lib.rs (target/debug/deps/a-1)\n\nrunning 3 tests\ntest a::one ... ok\ntest a::two ... ignored, too slow\ntest a::three ... ok\n\ntest result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\n   Doc-tests a\n\nrunning 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\nrunning 1 test\ntest crates/a/src/lib.rs - f (line 3) ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s\n",
        );
        assert_eq!(tally.line(), "3 passed, 0 failed, 1 skipped");
        assert_eq!(tally.skips, [("a::two".to_owned(), "too slow".to_owned())]);
        assert_eq!(shown.len(), 5, "{shown:?}");
    }

    #[test]
    fn a_skip_that_the_harness_took_for_a_pass() {
        let (tally, shown) = read(
            "running 3 tests\ntest a ... ok\ntest b ... ok\ntest c ... ok\n\nsuccesses:\n\n---- a stdout ----\nskipped: no folder x\nskipped: no folder y\n\n---- b stdout ----\nhello\n\nsuccesses:\n    a\n    b\n    c\n\ntest result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n",
        );
        assert_eq!(tally.line(), "2 passed, 0 failed, 1 skipped");
        assert_eq!(tally.skips, [("a".to_owned(), "no folder x".to_owned())]);
        assert_eq!(shown.len(), 1, "{shown:?}");
    }

    #[test]
    fn failures_are_shown_and_named() {
        let (tally, shown) = read(
            "running 2 tests\ntest a ... ok\ntest b ... FAILED\n\nsuccesses:\n\nsuccesses:\n    a\n\nfailures:\n\n---- b stdout ----\nskipped: not really\nthread 'b' panicked at x.rs:1:\n\nfailures:\n    b\n\ntest result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n",
        );
        assert_eq!(tally.line(), "1 passed, 1 failed, 0 skipped");
        assert_eq!(tally.failures, ["b"]);
        assert!(shown.iter().any(|line| line.contains("panicked")));
    }
}
