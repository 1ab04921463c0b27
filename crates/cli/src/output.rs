//! Writing beside and renaming at the end: there is never half a file.

use rankweave_adapter::{Error, Kind, Result};
use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// What an output path means.
pub(crate) enum Target {
    /// A single file.
    File(PathBuf),
    /// A PEFT folder.
    Folder(PathBuf),
}

impl Target {
    /// A name ending in .safetensors is a file, any other a PEFT folder.
    pub fn of(path: &Path) -> Target {
        if path.extension().is_some_and(|x| x.eq_ignore_ascii_case("safetensors")) {
            Target::File(path.to_owned())
        } else {
            Target::Folder(path.to_owned())
        }
    }

    /// Where the tensors go.
    pub fn tensors(&self) -> PathBuf {
        match self {
            Target::File(path) => path.clone(),
            Target::Folder(path) => path.join("adapter_model.safetensors"),
        }
    }
}

/// A file that appears under its name when it is complete, and not before. Dropped
/// unfinished, it leaves nothing behind.
pub(crate) struct Draft {
    file: BufWriter<File>,
    draft: PathBuf,
    path: PathBuf,
    finished: bool,
}

impl Draft {
    /// Starts a file with `room` bytes kept for the header.
    pub fn new(path: &Path, room: usize) -> Result<Draft> {
        let failed = |e: io::Error| cannot_write(path, &e);
        if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let draft = path.with_file_name(format!(".{name}.{}.part", std::process::id()));
        let file = File::create(&draft).map_err(failed)?;
        let mut draft =
            Draft { file: BufWriter::with_capacity(1 << 20, file), draft, path: path.to_owned(), finished: false };
        draft.file.seek(SeekFrom::Start(room as u64)).map_err(failed)?;
        Ok(draft)
    }

    /// Appends tensor data.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|e| cannot_write(&self.path, &e))
    }

    /// Writes the header and gives the file its name.
    pub fn finish(mut self, header: &[u8]) -> Result<()> {
        let done = self
            .file
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.file.write_all(header))
            .and_then(|()| self.file.flush())
            .and_then(|()| fs::rename(&self.draft, &self.path));
        self.finished = done.is_ok();
        done.map_err(|e| cannot_write(&self.path, &e))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.finished {
            // Nothing more can be done about a draft that cannot be removed.
            let _ = fs::remove_file(&self.draft);
        }
    }
}

/// Writes a small text file the same way.
pub(crate) fn write_text(path: &Path, text: &str) -> Result<()> {
    let mut draft = Draft::new(path, 0)?;
    draft.write(text.as_bytes())?;
    draft.finish(&[])
}

fn cannot_write(path: &Path, error: &io::Error) -> Error {
    Error::new(Kind::Io, format!("Cannot write the file: {error}"))
        .file(path.display().to_string())
        .hint("Check that the folder exists, that you may write to it, and that the disk is not full.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("rankweave-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        path
    }

    #[test]
    fn a_finished_draft_is_the_file_and_nothing_else() {
        let folder = folder("finished");
        let path = folder.join("x.safetensors");
        let mut draft = Draft::new(&path, 4).unwrap();
        draft.write(b"data").unwrap();
        draft.finish(b"head").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"headdata");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_dropped_draft_leaves_nothing_and_keeps_the_old_file() {
        let folder = folder("dropped");
        let path = folder.join("x.safetensors");
        fs::write(&path, b"old").unwrap();
        Draft::new(&path, 4).unwrap().write(b"data").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(folder).unwrap();
    }
}
