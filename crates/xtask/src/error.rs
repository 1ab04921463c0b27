//! The one error of the commands: three lines that say what went wrong, where, and what to do.

use std::fmt;

/// An error that ends a command.
#[derive(Debug)]
pub struct Error {
    /// What went wrong.
    pub what: String,
    /// The program, file or folder concerned.
    pub place: String,
    /// What the reader can do about it.
    pub hint: String,
}

/// The result of everything that can end a command.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error from its three lines.
    pub fn new(what: impl Into<String>, place: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), place: place.into(), hint: hint.into() }
    }

    /// An error of the file system at a path.
    pub fn io(doing: &str, path: impl AsRef<std::path::Path>, error: &std::io::Error) -> Self {
        Self::new(
            format!("{doing}: {error}"),
            path.as_ref().display().to_string(),
            "check that the disk has room and that this user may write there",
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}\n   at: {}\n   do: {}", self.what, self.place, self.hint)
    }
}
