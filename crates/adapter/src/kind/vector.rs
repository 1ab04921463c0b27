//! A difference of a vector: of a bias (`diff_b`, `b_norm`), of a norm's weight (`w_norm`, `diff` of one dimension), or
//! the bias of an up factor (`lora_B.bias`), which takes its pair's scale.
//!
//! It is a module of its own, out×1, called by the path of what it changes: `X.bias`, `X.weight`.

use super::{Entry, KindId, Measured, Parts};
use crate::error::Result;
use crate::module::ModuleShape;
use crate::part::Part::{DiffBias, DiffVector, NormBias, NormWeight, UpBias};

pub(super) const ENTRY: Entry = Entry {
    id: KindId::Vector,
    title: "vector",
    marks: &[DiffBias, DiffVector, NormWeight, NormBias, UpBias],
    others: &[],
    measure,
    base: None,
};

fn measure(parts: &Parts) -> Result<Measured> {
    let part = parts.list[0].0;
    match *parts.tensor(part)? {
        [out] => Ok(Measured::new(ModuleShape { out, inp: 1, kernel: Vec::new() }, 1, 0)),
        _ => Err(parts.misfit(part, "A bias or a norm has the wrong number of dimensions", "one dimension")),
    }
}
