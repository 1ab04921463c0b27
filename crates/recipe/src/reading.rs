//! What only the bytes themselves tell: true hashes, modules that do nothing, numbers that are none.
//!
//! Opening reads headers. This reads whole files, in pieces of at most 1 MiB, and is done only when asked for.

use rankweave_adapter::dtype::{decode, is_factor_type, size_of};
use rankweave_adapter::safetensors::read_at;
use rankweave_adapter::{Adapter, Hashes, Module, Part, Result, Source, TensorInfo, hashes};
use serde::{Deserialize, Serialize};

/// Most bytes read at once; a multiple of every number's size.
const PIECE: u64 = 1 << 20;
/// Most tensors named that hold numbers which are not finite.
const NAMED: usize = 100;

/// What reading a whole file tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Its hashes.
    pub hashes: Hashes,
    /// Its numbers.
    pub scan: Scan,
}

/// What the numbers of a file are like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// Modules with a factor that is zero throughout, so that they do nothing: never trained, or frozen.
    pub untrained: Vec<String>,
    /// Tensors with numbers that are not finite, at most 100.
    pub broken: Vec<Broken>,
    /// How many tensors have such numbers.
    pub broken_tensors: usize,
}

/// A tensor with numbers that are not finite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broken {
    /// The module it belongs to, if any.
    pub module: Option<String>,
    /// Its name.
    pub key: String,
    /// Byte offset of the first such number in the file.
    pub offset: u64,
    /// That number: `NaN`, `inf` or `-inf`.
    pub value: String,
    /// How many there are in this tensor.
    pub count: u64,
}

/// Hashes a file and looks at all its numbers. `step` hears how many bytes are done, of twice the file's length, and
/// may stop by an error.
///
/// # Errors
/// `Io`, or what `step` returns; each names the file.
pub fn read_whole(adapter: &Adapter, source: &dyn Source, mut step: impl FnMut(u64) -> Result<()>) -> Result<Reading> {
    let mut read = || {
        let hashes = hashes(source, &adapter.header, &mut step)?;
        let scan = scan(adapter, source, |done| step(source.len().saturating_add(done)))?;
        Ok(Reading { hashes, scan })
    };
    read().map_err(|e: rankweave_adapter::Error| e.file(&adapter.label))
}

/// Looks at every number of a file, whatever its use. `step` hears up to which byte of the file it is done.
///
/// # Errors
/// `Io`, or what `step` returns.
pub fn scan(adapter: &Adapter, source: &dyn Source, mut step: impl FnMut(u64) -> Result<()>) -> Result<Scan> {
    let tensors = &adapter.header.tensors;
    let mut looks: Vec<Look> = vec![Look::default(); tensors.len()];
    let (mut bytes, mut values) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(first) = tensors.get(at) {
        // Tensors follow each other without gaps: as many as fit are read at once, a longer one in pieces.
        let end = |t: &TensorInfo| t.offset.saturating_add(t.len);
        let whole = tensors[at..].iter().take_while(|t| end(t) - first.offset <= PIECE).count();
        let run = at..at + whole.max(1);
        let last = tensors.get(run.end - 1).map_or(first.offset, end);
        let mut from = first.offset;
        while from < last {
            let to = last.min(from + PIECE);
            bytes.resize((to - from) as usize, 0);
            read_at(source, from, &mut bytes)?;
            for (tensor, look) in tensors[run.clone()].iter().zip(&mut looks[run.clone()]) {
                let start = tensor.offset.max(from);
                let part = &bytes[(start - from) as usize..(end(tensor).min(to) - from) as usize];
                look.at(tensor, start, part, &mut values)?;
            }
            step(to)?;
            from = to;
        }
        at = run.end;
    }
    Ok(told(adapter, &looks))
}

/// What was seen of one tensor.
#[derive(Clone, Default)]
struct Look {
    /// Something other than zero.
    alive: bool,
    /// Numbers that are not finite.
    broken: u64,
    /// The first of them, and where.
    first: Option<(u64, f32)>,
}

impl Look {
    /// Looks at a part of a tensor that stands at byte `offset` of the file.
    fn at(&mut self, tensor: &TensorInfo, offset: u64, bytes: &[u8], values: &mut Vec<f32>) -> Result<()> {
        if !is_factor_type(tensor.dtype) {
            return Ok(());
        }
        let size = size_of(tensor.dtype);
        values.resize(bytes.len() / size, 0.0);
        decode(tensor.dtype, bytes, values)?;
        self.alive |= values.iter().any(|v| *v != 0.0);
        for (i, value) in values.iter().enumerate().filter(|(_, v)| !v.is_finite()) {
            self.broken += 1;
            self.first.get_or_insert((offset + (i * size) as u64, *value));
        }
        Ok(())
    }
}

fn told(adapter: &Adapter, looks: &[Look]) -> Scan {
    let mut owners: Vec<Option<usize>> = vec![None; looks.len()];
    for (m, module) in adapter.modules.iter().enumerate() {
        for (_, tensor) in &module.parts {
            owners[*tensor] = Some(m);
        }
    }
    let mut scan = Scan::default();
    for ((tensor, look), owner) in adapter.header.tensors.iter().zip(looks).zip(owners) {
        let Some((offset, value)) = look.first else { continue };
        scan.broken_tensors += 1;
        if scan.broken.len() < NAMED {
            let module = owner.map(|m| adapter.modules[m].key.id());
            let key = tensor.name.clone();
            scan.broken.push(Broken { module, key, offset, value: value.to_string(), count: look.broken });
        }
    }
    // A product is zero where one of its factors is, unless something is added to it.
    let dead = |module: &&Module| {
        let zero = |role: fn(Part) -> bool| {
            module.parts.iter().filter(move |(part, _)| role(*part)).map(|(_, t)| !looks[*t].alive)
        };
        zero(is_factor).any(|zero| zero) && zero(is_added).all(|zero| zero)
    };
    let dead = adapter.modules.iter().filter(dead);
    scan.untrained = dead.map(|m| m.key.id()).collect();
    scan
}

/// Parts that are multiplied: all but counts, places, and what is added.
fn is_factor(part: Part) -> bool {
    use Part::{BiasIndices, BiasSize, Magnitude, Ranks, UpBias};
    !matches!(part, BiasIndices | BiasSize | Magnitude | Ranks | UpBias) && !is_added(part)
}

/// Parts that are added to a product.
fn is_added(part: Part) -> bool {
    part == Part::BiasValues
}
