//! Rounding a merged pair's factors to the output's type, and what that costs.
//!
//! Piece by piece, so that what is written, read back and measured stays in the processor's first caches.

use rankweave_adapter::dtype::{self, Dtype};
use rankweave_adapter::{Error, Kind, Result};
use rankweave_compute::norms::{ROWS, Sums};

/// Entries of a row that are rounded at once; a multiple of what [`Sums::add_run`] adds up at once.
const RUN: usize = 4096;

/// Appends B (out×rank, row-major) as little-endian `dtype`; answers the sums of its columns.
///
/// # Errors
/// `Limit` where a value leaves the type's range.
pub(crate) fn up(values: &[f32], rank: usize, dtype: Dtype, out: &mut Vec<u8>) -> Result<Sums> {
    let mut sums = Sums::new(rank);
    let mut writer = Writer { dtype, out, rounded: Vec::new(), outside: 0 };
    for rows in values.chunks((ROWS * rank).max(1)) {
        if let Some(rounded) = writer.write(rows)? {
            sums.add_rows(rows, rounded);
        }
    }
    writer.finish()?;
    Ok(sums)
}

/// Appends A (rank×columns, row-major) as little-endian `dtype`; answers the sums of its rows.
///
/// # Errors
/// As [`up`].
pub(crate) fn down(values: &[f32], columns: usize, dtype: Dtype, out: &mut Vec<u8>) -> Result<Sums> {
    let mut sums = Sums::new(values.len() / columns.max(1));
    let mut writer = Writer { dtype, out, rounded: Vec::new(), outside: 0 };
    for (l, row) in values.chunks_exact(columns.max(1)).enumerate() {
        for run in row.chunks(RUN) {
            if let Some(rounded) = writer.write(run)? {
                sums.add_run(l, run, rounded);
            }
        }
    }
    writer.finish()?;
    Ok(sums)
}

/// ‖B̂Â − BA‖²_F to first order: Σ_l ‖δb_l‖²·‖a_l‖² + ‖b_l‖²·‖δa_l‖², taking the rounding errors of different entries
/// as uncorrelated.
pub(crate) fn error(up: &Sums, down: &Sums) -> f64 {
    let units = up.errors.iter().zip(&up.norms).zip(down.errors.iter().zip(&down.norms));
    units.map(|((up_error, up_norm), (down_error, down_norm))| up_error * down_norm + up_norm * down_error).sum()
}

/// Takes a matrix row by row, appends it as little-endian `dtype`, and adds up what that costs.
pub(crate) struct Rows<'a> {
    writer: Writer<'a>,
    error: f64,
    failed: Option<Error>,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(dtype: Dtype, out: &'a mut Vec<u8>) -> Rows<'a> {
        Rows { writer: Writer { dtype, out, rounded: Vec::new(), outside: 0 }, error: 0.0, failed: None }
    }

    /// Appends a row, unless one before it could not be.
    pub(crate) fn write(&mut self, row: &[f32]) {
        if self.failed.is_some() {
            return;
        }
        for run in row.chunks(RUN) {
            let squared = |rounded: &[f32]| {
                let pairs = run.iter().zip(rounded);
                pairs.map(|(x, y)| (f64::from(*x) - f64::from(*y)).powi(2)).sum::<f64>()
            };
            match self.writer.write(run) {
                Ok(rounded) => self.error += rounded.map_or(0.0, squared),
                Err(error) => self.failed = self.failed.take().or(Some(error)),
            }
        }
    }

    /// The squared error of all rows.
    ///
    /// # Errors
    /// As [`up`].
    pub(crate) fn finish(self) -> Result<f64> {
        self.failed.map_or(Ok(()), Err)?;
        self.writer.finish()?;
        Ok(self.error)
    }
}

struct Writer<'a> {
    dtype: Dtype,
    out: &'a mut Vec<u8>,
    /// What a reader of the last piece will see.
    rounded: Vec<f32>,
    /// How many values were too large.
    outside: usize,
}

impl Writer<'_> {
    /// Appends a piece. The values that a reader will see, unless they are the same.
    fn write(&mut self, values: &[f32]) -> Result<Option<&[f32]>> {
        if self.dtype == Dtype::F32 {
            self.outside += dtype::encode(self.dtype, values, self.out)?;
            return Ok(None);
        }
        self.rounded.resize(values.len(), 0.0);
        self.outside += dtype::encode_rounding(self.dtype, values, self.out, &mut self.rounded)?;
        Ok(Some(&self.rounded))
    }

    fn finish(self) -> Result<()> {
        if self.outside == 0 {
            return Ok(());
        }
        Err(too_large(&format!("{} values are too large for {:?}", self.outside, self.dtype)))
    }
}

pub(crate) fn too_large(what: &str) -> Error {
    Error::new(Kind::Limit, what).hint("Choose bf16 or f32 for the output, or smaller weights.")
}
