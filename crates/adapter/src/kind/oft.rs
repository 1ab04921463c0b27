//! OFT: a rotation R of the outputs, W' = R·W, or of the inputs, W' = W·R. R is made of blocks along its diagonal, each the
//! Cayley transform of a skew matrix Q.
//!
//! | tensor | shape | Q | what turns |
//! |---|---|---|---|
//! | `oft_blocks` (kohya, LyCORIS) | `[count, b, b]` | X − Xᵀ, its norm at most alpha·out | outputs; then times `rescale` |
//! | `oft_R.weight` (PEFT) | `[count, b(b−1)/2]` | the upper triangle; count 1: the same for all | inputs (and kernel) |
//!
//! The other size is the base model's. Blocks of four dimensions are BOFT's, whose readers disagree about them.

use super::{Entry, KindId, Measured, Parts};
use crate::error::{Error, Kind, Result};
use crate::module::ModuleShape;
use crate::part::Part::{OftBlocks, OftInputs, OftRescale};

pub(super) const ENTRY: Entry = Entry {
    id: KindId::Oft,
    title: "OFT",
    marks: &[OftBlocks, OftInputs],
    others: &[OftRescale],
    measure,
    base: Some(fits),
};

fn measure(parts: &Parts) -> Result<Measured> {
    let wrong = |part, expected: &str| Err(parts.misfit(part, "The blocks of a rotation have a wrong shape", expected));
    if parts.find(OftBlocks).is_none() {
        let &[count, triangle] = &*parts.matrix(OftInputs)? else { return wrong(OftInputs, "[count, b·(b − 1)/2]") };
        let Some(block) = block(triangle) else { return wrong(OftInputs, "[count, b·(b − 1)/2]") };
        let inp = if count == 1 { 0 } else { count.saturating_mul(block) };
        return Ok(Measured::new(ModuleShape { out: 0, inp, kernel: Vec::new() }, 0, 0));
    }
    match *parts.matrix(OftBlocks)? {
        [count, b, again] if b == again => {
            let out = count.saturating_mul(b);
            if parts.find(OftRescale).is_some_and(|info| info.elements() != out as u64) {
                return wrong(OftRescale, "as many numbers in rescale as rows in the blocks");
            }
            Ok(Measured::new(ModuleShape { out, inp: 0, kernel: Vec::new() }, 0, 0))
        }
        [_, _, b, again] if b == again => {
            let error = Error::new(Kind::Unsupported, "This is a BOFT adapter, which Rankweave does not read");
            let hint = "Merge it into the base with its own trainer, and extract a LoRA from the difference.";
            Err(error.key(parts.name(OftBlocks)).hint(hint))
        }
        _ => wrong(OftBlocks, "[count, b, b]"),
    }
}

/// b of b(b − 1)/2.
fn block(triangle: usize) -> Option<usize> {
    let b = triangle.checked_mul(2)?.isqrt() + 1;
    (b.checked_mul(b - 1)? / 2 == triangle && triangle > 0).then_some(b)
}

fn fits(parts: &Parts, weight: &ModuleShape) -> bool {
    match parts.matrix(OftBlocks).as_deref() {
        Ok(&[count, b, _]) => count.checked_mul(b) == Some(weight.out),
        _ => match parts.matrix(OftInputs).as_deref() {
            Ok(&[1, triangle]) => block(triangle).is_some_and(|b| weight.columns().is_multiple_of(b)),
            Ok(&[count, triangle]) => block(triangle).and_then(|b| b.checked_mul(count)) == Some(weight.columns()),
            _ => false,
        },
    }
}
