//! LoHa: ΔW = s·(W1a·W1b)∘(W2a·W2b), the entrywise product of two pairs; s = alpha/r with r the rows of W1b.
//!
//! Linear and flat convolutions: Wa `[out, r]`, Wb `[r, in·kernel]`. In Tucker form Wa is `[r, out]`, Wb `[r, in]`, and
//! between them stands T `[r, r, kernel…]`. The rank is up to r², and no more than the matrix can have.

use super::{Entry, KindId, Measured, Parts};
use crate::error::Result;
use crate::module::ModuleShape;
use crate::part::Part::{HadaT1, HadaT2, HadaW1A, HadaW1B, HadaW2A, HadaW2B};

pub(super) const ENTRY: Entry = Entry {
    id: KindId::Loha,
    title: "LoHa",
    marks: &[HadaW1A, HadaW1B, HadaW2A, HadaW2B, HadaT1, HadaT2],
    others: &[],
    measure,
    base: None,
};

fn measure(parts: &Parts) -> Result<Measured> {
    let one = parts.product(HadaW1A, HadaW1B, Some(HadaT1))?;
    let two = parts.product(HadaW2A, HadaW2B, Some(HadaT2))?;
    let shape = ModuleShape { out: one.out, inp: one.inp, kernel: one.kernel };
    if (two.out, two.inp, &two.kernel) != (shape.out, shape.inp, &shape.kernel) {
        return Err(parts.misfit(
            HadaW1A,
            "The two halves of a LoHa module do not fit together",
            "two products of the same size",
        ));
    }
    let rank = one.rank.saturating_mul(two.rank).min(shape.out).min(shape.columns());
    Ok(Measured::new(shape, rank, one.dim))
}
