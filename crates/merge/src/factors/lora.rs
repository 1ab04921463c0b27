//! LoRA and LoCon: the pair as it is stored. A convolution's down factor `[r, in, kernel…]` is r×(in·kernel) already.

use super::need;
use rankweave_adapter::{Module, Part, Result, Stored};
use rankweave_compute::FactorPair;

pub(super) fn pair(module: &Module, mut stored: Stored) -> Result<FactorPair> {
    Ok(FactorPair {
        out: module.shape.out,
        columns: module.shape.columns(),
        rank: module.rank,
        up: need(module, &mut stored, Part::Up)?.values,
        down: need(module, &mut stored, Part::Down)?.values,
        scale: stored.scale,
    })
}
