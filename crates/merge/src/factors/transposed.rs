//! LoRA as MLX stores it: B as r×out, A as in×r. Both are turned.

use super::need;
use rankweave_adapter::{Module, Part, Result, Stored};
use rankweave_compute::FactorPair;

pub(super) fn pair(module: &Module, mut stored: Stored) -> Result<FactorPair> {
    let (out, columns, rank) = (module.shape.out, module.shape.columns(), module.rank);
    let up = need(module, &mut stored, Part::TransposedUp)?.values;
    let down = need(module, &mut stored, Part::TransposedDown)?.values;
    Ok(FactorPair { out, columns, rank, up: turned(&up, out), down: turned(&down, rank), scale: stored.scale })
}

/// The transpose of a row-major matrix with rows of `width`.
fn turned(values: &[f32], width: usize) -> Vec<f32> {
    (0..width).flat_map(|column| values.iter().skip(column).step_by(width.max(1)).copied()).collect()
}
