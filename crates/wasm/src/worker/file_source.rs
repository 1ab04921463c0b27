//! A dropped file as a [`Source`]: every read is a slice of the `File`, read synchronously.
//!
//! Synchronous reading exists in workers only. Offsets travel as `f64`, exact up to 2⁵³ bytes, so files above
//! 4 GiB work on 32-bit wasm.

use js_sys::{Array, Uint8Array};
use rankweave_adapter::Source;
use std::io;
use std::ops::Range;
use wasm_bindgen::JsValue;
use web_sys::{Blob, FileReaderSync};

/// A file the user dropped, read in slices.
pub struct FileSource {
    blob: Blob,
    reader: FileReaderSync,
}

impl FileSource {
    /// Wraps a file; reads nothing.
    ///
    /// # Errors
    /// Outside a worker.
    pub fn new(blob: Blob) -> io::Result<Self> {
        let reader = FileReaderSync::new().map_err(|e| failed(&e))?;
        Ok(FileSource { blob, reader })
    }
}

impl Source for FileSource {
    fn len(&self) -> u64 {
        // A size is a whole number below 2⁵³.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number below 2^53")]
        let len = self.blob.size() as u64;
        len
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buf.len() as u64).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.read(&self.slice(offset..end)?, buf)
    }

    /// Puts the slices into one blob and reads that: a read costs most of a millisecond, however short it is.
    fn gather(&self, ranges: &[Range<u64>], buf: &mut [u8]) -> io::Result<()> {
        let slices = Array::new();
        for range in ranges {
            let slice = self.slice(range.clone())?;
            slices.push(&slice);
        }
        self.read(&Blob::new_with_blob_sequence(&slices).map_err(|e| failed(&e))?, buf)
    }
}

impl FileSource {
    /// A part of the file; nothing is read yet.
    fn slice(&self, range: Range<u64>) -> io::Result<Blob> {
        if range.start > range.end || range.end > self.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        #[expect(clippy::cast_precision_loss, reason = "both are at most the file's size, below 2^53")]
        self.blob.slice_with_f64_and_f64(range.start as f64, range.end as f64).map_err(|e| failed(&e))
    }

    fn read(&self, slice: &Blob, buf: &mut [u8]) -> io::Result<()> {
        let buffer = self.reader.read_as_array_buffer(slice).map_err(|e| failed(&e))?;
        let bytes = Uint8Array::new(&buffer);
        if bytes.length() as usize != buf.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.copy_to(buf);
        Ok(())
    }
}

/// The browser's reason, for instance that the file was changed or moved after it was dropped.
fn failed(reason: &JsValue) -> io::Error {
    let text = js_sys::Error::from(reason.clone()).message();
    io::Error::other(String::from(text))
}
