//! Rounding a merged pair to the output's type, and what that costs.

use rankweave_adapter::dtype::{self, Dtype};
use rankweave_adapter::{Error, Kind, Result};
use rankweave_compute::{FactorPair, norms};

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
    let up = bytes(&pair.up, dtype)?;
    let down = bytes(&pair.down, dtype)?;
    let mut error = 0.0;
    if dtype != Dtype::F32 {
        let (up_norms, up_errors) = norms::by_column(&pair.up, &values(&up, &pair.up, dtype)?, pair.rank);
        let (down_norms, down_errors) = norms::by_row(&pair.down, &values(&down, &pair.down, dtype)?, pair.columns);
        error = (0..pair.rank).map(|l| up_errors[l] * down_norms[l] + up_norms[l] * down_errors[l]).sum();
    }
    Ok(Encoded { up, down, error })
}

fn bytes(values: &[f32], dtype: Dtype) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(values.len() * dtype.bitsize() / 8);
    let outside = dtype::encode(dtype, values, &mut bytes)?;
    if outside > 0 {
        return Err(Error::new(Kind::Limit, format!("{outside} values are too large for {dtype:?}"))
            .hint("Choose bf16 or f32 for the output, or smaller weights."));
    }
    Ok(bytes)
}

/// The values that a reader of `bytes` will see.
fn values(bytes: &[u8], like: &[f32], dtype: Dtype) -> Result<Vec<f32>> {
    let mut values = vec![0.0; like.len()];
    dtype::decode(dtype, bytes, &mut values)?;
    Ok(values)
}
