//! A whole difference: itself, and the identity.

use super::{dense, need};
use rankweave_adapter::{Module, Part, Result, Stored};
use rankweave_compute::FactorPair;

pub(super) fn pair(module: &Module, mut stored: Stored) -> Result<FactorPair> {
    let delta = need(module, &mut stored, Part::Diff)?.values;
    Ok(dense(module, stored.scale, delta))
}
