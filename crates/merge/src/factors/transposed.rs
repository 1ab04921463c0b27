//! LoRA as MLX stores it: B as r×out, A as in×r. Both are transposed.

use super::{need, transposed};
use rankweave_adapter::{Module, Part, Result, Stored};
use rankweave_compute::FactorPair;

pub(super) fn pair(module: &Module, mut stored: Stored) -> Result<FactorPair> {
    let (out, columns, rank) = (module.shape.out, module.shape.columns(), module.rank);
    let up = need(module, &mut stored, Part::TransposedUp)?.values;
    let down = need(module, &mut stored, Part::TransposedDown)?.values;
    Ok(FactorPair { out, columns, rank, up: transposed(&up, out), down: transposed(&down, rank), scale: stored.scale })
}
