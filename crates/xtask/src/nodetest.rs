//! The output of Node's test runner, line by line, in either of its two forms.
//!
//! ```text
//! ok 1 - name                  ✔ name (12ms)
//! not ok 2 - name              ✖ name (12ms)
//! ok 3 - name # SKIP why       ﹣ name (0.1ms) # why
//! # pass 1                     ℹ pass 1
//! ```

use crate::counts::{Tally, skip_line};

/// How lines begin that the first form has for every test.
const NOISE: [&str; 4] = ["---", "...", "duration_ms:", "# Subtest:"];

/// A reader of one run's output.
#[derive(Default)]
pub struct NodeTest {
    tally: Tally,
}

impl NodeTest {
    /// Reads a line; answers whether it is worth showing.
    pub fn line(&mut self, line: &str) -> bool {
        let text = line.trim();
        self.read(text);
        !NOISE.iter().any(|noise| text.starts_with(noise))
    }

    fn read(&mut self, text: &str) {
        if let Some(count) = text.strip_prefix("# ").or_else(|| text.strip_prefix("ℹ ")) {
            if let Some((word, Ok(number))) = count.split_once(' ').map(|(w, n)| (w, n.parse::<usize>())) {
                match word {
                    "pass" => self.tally.passed += number,
                    "fail" | "cancelled" => self.tally.failed += number,
                    "skipped" | "todo" => self.tally.skipped += number,
                    _ => {}
                }
                return;
            }
            // What a test prints itself comes with a # before it in the first form.
            self.skip(skip_line(count, None));
        } else if let Some(name) = text.strip_prefix("not ok ").or_else(|| text.strip_prefix("✖ ")) {
            let name = without_number(name);
            if !self.tally.failures.contains(&name) && name != "failing tests:" {
                self.tally.failures.push(name);
            }
        } else if let Some((name, why)) = text.strip_prefix("ok ").and_then(|rest| rest.split_once(" # SKIP")) {
            self.skip(Some((without_number(name), why.trim().to_owned())));
        } else if let Some((name, why)) = text.strip_prefix("﹣ ").and_then(|rest| rest.split_once(" # ")) {
            let why = why.strip_prefix("SKIP").unwrap_or(why);
            self.skip(Some((without_number(name), why.trim().to_owned())));
        } else {
            self.skip(skip_line(text, None));
        }
    }

    /// What came of all tests.
    pub fn finish(mut self) -> Tally {
        // A test may say that it was skipped without telling the runner, which counts it as passed.
        let untold = self.tally.skips.len().saturating_sub(self.tally.skipped);
        let moved = untold.min(self.tally.passed);
        self.tally.passed -= moved;
        self.tally.skipped += untold;
        self.tally
    }

    fn skip(&mut self, skip: Option<(String, String)>) {
        if let Some((name, why)) = skip
            && self.tally.skips.iter().all(|(known, _)| *known != name)
        {
            self.tally.skips.push((name, why));
        }
    }
}

/// `2 - name` or `name (12.3ms)`: the name.
fn without_number(text: &str) -> String {
    let text = text
        .split_once(" - ")
        .map_or(text, |(number, rest)| if number.chars().all(|c| c.is_ascii_digit()) { rest } else { text });
    let text = match text.rsplit_once(" (") {
        Some((name, time)) if time.ends_with("ms)") => name,
        _ => text,
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Tally {
        let mut reader = NodeTest::default();
        text.lines().for_each(|line| {
            reader.line(line);
        });
        reader.finish()
    }

    #[test]
    fn both_forms_mean_the_same() {
        let tap = read(
            "TAP version 13\n# Subtest: merges\nok 1 - merges\n  ---\n  duration_ms: 3\n  ...\nnot ok 2 - cancels - at once\nok 3 - firefox # SKIP not installed\n1..3\n# tests 3\n# suites 0\n# pass 1\n# fail 1\n# cancelled 0\n# skipped 1\n# todo 0\n# duration_ms 5.5\n",
        );
        let spec = read(
            "✔ merges (3.1ms)\n✖ cancels - at once (2ms)\n﹣ firefox (0.1ms) # not installed\nℹ tests 3\nℹ suites 0\nℹ pass 1\nℹ fail 1\nℹ cancelled 0\nℹ skipped 1\nℹ todo 0\nℹ duration_ms 5.5\n\n✖ failing tests:\n\ntest at x.mjs:1:1\n✖ cancels - at once (2ms)\n",
        );
        assert_eq!(tap, spec);
        assert_eq!(tap.line(), "1 passed, 1 failed, 1 skipped");
        assert_eq!(tap.failures, ["cancels - at once"]);
        assert_eq!(tap.skips, [("firefox".to_owned(), "not installed".to_owned())]);
    }

    #[test]
    fn what_every_test_has_is_not_shown() {
        let text = "# Subtest: a\n    ok 1 - a\n      ---\n      duration_ms: 3\n      error: 'b'\n      ...\n";
        let mut reader = NodeTest::default();
        let shown: Vec<_> = text.lines().filter(|line| reader.line(line)).map(str::trim).collect();
        assert_eq!(shown, ["ok 1 - a", "error: 'b'"]);
    }

    #[test]
    fn an_untold_skip_is_no_pass() {
        let tally = read("# skipped: webkit: no driver\nok 1 - webkit\n# pass 1\n# fail 0\n# skipped 0\n");
        assert_eq!(tally.line(), "0 passed, 0 failed, 1 skipped");
    }
}
