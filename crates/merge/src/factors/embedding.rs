//! A LoRA of an embedding: (B·A)ᵀ = Aᵀ·Bᵀ.

use super::{factors, need, transposed};
use rankweave_adapter::{Module, Part, Result, Stored};
use rankweave_compute::FactorPair;

pub(super) fn pair(module: &Module, mut stored: Stored) -> Result<FactorPair> {
    let up = need(module, &mut stored, Part::EmbeddingUp)?.values;
    let down = need(module, &mut stored, Part::EmbeddingDown)?.values;
    Ok(factors(module, stored.scale, transposed(&down, module.shape.out), transposed(&up, module.rank)))
}
