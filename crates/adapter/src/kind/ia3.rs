//! IA³: `ia3_l` is a factor for every output, `[out, 1]`, or, in feed-forward layers, for every input, `[1, in]`. PEFT
//! stores those of convolutions as `[1, n, 1, 1]`, whichever they are for.
//!
//! The other size is the base model's.

use super::{Entry, KindId, Measured, Parts};
use crate::error::Result;
use crate::module::ModuleShape;
use crate::part::Part::Ia3;

pub(super) const ENTRY: Entry =
    Entry { id: KindId::Ia3, title: "IA³", marks: &[Ia3], others: &[], measure, base: Some(fits) };

fn measure(parts: &Parts) -> Result<Measured> {
    let (out, inp) = match *parts.matrix(Ia3)? {
        [out, 1] => (out, 0),
        [1, inp] => (0, inp),
        [1, _, 1, ..] => (0, 0),
        _ => return Err(parts.misfit(Ia3, "The factors of an IA³ module have a wrong shape", "[out, 1] or [1, in]")),
    };
    Ok(Measured::new(ModuleShape { out, inp, kernel: Vec::new() }, 0, 0))
}

fn fits(parts: &Parts, weight: &ModuleShape) -> bool {
    match parts.matrix(Ia3).as_deref() {
        Ok(&[1, inp]) if inp == weight.inp => true,
        Ok(&[out, 1]) => out == weight.out,
        // A convolution with as many inputs as outputs does not say which of them the factors are for.
        Ok(&[1, n, 1, ..]) => (n == weight.out) != (n == weight.inp),
        _ => false,
    }
}
