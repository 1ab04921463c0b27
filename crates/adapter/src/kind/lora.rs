//! LoRA and LoCon: s·B·A with up B `[out, r]` or `[out, r, 1, …]`, down A `[r, in]` or `[r, in, kernel…]`.
//!
//! In Tucker form a middle M `[r, q, kernel…]` stands between B `[out, r, 1, …]` and A `[q, in, 1, …]`; the scale goes by
//! q, as every reader takes it. Contracted with A it is the down factor of a plain pair of rank r.

use super::{Entry, KindId, Measured, Parts};
use crate::error::Result;
use crate::module::ModuleShape;
use crate::part::Part::{Down, Mid, Up};

pub(super) const ENTRY: Entry =
    Entry { id: KindId::Lora, title: "LoRA", marks: &[Up, Down, Mid], others: &[], measure, base: None };

pub(super) fn measure(parts: &Parts) -> Result<Measured> {
    if parts.find(Mid).is_some() {
        return tucker(parts);
    }
    let misfit = |what: &str| parts.misfit(Up, what, "up [out, r] and down [r, in, kernel…]");
    let (up, down) = (parts.matrix(Up)?, parts.matrix(Down)?);
    let (&[out, rank, ref ones @ ..], &[down_rank, inp, ref kernel @ ..]) = (&*up, &*down) else {
        return Err(misfit("A factor has too few dimensions"));
    };
    if rank != down_rank || ones.iter().any(|n| *n != 1) {
        return Err(misfit("The two factors of a pair do not fit together"));
    }
    if !kernel.is_empty() && !ones.is_empty() && kernel.len() != ones.len() {
        return Err(misfit("The two factors of a pair are of different convolutions"));
    }
    // Some files store a 1×1 convolution's down factor without its two ones.
    let kernel = if kernel.is_empty() { ones } else { kernel };
    Ok(Measured::new(ModuleShape { out, inp, kernel: kernel.to_vec() }, rank, rank))
}

fn tucker(parts: &Parts) -> Result<Measured> {
    let (up, mid, down) = (parts.matrix(Up)?, parts.matrix(Mid)?, parts.matrix(Down)?);
    match (&*up, &*mid, &*down) {
        (&[out, rank, ref ones @ ..], &[mid_rank, inner, ref kernel @ ..], &[dim, inp, ref more @ ..])
            if rank == mid_rank && inner == dim && ones.iter().chain(more).all(|n| *n == 1) =>
        {
            Ok(Measured::new(ModuleShape { out, inp, kernel: kernel.to_vec() }, rank, dim))
        }
        _ => Err(parts.misfit(
            Mid,
            "The three factors of a convolution do not fit together",
            "up [out, r], mid [r, q, kernel…] and down [q, in]",
        )),
    }
}
