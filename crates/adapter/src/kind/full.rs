//! A whole difference, `diff` `[out, in, kernel…]`: ΔW as it is, whatever alpha says.

use super::{Entry, KindId, Measured, Parts};
use crate::error::Result;
use crate::module::ModuleShape;
use crate::part::Part::Diff;

pub(super) const ENTRY: Entry =
    Entry { id: KindId::Full, title: "whole difference", marks: &[Diff], others: &[], measure, base: None };

fn measure(parts: &Parts) -> Result<Measured> {
    let sizes = parts.matrix(Diff)?;
    let shape = ModuleShape { out: sizes[0], inp: sizes[1], kernel: sizes[2..].to_vec() };
    let rank = shape.out.min(shape.columns());
    Ok(Measured::new(shape, rank, 0))
}
