//! DoRA: W' = m·(W + ΔW₀)/‖W + ΔW₀‖, where ΔW₀, the direction, is a change of another kind, and the norms are those of
//! the rows or of the input channels.
//!
//! | magnitudes | one per |
//! |---|---|
//! | `dora_scale` `[out, 1, …]` | output |
//! | `dora_scale` `[1, in, 1, …]` | input |
//! | `lora_magnitude_vector` `[out]`, of convolutions `[1, out, 1, 1]` | output |
//!
//! LyCORIS has it with every product, PEFT with pairs alone. What is left without the magnitudes is the direction.

use super::{Entry, KindId, Measured, Parts};
use crate::error::Result;
use crate::module::ModuleShape;
use crate::part::Part::{
    Down, HadaT1, HadaT2, HadaW1A, HadaW1B, HadaW2A, HadaW2B, LokrT2, LokrW1, LokrW1A, LokrW1B, LokrW2, LokrW2A,
    LokrW2B, Magnitude, MagnitudeVector, Mid, Up,
};

pub(super) const ENTRY: Entry = Entry {
    id: KindId::Dora,
    title: "DoRA",
    marks: &[Magnitude, MagnitudeVector],
    others: &[
        Up, Down, Mid, HadaW1A, HadaW1B, HadaW2A, HadaW2B, HadaT1, HadaT2, LokrW1, LokrW1A, LokrW1B, LokrW2, LokrW2A,
        LokrW2B, LokrT2,
    ],
    measure,
    base: Some(fits),
};

fn measure(parts: &Parts) -> Result<Measured> {
    let list: Vec<_> = parts.list.iter().filter(|(part, _)| !ENTRY.marks.contains(part)).copied().collect();
    if list.is_empty() {
        return Err(parts.missing(Up));
    }
    let (kind, inner) = super::measure(&Parts { list: &list, ..*parts })?;
    if !lengths(parts, &inner.shape) {
        let expected = "one per output, or one per input";
        return Err(parts.misfit(Magnitude, "The magnitudes do not fit their module", expected));
    }
    let rank = inner.shape.out.min(inner.shape.columns());
    Ok(Measured { rank, direction: Some((kind, inner.rank)), ..inner })
}

/// Is there one magnitude per output or input? Where a file stores a convolution flat, its inputs are not known yet.
fn lengths(parts: &Parts, shape: &ModuleShape) -> bool {
    let Some(info) = parts.find(Magnitude).or_else(|| parts.find(MagnitudeVector)) else { return false };
    let flat = shape.kernel.is_empty() && info.shape.len() > 2;
    let count = info.elements();
    parts.tensor(if parts.find(Magnitude).is_some() { Magnitude } else { MagnitudeVector }).is_ok()
        && (count == shape.out as u64
            || count == shape.inp as u64
            || flat && (shape.inp as u64).is_multiple_of(count.max(1)))
}

fn fits(parts: &Parts, weight: &ModuleShape) -> bool {
    let list: Vec<_> = parts.list.iter().filter(|(part, _)| !ENTRY.marks.contains(part)).copied().collect();
    let inner = super::measure(&Parts { list: &list, ..*parts });
    inner.is_ok_and(|(_, inner)| (inner.shape.out, inner.shape.columns()) == (weight.out, weight.columns()))
        && lengths(parts, weight)
}
