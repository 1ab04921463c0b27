//! AdaLoRA: ΔW = B·diag(E)·A·alpha/(ranks + 10⁻⁵), with E `[r, 1]` between the factors of a linear pair.
//!
//! `ranks` is the tensor `ranknum`, which PEFT does not save; then it is r.

use super::{Entry, KindId, Measured, Parts};
use crate::error::Result;
use crate::module::ModuleShape;
use crate::part::Part::{Diagonal, Down, Ranks, Up};

pub(super) const ENTRY: Entry = Entry {
    id: KindId::Adalora,
    title: "AdaLoRA",
    marks: &[Diagonal, Ranks],
    others: &[Up, Down],
    measure,
    base: None,
};

fn measure(parts: &Parts) -> Result<Measured> {
    let diagonal = parts.tensor(Diagonal)?;
    let one = match parts.find(Ranks) {
        Some(_) => parts.whole(Ranks)?.iter().product::<usize>() == 1,
        None => true,
    };
    match (&*parts.matrix(Up)?, &*parts.matrix(Down)?) {
        (&[out, rank], &[down_rank, inp]) if one && [rank, diagonal.iter().product()] == [down_rank; 2] => {
            Ok(Measured::new(ModuleShape { out, inp, kernel: Vec::new() }, rank, rank))
        }
        _ => Err(parts.misfit(
            Diagonal,
            "The parts of an AdaLoRA module do not fit together",
            "lora_B [out, r], lora_E [r, 1], lora_A [r, in] and one number of ranks",
        )),
    }
}
