//! Factors: how a module of each kind becomes a factor pair with ΔW = scale·up·down, exactly.
//!
//! One file per kind, of the same name as in the adapter crate, which has measured the shapes already. A kind whose ΔW
//! has no low rank gives a pair as well, with the identity as one factor.

mod fuse;
mod lora;
mod transposed;

pub(crate) use fuse::{cut, stack};

use rankweave_adapter::{Error, Kind, KindId, Module, Part, Result, Stored, Tensor};
use rankweave_compute::FactorPair;

/// The factor pair of `module`, from its tensors.
///
/// # Errors
/// `Malformed` where a tensor is missing or of another shape than was measured.
pub(crate) fn pair(module: &Module, stored: Stored) -> Result<FactorPair> {
    let mut pair = match module.kind {
        KindId::Lora => lora::pair(module, stored),
        KindId::Transposed => transposed::pair(module, stored),
    }?;
    let fits = pair.up.len() == pair.out * pair.rank && pair.down.len() == pair.rank * pair.columns;
    let measured = (module.shape.out, module.shape.columns(), module.rank);
    if !fits || (pair.out, pair.columns, pair.rank) != measured {
        return Err(lacking(module));
    }
    if module.swapped {
        swap_halves(&mut pair.up, pair.rank);
    }
    Ok(pair)
}

/// Swaps the upper and the lower half of the rows of B (out×r, out even), and so those of ΔW.
pub(crate) fn swap_halves(up: &mut [f32], rank: usize) {
    let half = up.len() / rank.max(1) / 2 * rank;
    up.rotate_left(half);
}

/// A part that the kind cannot be without.
fn need(module: &Module, stored: &mut Stored, part: Part) -> Result<Tensor> {
    stored.take(part).ok_or_else(|| lacking(module))
}

fn lacking(module: &Module) -> Error {
    Error::new(Kind::Malformed, "A module's tensors do not fit together").module(module.key.id()).expected(format!(
        "the parts of a {} adapter of {}",
        module.kind.title(),
        module.shape
    ))
}
