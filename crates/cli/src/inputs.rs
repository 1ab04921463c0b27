//! Opening inputs: files as sources, PEFT folders with their configuration.

use rankweave_adapter::{Adapter, Error, Header, Kind, Limits, Result, Source, read_header};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// A file on disk, read at any offset by any number of threads.
pub(crate) struct FileSource {
    file: File,
    len: u64,
}

impl FileSource {
    pub fn open(path: &Path) -> io::Result<FileSource> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        Ok(FileSource { file, len })
    }
}

impl Source for FileSource {
    fn len(&self) -> u64 {
        self.len
    }

    #[cfg(unix)]
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.file, buf, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, mut offset: u64, mut buf: &mut [u8]) -> io::Result<()> {
        while !buf.is_empty() {
            let read = std::os::windows::fs::FileExt::seek_read(&self.file, buf, offset)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            buf = &mut buf[read..];
            offset += read as u64;
        }
        Ok(())
    }
}

/// An input ready to be merged.
pub(crate) struct Input {
    pub adapter: Adapter,
    pub source: FileSource,
}

/// Opens a safetensors file, or a PEFT folder (adapter_model.safetensors with
/// adapter_config.json). A configuration beside a file of PEFT's own name is used.
pub(crate) fn open(path: &Path) -> Result<Input> {
    let file = tensors_of(path)?;
    let source = FileSource::open(&file).map_err(|e| cannot_read(&file, &e))?;
    let config = config(&file, path.is_dir())?;
    let adapter = Adapter::open(&source, &label(path), config.as_deref())?;
    Ok(Input { adapter, source })
}

/// Any safetensors file, adapter or not: its bytes, its label, its header.
pub(crate) fn open_file(path: &Path) -> Result<(FileSource, String, Header)> {
    let file = tensors_of(path)?;
    let (source, label) = (FileSource::open(&file).map_err(|e| cannot_read(&file, &e))?, label(path));
    let header = read_header(&source, &label, &Limits::default())?;
    Ok((source, label, header))
}

/// The safetensors file that a path means.
pub(crate) fn tensors_of(path: &Path) -> Result<PathBuf> {
    if path.is_dir() { model_file(path) } else { Ok(path.to_owned()) }
}

/// Opens all inputs, telling every problem at once.
pub(crate) fn open_all(paths: &[PathBuf]) -> std::result::Result<Vec<Input>, Vec<Error>> {
    let (opened, failed): (Vec<_>, Vec<_>) = paths.iter().map(|p| open(p)).partition(Result::is_ok);
    let failed: Vec<Error> = failed.into_iter().filter_map(Result::err).collect();
    if failed.is_empty() { Ok(opened.into_iter().flatten().collect()) } else { Err(failed) }
}

fn label(path: &Path) -> String {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
    name.unwrap_or_else(|| path.display().to_string())
}

fn model_file(folder: &Path) -> Result<PathBuf> {
    let usual = folder.join("adapter_model.safetensors");
    if usual.is_file() {
        return Ok(usual);
    }
    let entries = std::fs::read_dir(folder).map_err(|e| cannot_read(folder, &e))?;
    let mut files: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|p| p.extension().is_some_and(|x| x == "safetensors"))
        .collect();
    match files.len() {
        1 => Ok(files.swap_remove(0)),
        n => Err(Error::new(Kind::Parameter, "The folder is not a PEFT adapter")
            .file(folder.display().to_string())
            .expected("adapter_model.safetensors, or a single .safetensors file")
            .found(format!("{n} .safetensors files"))
            .hint("Name the file itself.")),
    }
}

fn config(file: &Path, folder: bool) -> Result<Option<String>> {
    let named_as_peft = file.file_name().is_some_and(|n| n == "adapter_model.safetensors");
    let path = file.with_file_name("adapter_config.json");
    if !(folder || named_as_peft) || !path.is_file() {
        return Ok(None);
    }
    std::fs::read_to_string(&path).map(Some).map_err(|e| cannot_read(&path, &e))
}

pub(crate) fn cannot_read(path: &Path, error: &io::Error) -> Error {
    Error::new(Kind::Io, format!("Cannot read the file: {error}"))
        .file(path.display().to_string())
        .hint("Check the name and that you may read it.")
}
