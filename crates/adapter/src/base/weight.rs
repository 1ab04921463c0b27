//! Where one weight of the base lies, and reading it.

use crate::dtype::{self, Dtype};
use crate::error::{Error, Kind, Result};
use crate::module::ModuleShape;
use crate::safetensors::{TensorInfo, read_at};
use crate::source::Source;

/// Most bytes read at once.
const SPAN: usize = 4 << 20;

/// A weight of the base, out×in (and the kernel): runs of bytes, one below the other.
#[derive(Clone, Debug, PartialEq)]
pub struct BaseWeight {
    shape: ModuleShape,
    runs: Vec<Run>,
    /// Stored in×out.
    turned: bool,
    /// The halves of its rows are in the other order than those of the adapter's module.
    swapped: bool,
}

/// Consecutive rows of one tensor.
#[derive(Clone, Debug, PartialEq)]
struct Run {
    file: usize,
    name: String,
    offset: u64,
    dtype: Dtype,
    elements: usize,
}

impl BaseWeight {
    /// A whole tensor of the file `file`, which is in×out if `turned` says so and it is a matrix; `None` where it is
    /// empty or too large to count.
    pub(super) fn new(file: usize, info: &TensorInfo, turned: bool) -> Option<BaseWeight> {
        let sizes: Option<Vec<usize>> =
            info.shape.iter().map(|n| usize::try_from(*n).ok().filter(|n| *n > 0)).collect();
        let (turned, shape) = match *sizes.as_deref()? {
            [inp, out] if turned => (true, ModuleShape { out, inp, kernel: Vec::new() }),
            [out, inp, ref kernel @ ..] => (false, ModuleShape { out, inp, kernel: kernel.to_vec() }),
            _ => return None,
        };
        let elements = usize::try_from(info.elements()).ok()?;
        let run = Run { file, name: info.name.clone(), offset: info.offset, dtype: info.dtype, elements };
        Some(BaseWeight { shape, runs: vec![run], turned, swapped: false })
    }

    /// The rows `from..to` of it.
    pub(super) fn rows(mut self, from: usize, to: usize) -> Option<BaseWeight> {
        let columns = self.shape.columns();
        let [run] = self.runs.as_mut_slice() else { return None };
        if self.turned || from >= to || to > self.shape.out {
            return None;
        }
        run.offset += (from * columns * dtype::size_of(run.dtype)) as u64;
        run.elements = (to - from) * columns;
        self.shape.out = to - from;
        Some(self)
    }

    /// Puts another weight below it. False where they do not fit together.
    pub(super) fn add(&mut self, below: BaseWeight) -> bool {
        let plain = |w: &BaseWeight| !w.turned && !w.swapped;
        let fits = plain(self) && plain(&below) && self.shape.columns() == below.shape.columns();
        self.shape.out = self.shape.out.saturating_add(below.shape.out);
        self.runs.extend(below.runs);
        fits
    }

    /// Changes the order of the rows' halves, if `swap` says so.
    pub(super) fn swap(&mut self, swap: bool) {
        self.swapped ^= swap;
    }

    /// Its shape.
    pub fn shape(&self) -> &ModuleShape {
        &self.shape
    }

    /// The name of its (first) tensor.
    pub fn name(&self) -> &str {
        self.runs.first().map_or("", |run| &run.name)
    }

    /// How many bytes reading it takes.
    pub fn bytes(&self) -> u64 {
        self.runs.iter().map(|run| run.elements as u64 * dtype::size_of(run.dtype) as u64).sum()
    }

    /// Reads it, out×columns row-major. `files` are the base's, in the order in which it was opened. Memory: the weight in
    /// f32 and a span of bytes; twice the weight where the base stores it in×out.
    ///
    /// # Errors
    /// `Io`; `Parameter` where a file is missing; `Malformed` for NaN or infinite values.
    pub fn read(&self, files: &[&dyn Source]) -> Result<Vec<f32>> {
        let mut values = vec![0.0; self.shape.out * self.shape.columns()];
        let (mut rest, mut bytes) = (values.as_mut_slice(), Vec::new());
        for run in &self.runs {
            let own = |e: Error| e.key(&run.name);
            let file =
                files.get(run.file).ok_or_else(|| own(Error::new(Kind::Parameter, "A file of the base is missing")))?;
            let (this, later) = rest.split_at_mut(run.elements.min(rest.len()));
            rest = later;
            let size = dtype::size_of(run.dtype);
            let mut offset = run.offset;
            for piece in this.chunks_mut(SPAN / size) {
                bytes.resize(piece.len() * size, 0);
                read_at(*file, offset, &mut bytes).map_err(own)?;
                dtype::decode(run.dtype, &bytes, piece).map_err(own)?;
                if !dtype::all_finite(piece) {
                    let error = Error::new(Kind::Malformed, "A weight of the base holds a value that is not finite");
                    return Err(own(error).offset(offset).hint("Use another copy of the base model."));
                }
                offset += bytes.len() as u64;
            }
        }
        if self.turned {
            let (rows, columns) = (self.shape.inp, self.shape.out);
            let stored = std::mem::replace(&mut values, vec![0.0; rows * columns]);
            for (i, row) in stored.chunks_exact(columns).enumerate() {
                values[i..].iter_mut().step_by(rows).zip(row).for_each(|(to, x)| *to = *x);
            }
        }
        if self.swapped {
            let half = self.shape.out / 2 * self.shape.columns();
            values.rotate_left(half);
        }
        Ok(values)
    }
}
