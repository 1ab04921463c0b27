//! One error for all libraries of the workspace, and warnings as data.
//!
//! An error says who must act ([`Kind`]), what is wrong, where ([`Place`]), what was expected and found,
//! and what to do. The terminal, the page and the JS interface print the same three lines ([`Error::lines`]).

use crate::display::clean;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Who must act on an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The file is damaged or breaks its own format: its author must act.
    Malformed,
    /// The files are sound but disagree with each other.
    Mismatch,
    /// A setting of the recipe is wrong.
    Parameter,
    /// Rankweave cannot do this (yet).
    Unsupported,
    /// The machine, or a safety limit, is too small.
    Limit,
    /// The GPU failed.
    Device,
    /// Reading or writing failed.
    Io,
    /// Someone pressed Cancel.
    Cancelled,
}

impl Kind {
    /// What to do, where an error does not know better.
    fn hint(self) -> &'static str {
        match self {
            Kind::Malformed => "The file is damaged or was written by a faulty tool; download it again.",
            Kind::Mismatch => "Merge only adapters that were made for the same base model.",
            Kind::Parameter => "Correct this setting and try again.",
            Kind::Unsupported => "Leave this file or setting out.",
            Kind::Limit => "Choose smaller inputs or a smaller output.",
            Kind::Device => "Try again without the GPU.",
            Kind::Io => "See that the file is still there and can be read or written, and try again.",
            Kind::Cancelled => "Nothing was written. Start again when you like.",
        }
    }
}

/// Where something is wrong; every part is optional.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Place {
    /// Label of the file, as the user knows it.
    pub file: Option<String>,
    /// Display name of the module, see [`crate::ModuleKey::id`].
    pub module: Option<String>,
    /// Name of the tensor, or of the field in a configuration.
    pub key: Option<String>,
    /// Byte offset in the file.
    pub offset: Option<u64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            self.file.as_ref().map(|s| clean(s, 200)),
            self.module.as_ref().map(|s| format!("module {}", clean(s, 200))),
            self.key.as_ref().map(|s| format!("key {}", clean(s, 200))),
            self.offset.map(|n| format!("byte {n}")),
        ];
        f.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

/// What went wrong, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    /// Who must act.
    pub kind: Kind,
    /// One sentence without a full stop.
    pub what: String,
    /// Where.
    #[serde(default)]
    pub place: Place,
    /// What should have been there.
    pub expected: Option<String>,
    /// What was there.
    pub found: Option<String>,
    /// What to do; never empty in an error that was made here.
    #[serde(default)]
    pub hint: String,
}

/// A result with the workspace's error.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A new error without place or comparison, with the hint that goes with its kind.
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        let hint = kind.hint().to_owned();
        Error { kind, what: what.into(), place: Place::default(), expected: None, found: None, hint }
    }

    /// Names the file; a name already given stays.
    #[must_use]
    pub fn file(mut self, file: impl Into<String>) -> Self {
        self.place.file.get_or_insert_with(|| file.into());
        self
    }

    /// Names the module; a name already given stays.
    #[must_use]
    pub fn module(mut self, module: impl Into<String>) -> Self {
        self.place.module.get_or_insert_with(|| module.into());
        self
    }

    /// Names the tensor or field; a name already given stays.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.place.key.get_or_insert_with(|| key.into());
        self
    }

    /// Gives the byte offset; one already given stays.
    #[must_use]
    pub fn offset(mut self, offset: u64) -> Self {
        self.place.offset.get_or_insert(offset);
        self
    }

    /// Says what should have been there.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// Says what was there.
    #[must_use]
    pub fn found(mut self, found: impl Into<String>) -> Self {
        self.found = Some(found.into());
        self
    }

    /// Says what to do, better than the kind alone can.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The three lines shown to people: what (with expected and found), where, what to do.
    /// Text that comes from files is stripped of control and direction-changing characters.
    pub fn lines(&self) -> [String; 3] {
        let mut what = clean(&self.what, 600);
        let short = |s: &String| clean(s, 300);
        match (self.expected.as_ref().map(short), self.found.as_ref().map(short)) {
            (Some(e), Some(f)) => what += &format!(": expected {e}, found {f}"),
            (Some(e), None) => what += &format!(": expected {e}"),
            (None, Some(f)) => what += &format!(": found {f}"),
            (None, None) => {}
        }
        [what, self.place.to_string(), clean(&self.hint, 600)]
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [what, place, hint] = self.lines();
        write!(f, "{what}\n  where: {place}\n  hint: {hint}")
    }
}

impl std::error::Error for Error {}

/// Something worth knowing that does not stop the work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Stable name in kebab-case, for programs.
    pub code: String,
    /// One sentence for people.
    pub message: String,
    /// Where.
    #[serde(default)]
    pub place: Place,
}

impl Warning {
    /// A warning about a whole file.
    pub fn new(code: &str, file: &str, message: impl Into<String>) -> Self {
        let place = Place { file: Some(file.to_owned()), ..Place::default() };
        Warning { code: code.to_owned(), message: message.into(), place }
    }

    /// Names the tensor or field.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.place.key = Some(key.to_owned());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_lines_name_everything() {
        let e = Error::new(Kind::Malformed, "The shapes of a pair do not fit")
            .file("a.safetensors")
            .module("unet.mid")
            .key("k")
            .offset(12)
            .expected("rank 4")
            .found("rank 5")
            .hint("Download it again.");
        assert_eq!(
            e.lines(),
            [
                "The shapes of a pair do not fit: expected rank 4, found rank 5".to_owned(),
                "a.safetensors, module unet.mid, key k, byte 12".to_owned(),
                "Download it again.".to_owned()
            ]
        );
        assert_eq!(e.to_string().lines().count(), 3);
        assert_eq!(e.clone().file("b").place.file.as_deref(), Some("a.safetensors"));
    }

    #[test]
    fn every_error_says_what_to_do() {
        assert!(Error::new(Kind::Malformed, "x").lines()[2].contains("download it again"));
        assert_eq!(Error::new(Kind::Malformed, "x").hint("Look.").lines()[2], "Look.");
    }

    #[test]
    fn hostile_names_cannot_add_lines_or_turn_text_around() {
        let e = Error::new(Kind::Malformed, "x\ny").key("a\u{202E}b\nc");
        assert_eq!(e.to_string().lines().count(), 3);
        assert!(!e.to_string().contains('\u{202E}'));
    }
}
