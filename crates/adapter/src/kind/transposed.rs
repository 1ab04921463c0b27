//! LoRA as MLX stores it: `lora_b` `[r, out]` and `lora_a` `[in, r]`, so that ΔW = s·lora_bᵀ·lora_aᵀ.

use super::{Entry, KindId, Measured, Parts};
use crate::error::Result;
use crate::module::ModuleShape;
use crate::part::Part::{TransposedDown as Down, TransposedUp as Up};

pub(super) const ENTRY: Entry =
    Entry { id: KindId::Transposed, title: "LoRA, transposed", marks: &[Up, Down], others: &[], measure, base: None };

fn measure(parts: &Parts) -> Result<Measured> {
    match (&*parts.matrix(Up)?, &*parts.matrix(Down)?) {
        (&[rank, out], &[inp, down_rank]) if rank == down_rank => {
            Ok(Measured::new(ModuleShape { out, inp, kernel: Vec::new() }, rank, rank))
        }
        _ => {
            Err(parts.misfit(Up, "The two factors of a pair do not fit together", "lora_a [in, r] and lora_b [r, out]"))
        }
    }
}
