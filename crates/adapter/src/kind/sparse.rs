//! A pair and a sparse rest: s·(B·A + S). LyCORIS writes it when it extracts an adapter with a sparse bias; in spite of its
//! name S changes the weight.
//!
//! S has the weight's shape `bias_size` `[d]`, its values `[n]` and their positions `[d, n]`. The shape is a value, so it
//! is compared with the pair's once it is read.

use super::{Entry, KindId, Measured, Parts, lora};
use crate::error::Result;
use crate::part::Part::{BiasIndices, BiasSize, BiasValues, Down, Mid, Up};

pub(super) const ENTRY: Entry = Entry {
    id: KindId::Sparse,
    title: "LoRA with a sparse rest",
    marks: &[BiasValues, BiasIndices, BiasSize],
    others: &[Up, Down, Mid],
    measure,
    base: None,
};

fn measure(parts: &Parts) -> Result<Measured> {
    let pair = lora::measure(parts)?;
    let (values, indices, size) = (parts.tensor(BiasValues)?, parts.whole(BiasIndices)?, parts.whole(BiasSize)?);
    match (&*values, &*indices, &*size) {
        (&[n], &[d, count], &[dims]) if n == count && d == dims => {
            let rest = n.min(pair.shape.out).min(pair.shape.columns());
            let rank = (pair.rank + rest).min(pair.shape.out).min(pair.shape.columns());
            Ok(Measured { rank, ..pair })
        }
        _ => Err(parts.misfit(
            BiasValues,
            "Positions and values of a sparse change do not fit together",
            "values [n], indices [d, n] and size [d]",
        )),
    }
}
