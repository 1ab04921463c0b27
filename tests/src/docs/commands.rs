//! The reference of commands, from what the built program prints: it cannot say anything else than the parser does.

use super::{cell, escaped};
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// All commands in Markdown, in the program's order.
///
/// # Errors
/// If the program cannot be run, or prints a help of another form than is known.
pub fn all(program: &Path) -> Result<String, String> {
    let top = help(program, &[])?;
    let mut text = String::new();
    for name in names(&top) {
        text += &command(&name, &help(program, &[&name])?);
    }
    if text.is_empty() { Err(format!("{} lists no commands", program.display())) } else { Ok(text) }
}

fn help(program: &Path, command: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(command).arg("--help").env("NO_COLOR", "1").output();
    let output = output.map_err(|error| format!("{}: {error}", program.display()))?;
    if output.status.success() {
        return String::from_utf8(output.stdout).map_err(|error| error.to_string());
    }
    Err(format!("{} {command:?} --help: {}", program.display(), output.status))
}

/// The first words of the lines below `Commands:`.
fn names(top: &str) -> Vec<String> {
    let lines = top.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    lines.filter_map(|line| Some(line.split_whitespace().next()?.to_string())).collect()
}

/// One command: what it does, how it is called, and its flags as a list of terms.
fn command(name: &str, help: &str) -> String {
    let mut text = format!("## rankweave {name}\n\n");
    let mut entry: Option<Entry> = None;
    for line in help.lines() {
        let indent = line.len() - line.trim_start().len();
        let words = line.trim();
        if let Some(usage) = line.strip_prefix("Usage: ") {
            let _ = writeln!(text, "```text\n{usage}\n```\n");
        } else if indent == 0 {
            finish(&mut text, &mut entry);
            match words {
                "" => {}
                "Arguments:" | "Options:" => text += "\n",
                _ => text += &format!("{}\n\n", escaped(words)),
            }
        } else if indent <= 6 && words.starts_with(['-', '<', '[']) {
            finish(&mut text, &mut entry);
            let (term, said) = words.split_once("  ").unwrap_or((words, ""));
            entry = Some(Entry { term: term.to_string(), said: vec![said.trim().to_string()], values: Vec::new() });
        } else if let Some(entry) = &mut entry {
            entry.add(words);
        }
    }
    finish(&mut text, &mut entry);
    text
}

/// A flag or an argument.
struct Entry {
    term: String,
    said: Vec<String>,
    values: Vec<String>,
}

impl Entry {
    fn add(&mut self, words: &str) {
        match words.strip_prefix("- ") {
            Some(value) => self.values.push(value.to_string()),
            // The name of an option that says nothing of itself is a line of the same list.
            None if words == "Possible values:" => {}
            None => self.said.push(words.to_string()),
        }
    }
}

/// Writes an entry, if there is one.
fn finish(text: &mut String, entry: &mut Option<Entry>) {
    let Some(Entry { term, said, values }) = entry.take() else { return };
    let said: Vec<_> = said.iter().filter(|words| !words.is_empty()).map(|words| cell(words)).collect();
    let _ = write!(text, "`{term}`\n: {}", said.join("<br>\n  "));
    for value in values {
        let (name, what) = value.split_once(':').unwrap_or((&value, ""));
        let _ = write!(
            text,
            "<br>\n  `{}`{}",
            name.trim(),
            if what.is_empty() { String::new() } else { format!(": {}", cell(what.trim())) }
        );
    }
    *text += "\n\n";
}
