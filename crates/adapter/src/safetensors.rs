//! The safetensors container: header only, strictly checked, 64-bit offsets.
//!
//! ```text
//! 0          8                8+n                      size
//! ├─ n: u64 ─┼─ JSON, spaces ─┼─ tensor data, no gaps ─┤      all little-endian
//! ```
//!
//! Everything the format asks for is checked before a name or number is believed: the header's length against the
//! file and a cap, UTF-8, `{` first and only spaces last, no key twice, known types, shapes whose product fits,
//! and tensors that cover the data exactly once, in any order of mention.

use crate::dtype::Dtype;
use crate::error::{Error, Kind, Result, Warning};
use crate::json::{self, Entry};
use crate::limits::Limits;
use crate::sniff;
use crate::source::Source;
use std::collections::BTreeMap;

/// One tensor's place and shape.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorInfo {
    /// Name, unique in the file.
    pub name: String,
    /// Element type.
    pub dtype: Dtype,
    /// Shape; empty for a scalar.
    pub shape: Vec<u64>,
    /// First byte, counted from the start of the file.
    pub offset: u64,
    /// Length in bytes.
    pub len: u64,
}

impl TensorInfo {
    /// Number of elements; the header's checks have made sure that it fits.
    pub fn elements(&self) -> u64 {
        self.shape.iter().product()
    }
}

/// A checked header.
#[derive(Clone, Debug, Default)]
pub struct Header {
    /// All tensors, by offset.
    pub tensors: Vec<TensorInfo>,
    /// The `__metadata__` map; empty when there is none.
    pub metadata: BTreeMap<String, String>,
    /// First byte of tensor data.
    pub data_start: u64,
    /// Oddities that do no harm.
    pub warnings: Vec<Warning>,
    /// Indices of `tensors` in the order of their names.
    by_name: Vec<u32>,
}

impl Header {
    /// Index of the tensor called `name`.
    pub fn find(&self, name: &str) -> Option<usize> {
        let compare = |i: &u32| self.tensors[*i as usize].name.as_str().cmp(name);
        Some(self.by_name[self.by_name.binary_search_by(compare).ok()?] as usize)
    }
}

const DAMAGED: &str = "The file is damaged or incomplete; download it again.";
const FAULTY: &str = "The file was written by a faulty tool; save it again with another one.";

/// Reads and checks the header of a safetensors file; reads nothing but the header.
///
/// # Errors
/// `Malformed` for every breach of the format, `Unsupported` for other containers (pickles, GGUF, web pages),
/// `Limit` for more than `limits` allows, `Io`. Each names the file, and the key and byte offset where known.
pub fn read_header(source: &dyn Source, file: &str, limits: &Limits) -> Result<Header> {
    read(source, file, limits).map_err(|e| e.file(file))
}

fn read(source: &dyn Source, file: &str, limits: &Limits) -> Result<Header> {
    let size = source.len();
    let text = header_text(source, limits)?;
    let data_start = 8 + text.len() as u64;
    let raw = json::parse(text.trim_end_matches(' '), limits).map_err(|mut e| {
        e.place.offset = e.place.offset.map(|at| at + 8);
        e
    })?;
    let mut warnings = Vec::new();
    if raw.null_metadata {
        let message =
            "The header says `\"__metadata__\": null` where the format asks for an object; it was read as empty.";
        warnings.push(Warning::new("null-metadata", file, message));
    }
    let mut entries = raw.entries;
    entries.sort_by_key(|e| (e.begin, e.end));
    let data_len = check_layout(&entries)?;
    check_size(size, data_start, data_len)?;
    let by_name = names_in_order(&entries)?;
    let place = |e: Entry| TensorInfo {
        name: e.name,
        dtype: e.dtype,
        shape: e.shape,
        offset: data_start + e.begin,
        len: e.end - e.begin,
    };
    let tensors = entries.into_iter().map(place).collect();
    Ok(Header { tensors, metadata: raw.metadata, data_start, warnings, by_name })
}

/// The header's JSON with its padding, after all checks that need no parser.
fn header_text(source: &dyn Source, limits: &Limits) -> Result<String> {
    let size = source.len();
    let mut first = vec![0; size.min(32) as usize];
    read_at(source, 0, &mut first)?;
    let malformed = |what: &str| Error::new(Kind::Malformed, what).hint(DAMAGED);
    let other = |e: Error| sniff::other_container(&first).unwrap_or(e);
    let Some((length, start)) = first.split_first_chunk::<8>() else {
        let e = malformed("The file is too short to be a safetensors file").expected("at least 10 bytes");
        return Err(other(e.found(format!("{size} bytes"))));
    };
    let n = u64::from_le_bytes(*length);
    if n > size - 8 {
        let e = malformed("The header is longer than the file").offset(0);
        return Err(other(e.expected(format!("at most {} bytes", size - 8)).found(format!("{n} bytes"))));
    }
    if start.first() != Some(&b'{') || n < 2 {
        let e = malformed("The header does not begin with `{`").offset(8);
        return Err(other(e.found(start.first().map_or("nothing".to_owned(), |b| format!("byte {b:#04x}")))));
    }
    if n > limits.header_bytes {
        return Err(Error::new(Kind::Limit, "The header is too long")
            .offset(0)
            .expected(format!("at most {} bytes", limits.header_bytes))
            .found(format!("{n} bytes")));
    }
    let mut bytes = vec![0; n as usize];
    read_at(source, 8, &mut bytes)?;
    let text = String::from_utf8(bytes)
        .map_err(|e| malformed("The header is not UTF-8 text").offset(8 + e.utf8_error().valid_up_to() as u64))?;
    let json = text.trim_end_matches(' ');
    match json.as_bytes().last() {
        Some(b'}') => Ok(text),
        Some(0) => Err(Error::new(Kind::Malformed, "The header is padded with NUL bytes")
            .offset(8 + json.trim_end_matches(['\0', ' ']).len() as u64)
            .expected("spaces (0x20)")
            .hint("Save the file again with the safetensors library, which pads with spaces.")),
        _ => Err(malformed("The header does not end with `}` and spaces").offset(7 + json.len() as u64)),
    }
}

/// Checks shapes against lengths and that the tensors follow each other without gap or overlap; returns their end.
fn check_layout(entries: &[Entry]) -> Result<u64> {
    let mut cursor = 0;
    for e in entries {
        let wrong = |what: &str| Error::new(Kind::Malformed, what).key(&e.name).hint(FAULTY);
        if e.begin != cursor || e.end < e.begin {
            let what = match e.begin {
                _ if e.end < e.begin => "A tensor ends before it begins",
                b if b < cursor => "Two tensors overlap",
                _ => "There is a gap between two tensors",
            };
            let found = format!("{}..{}", e.begin, e.end);
            return Err(wrong(what).expected(format!("a beginning at data byte {cursor}")).found(found));
        }
        let elements = e.shape.iter().try_fold(1u64, |n, d| n.checked_mul(*d));
        let bits = elements.and_then(|n| n.checked_mul(e.dtype.bitsize() as u64));
        let bits =
            bits.ok_or_else(|| wrong("A tensor's shape is too large to count").found(format!("{:?}", e.shape)))?;
        if bits % 8 != 0 {
            return Err(wrong("A tensor does not fill whole bytes").found(format!("{bits} bits")));
        }
        if e.end - e.begin != bits / 8 {
            return Err(wrong("A tensor's length does not fit its shape and type")
                .expected(format!("{} bytes for {:?} of {}", bits / 8, e.shape, e.dtype))
                .found(format!("{} bytes", e.end - e.begin)));
        }
        cursor = e.end;
    }
    Ok(cursor)
}

/// The data must end where the file does.
fn check_size(size: u64, data_start: u64, data_len: u64) -> Result<()> {
    let needed = data_start.checked_add(data_len);
    let what = match needed {
        Some(n) if n == size => return Ok(()),
        Some(n) if n < size => "There are bytes after the last tensor",
        _ => "The file is cut off",
    };
    let expected = needed.map_or("more than 2^64 bytes".to_owned(), |n| format!("{n} bytes"));
    let error = Error::new(Kind::Malformed, what).offset(needed.map_or(size, |n| n.min(size)));
    Err(error.expected(expected).found(format!("{size} bytes")).hint(DAMAGED))
}

/// Indices sorted by name; an error when two names are equal.
fn names_in_order(entries: &[Entry]) -> Result<Vec<u32>> {
    let mut order: Vec<u32> = (0..entries.len() as u32).collect();
    let name = |i: &u32| entries[*i as usize].name.as_str();
    order.sort_unstable_by(|a, b| name(a).cmp(name(b)));
    match order.windows(2).find(|w| name(&w[0]) == name(&w[1])) {
        Some(w) => Err(json::repeated(name(&w[0]))),
        None => Ok(order),
    }
}

/// Reads bytes, turning a failure into an error with its offset.
///
/// # Errors
/// `Io`.
pub fn read_at(source: &dyn Source, offset: u64, buf: &mut [u8]) -> Result<()> {
    source.read_at(offset, buf).map_err(|e| reading_failed(&e).offset(offset))
}

/// The medium's own reason, with what usually lies behind it.
pub(crate) fn reading_failed(reason: &std::io::Error) -> Error {
    Error::new(Kind::Io, "Reading failed")
        .found(reason.to_string())
        .hint("Was the file moved or changed since it was chosen? Choose it again.")
}
