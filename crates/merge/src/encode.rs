//! Rounding a merged pair to the output's type, and what that costs.

use rankweave_adapter::dtype::{self, Dtype};
use rankweave_adapter::{Error, Kind, Result};
use rankweave_compute::FactorPair;

/// A pair's factors in the output type.
pub(crate) struct Encoded {
    /// B, out×rank, row-major, little-endian.
    pub up: Vec<u8>,
    /// A, rank×columns, row-major, little-endian.
    pub down: Vec<u8>,
    /// ‖B̂Â − BA‖²_F to first order: Σ_l ‖δb_l‖²·‖a_l‖² + ‖b_l‖²·‖δa_l‖², taking the
    /// rounding errors of different entries as uncorrelated.
    pub error: f64,
}

/// Rounds `pair` to `dtype`. Errors (`Limit`) where a value leaves its range.
pub(crate) fn encode(pair: &FactorPair, dtype: Dtype) -> Result<Encoded> {
    let up = Factor::round(&pair.up, dtype)?;
    let down = Factor::round(&pair.down, dtype)?;
    let (up_norms, up_errors) = up.by_column(&pair.up, pair.rank);
    let (down_norms, down_errors) = down.by_row(&pair.down, pair.columns);
    let error = (0..pair.rank).map(|l| up_errors[l] * down_norms[l] + up_norms[l] * down_errors[l]).sum();
    Ok(Encoded { up: up.bytes, down: down.bytes, error })
}

struct Factor {
    bytes: Vec<u8>,
    /// The values a reader will see; empty where they are the input's.
    rounded: Vec<f32>,
}

impl Factor {
    fn round(values: &[f32], dtype: Dtype) -> Result<Factor> {
        let mut bytes = Vec::with_capacity(values.len() * dtype.bitsize() / 8);
        let outside = dtype::encode(dtype, values, &mut bytes)?;
        if outside > 0 {
            return Err(Error::new(Kind::Limit, format!("{outside} values are too large for {dtype:?}"))
                .hint("Choose bf16 or f32 for the output, or smaller weights."));
        }
        let mut rounded = Vec::new();
        if dtype != Dtype::F32 {
            rounded.resize(values.len(), 0.0);
            dtype::decode(dtype, &bytes, &mut rounded)?;
        }
        Ok(Factor { bytes, rounded })
    }

    /// Squared norms of the columns and of their rounding errors; `width` columns.
    fn by_column(&self, values: &[f32], width: usize) -> (Vec<f64>, Vec<f64>) {
        let (mut norms, mut errors) = (vec![0.0; width], vec![0.0; width]);
        if self.rounded.is_empty() || width == 0 {
            return (norms, errors);
        }
        // f32 sums over short runs of rows, f64 between them.
        let (mut norm, mut error) = (vec![0.0f32; width], vec![0.0f32; width]);
        for (block, rounded) in values.chunks(64 * width).zip(self.rounded.chunks(64 * width)) {
            norm.fill(0.0);
            error.fill(0.0);
            for (row, rounded) in block.chunks_exact(width).zip(rounded.chunks_exact(width)) {
                for l in 0..width {
                    norm[l] += row[l] * row[l];
                    let delta = rounded[l] - row[l];
                    error[l] += delta * delta;
                }
            }
            for l in 0..width {
                norms[l] += f64::from(norm[l]);
                errors[l] += f64::from(error[l]);
            }
        }
        (norms, errors)
    }

    /// Squared norms of the rows and of their rounding errors; rows of `width`.
    fn by_row(&self, values: &[f32], width: usize) -> (Vec<f64>, Vec<f64>) {
        let rows = values.len().checked_div(width).unwrap_or(0);
        if self.rounded.is_empty() {
            return (vec![0.0; rows], vec![0.0; rows]);
        }
        let rows = values.chunks_exact(width).zip(self.rounded.chunks_exact(width));
        rows.map(|(row, rounded)| sums(row, rounded)).unzip()
    }
}

/// ‖x‖² and ‖y − x‖², summed in 16 f32 lanes over short runs and in f64 between.
fn sums(x: &[f32], y: &[f32]) -> (f64, f64) {
    const LANES: usize = 16;
    let (mut norm, mut error) = (0.0f64, 0.0f64);
    for (x, y) in x.chunks(64 * LANES).zip(y.chunks(64 * LANES)) {
        let (mut a, mut b) = ([0.0f32; LANES], [0.0f32; LANES]);
        let whole = x.len() - x.len() % LANES;
        for (x, y) in x[..whole].chunks_exact(LANES).zip(y[..whole].chunks_exact(LANES)) {
            for l in 0..LANES {
                a[l] += x[l] * x[l];
                b[l] += (y[l] - x[l]) * (y[l] - x[l]);
            }
        }
        for l in whole..x.len() {
            a[0] += x[l] * x[l];
            b[0] += (y[l] - x[l]) * (y[l] - x[l]);
        }
        norm += a.iter().map(|v| f64::from(*v)).sum::<f64>();
        error += b.iter().map(|v| f64::from(*v)).sum::<f64>();
    }
    (norm, error)
}
