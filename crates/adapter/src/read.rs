//! Reading factors: only the bytes of the modules asked for, neighbours in one go.
//!
//! A request's tensors are sorted by offset and read in spans of at most 16 MiB; a gap of up to 64 KiB is read
//! along rather than asked for separately, because in a browser each read costs as much as that many bytes.

use crate::adapter::Adapter;
use crate::dtype;
use crate::error::{Error, Kind, Result};
use crate::module::{Alpha, Module};
use crate::part::Part;
use crate::safetensors::{TensorInfo, read_at, reading_failed};
use crate::source::Source;

/// Most bytes read at once.
const SPAN: u64 = 16 << 20;
/// Largest gap read along with factors.
const GAP: u64 = 64 << 10;
/// Bytes of the widest scalar.
const SCALAR: u64 = 8;

/// A module's tensors as they are stored, decoded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stored {
    /// The tensors, in the parts' order.
    pub parts: Vec<(Part, Tensor)>,
    /// alpha/r, alpha/√r, or 1.
    pub scale: f64,
    /// The alpha in force (r when there is none).
    pub alpha: f64,
}

/// A tensor, row-major.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tensor {
    /// Its sizes.
    pub shape: Vec<usize>,
    /// Its numbers; empty for whole numbers.
    pub values: Vec<f32>,
    /// Its numbers, where they are stored as whole ones (positions).
    pub indices: Vec<u64>,
}

impl Stored {
    /// The tensor of a part.
    pub fn part(&self, part: Part) -> Option<&Tensor> {
        self.parts.iter().find(|(own, _)| *own == part).map(|(_, tensor)| tensor)
    }

    /// The tensor of a part, taken out.
    pub fn take(&mut self, part: Part) -> Option<Tensor> {
        let at = self.parts.iter().position(|(own, _)| *own == part)?;
        Some(self.parts.swap_remove(at).1)
    }
}

/// Reads the tensors of `modules` (indices into `adapter.modules`), in that order.
///
/// # Errors
/// `Io`; `Malformed`, naming the module, for NaN or infinite values; `Parameter` for an index that does not exist.
pub fn read_modules(adapter: &Adapter, source: &dyn Source, modules: &[usize]) -> Result<Vec<Stored>> {
    read(adapter, source, modules).map_err(|e| e.file(&adapter.label))
}

/// Where a tensor's numbers go: into a part of a module, or to its alpha.
type Slot = (usize, Option<usize>);

fn read(adapter: &Adapter, source: &dyn Source, modules: &[usize]) -> Result<Vec<Stored>> {
    let chosen = modules.iter().map(|i| module(adapter, *i)).collect::<Result<Vec<_>>>()?;
    let mut out: Vec<Stored> = Vec::with_capacity(chosen.len());
    let mut alphas = vec![None; chosen.len()];
    let mut wanted: Vec<(usize, Slot)> = Vec::with_capacity(3 * chosen.len());
    for (i, m) in chosen.iter().enumerate() {
        let parts = m.parts.iter().map(|(part, t)| (*part, blank(&adapter.header.tensors[*t])));
        out.push(Stored { parts: parts.collect(), scale: 1.0, alpha: 0.0 });
        wanted.extend(m.parts.iter().enumerate().map(|(at, (_, t))| (*t, (i, Some(at)))));
        match m.alpha {
            Alpha::Tensor(t) => wanted.push((t, (i, None))),
            Alpha::Value(alpha) => alphas[i] = Some(alpha),
            Alpha::None => {}
        }
    }
    fetch(adapter, source, wanted, |(i, part), tensor, at, bytes| {
        let own = |e: Error| e.module(chosen[i].key.id()).key(&tensor.name);
        let Some(part) = part else {
            alphas[i] = Some(scalar(tensor, bytes).map_err(own)?);
            return Ok(());
        };
        fill(&mut out[i].parts[part].1, tensor, at, bytes).map_err(own)
    })?;
    for ((stored, m), alpha) in out.iter_mut().zip(&chosen).zip(alphas) {
        stored.scale = m.scale(alpha);
        stored.alpha = alpha.filter(|a| *a != 0.0 || stored.scale == 0.0).unwrap_or(m.dim as f64);
    }
    Ok(out)
}

/// Room for a tensor. Opening has checked that its size can be held.
fn blank(info: &TensorInfo) -> Tensor {
    let n = info.elements() as usize;
    let whole = !dtype::is_factor_type(info.dtype);
    let (values, indices) = if whole { (Vec::new(), vec![0; n]) } else { (vec![0.0; n], Vec::new()) };
    Tensor { shape: info.shape.iter().map(|n| *n as usize).collect(), values, indices }
}

/// Decodes a run of a tensor's bytes, from its element `at`.
fn fill(to: &mut Tensor, info: &TensorInfo, at: usize, bytes: &[u8]) -> Result<()> {
    let size = dtype::size_of(info.dtype);
    let n = bytes.len() / size;
    if to.values.is_empty() {
        for (to, bytes) in to.indices[at..at + n].iter_mut().zip(bytes.chunks_exact(size)) {
            let value = dtype::decode_scalar(info.dtype, bytes).unwrap_or(f64::NAN);
            if !(0.0..9_007_199_254_740_992.0).contains(&value) {
                let error = Error::new(Kind::Malformed, "A position is no whole number from 0");
                return Err(error.offset(info.offset).found(value.to_string()));
            }
            *to = value as u64;
        }
        return Ok(());
    }
    let values = &mut to.values[at..at + n];
    dtype::decode(info.dtype, bytes, values)?;
    if dtype::all_finite(values) { Ok(()) } else { Err(not_finite(info, at, values)) }
}

/// Reads every module's alpha as the file states it: `None` where there is none. For inspection; alphas are small, so
/// this reads little of the file.
///
/// # Errors
/// As [`read_modules`].
pub fn read_alphas(adapter: &Adapter, source: &dyn Source) -> Result<Vec<Option<f64>>> {
    let value = |m: &Module| if let Alpha::Value(a) = m.alpha { Some(a) } else { None };
    let mut out: Vec<Option<f64>> = adapter.modules.iter().map(value).collect();
    let tensor = |m: &Module| if let Alpha::Tensor(t) = m.alpha { Some(t) } else { None };
    let mut wanted: Vec<(usize, &TensorInfo)> = adapter
        .modules
        .iter()
        .enumerate()
        .filter_map(|(i, m)| Some((i, adapter.header.tensors.get(tensor(m)?)?)))
        .collect();
    wanted.sort_by_key(|(_, info)| info.offset);
    // Nothing longer is a scalar, and is told so below.
    let len = |info: &TensorInfo| info.len.min(SCALAR);
    let ranges: Vec<_> = wanted.iter().map(|(_, info)| info.offset..info.offset + len(info)).collect();
    let mut bytes = vec![0; wanted.iter().map(|(_, info)| len(info) as usize).sum()];
    source.gather(&ranges, &mut bytes).map_err(|e| reading_failed(&e).file(&adapter.label))?;
    let mut rest = bytes.as_slice();
    for (i, info) in wanted {
        let (own, later) = rest.split_at(len(info) as usize);
        let place = |e: Error| e.module(adapter.modules[i].key.id()).key(&info.name).file(&adapter.label);
        out[i] = Some(scalar(info, own).map_err(place)?);
        rest = later;
    }
    Ok(out)
}

/// Reads one tensor's bytes as they are.
///
/// # Errors
/// `Io`, `Limit` for a tensor too large for this machine, `Parameter` for an index that does not exist.
pub fn read_raw(adapter: &Adapter, source: &dyn Source, tensor: usize) -> Result<Vec<u8>> {
    let read = || {
        let info = adapter.header.tensors.get(tensor).ok_or_else(|| no_such("tensor", tensor))?;
        let too_large = || Error::new(Kind::Limit, "A tensor is too large for this machine").key(&info.name);
        let len = usize::try_from(info.len).ok().filter(|n| *n <= 1 << 31).ok_or_else(too_large)?;
        let mut bytes = vec![0; len];
        read_at(source, info.offset, &mut bytes).map_err(|e| e.key(&info.name))?;
        Ok(bytes)
    };
    read().map_err(|e: Error| e.file(&adapter.label))
}

/// Reads the wanted tensors in order of offset and hands each (or, when it is longer than a span, each piece of it) to
/// `sink` with the index of its first element.
fn fetch<T: Copy>(
    adapter: &Adapter,
    source: &dyn Source,
    mut wanted: Vec<(usize, T)>,
    mut sink: impl FnMut(T, &TensorInfo, usize, &[u8]) -> Result<()>,
) -> Result<()> {
    let info = |t: usize| &adapter.header.tensors[t];
    wanted.sort_by_key(|(t, _)| info(*t).offset);
    let mut buffer = Vec::new();
    let mut rest = wanted.as_slice();
    while let Some((first, _)) = rest.first() {
        let (start, mut end, mut n) = (info(*first).offset, info(*first).offset + info(*first).len, 1);
        while let Some((next, _)) = rest.get(n) {
            let next = info(*next);
            if next.offset > end + GAP || next.offset + next.len > start + SPAN {
                break;
            }
            end = end.max(next.offset + next.len);
            n += 1;
        }
        let (span, later) = rest.split_at(n);
        rest = later;
        if end - start > SPAN {
            // Only a single tensor can be longer than a span.
            for (t, slot) in span {
                pieces(info(*t), source, &mut buffer, |at, bytes| sink(*slot, info(*t), at, bytes))?;
            }
            continue;
        }
        buffer.resize((end - start) as usize, 0);
        read_at(source, start, &mut buffer).map_err(|e| e.key(&info(span[0].0).name))?;
        for (t, slot) in span {
            let from = (info(*t).offset - start) as usize;
            sink(*slot, info(*t), 0, &buffer[from..from + info(*t).len as usize])?;
        }
    }
    Ok(())
}

/// Reads one long tensor piece by piece.
fn pieces(
    info: &TensorInfo,
    source: &dyn Source,
    buffer: &mut Vec<u8>,
    mut sink: impl FnMut(usize, &[u8]) -> Result<()>,
) -> Result<()> {
    let mut done = 0;
    while done < info.len {
        buffer.resize((info.len - done).min(SPAN) as usize, 0);
        read_at(source, info.offset + done, buffer).map_err(|e| e.key(&info.name))?;
        sink((done / dtype::size_of(info.dtype) as u64) as usize, buffer)?;
        done += buffer.len() as u64;
    }
    Ok(())
}

fn module(adapter: &Adapter, index: usize) -> Result<&Module> {
    adapter.modules.get(index).ok_or_else(|| no_such("module", index))
}

fn no_such(what: &str, index: usize) -> Error {
    Error::new(Kind::Parameter, format!("There is no {what} number {index}"))
}

fn scalar(tensor: &TensorInfo, bytes: &[u8]) -> Result<f64> {
    let value = dtype::decode_scalar(tensor.dtype, bytes).unwrap_or(f64::NAN);
    if value.is_finite() {
        return Ok(value);
    }
    let error = Error::new(Kind::Malformed, "An alpha is not a finite number").offset(tensor.offset);
    Err(error.expected("a number").found(value.to_string()))
}

fn not_finite(tensor: &TensorInfo, at: usize, values: &[f32]) -> Error {
    let n = values.iter().position(|v| !v.is_finite()).unwrap_or_default();
    Error::new(Kind::Malformed, "A factor holds a value that is not finite")
        .offset(tensor.offset + ((at + n) * dtype::size_of(tensor.dtype)) as u64)
        .expected("finite numbers")
        .found(values[n].to_string())
        .hint("Training diverged or the file is damaged; use another checkpoint.")
}
