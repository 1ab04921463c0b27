//! How the scale of a pair gets into the file: as alpha where there is one, else into the factors.

use crate::plan::Plan;
use crate::planned::PlannedModule;
use rankweave_adapter::{DialectId, Dtype, Result, dtype};
use rankweave_compute::FactorPair;

/// How a pair's scale is written.
pub(crate) struct Written {
    /// The alpha that a reader will see, or the rank where there is none: scale times rank.
    pub alpha: f64,
    /// What up is multiplied by so that the delta read with it is right.
    pub correction: f64,
}

/// A tensor for alpha holds it rounded to the output's type (bf16 holds few integers above 256, F8 nothing above 448);
/// PEFT's configuration holds any; everywhere else the scale has to be 1.
pub(crate) fn written_scale(plan: &Plan, module: &PlannedModule, pair: &FactorPair) -> Result<Written> {
    let rank = pair.rank as f64;
    let wanted = pair.scale * rank;
    if plan.dialect == DialectId::Peft && plan.keep_alpha {
        return Ok(Written { alpha: wanted, correction: 1.0 });
    }
    if module.keys.alpha.is_none() {
        return Ok(Written { alpha: rank, correction: pair.scale });
    }
    match f64::from(stored(plan.dtype, wanted)?) {
        // Readers take an alpha of 0 for none.
        0.0 => Ok(Written { alpha: rank, correction: pair.scale }),
        alpha => Ok(Written { alpha, correction: wanted / alpha }),
    }
}

/// An alpha as a tensor of type `dtype` holds it; one that is too large for it as far as every type goes.
fn stored(dtype: Dtype, alpha: f64) -> Result<f32> {
    const LARGEST: f64 = 256.0;
    let mut rounded = [0.0];
    for alpha in [alpha, alpha.clamp(-LARGEST, LARGEST)] {
        let mut bytes = Vec::new();
        if dtype::encode(dtype, &[alpha as f32], &mut bytes)? == 0 {
            dtype::decode(dtype, &bytes, &mut rounded)?;
            return Ok(rounded[0]);
        }
    }
    Ok(0.0)
}
