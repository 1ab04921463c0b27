//! A vector: a column, times one.

use super::{factors, lacking};
use rankweave_adapter::{Module, Result, Stored};
use rankweave_compute::FactorPair;

pub(super) fn pair(module: &Module, mut stored: Stored) -> Result<FactorPair> {
    let (_, vector) = stored.parts.pop().ok_or_else(|| lacking(module))?;
    Ok(factors(module, stored.scale, vector.values, vec![1.0]))
}
