//! PEFT's LoRA of an embedding: ΔW = s·(B·A)ᵀ, tokens×dim, with A `[r, tokens]` and B `[dim, r]`.

use super::{Entry, KindId, Measured, Parts};
use crate::error::Result;
use crate::module::ModuleShape;
use crate::part::Part::{EmbeddingDown, EmbeddingUp};

pub(super) const ENTRY: Entry = Entry {
    id: KindId::Embedding,
    title: "LoRA of an embedding",
    marks: &[EmbeddingUp, EmbeddingDown],
    others: &[],
    measure,
    base: None,
};

fn measure(parts: &Parts) -> Result<Measured> {
    match (&*parts.matrix(EmbeddingUp)?, &*parts.matrix(EmbeddingDown)?) {
        (&[inp, rank], &[down_rank, out]) if rank == down_rank => {
            Ok(Measured::new(ModuleShape { out, inp, kernel: Vec::new() }, rank, rank))
        }
        _ => Err(parts.misfit(
            EmbeddingUp,
            "The two factors of an embedding's pair do not fit together",
            "lora_embedding_B [dim, r] and lora_embedding_A [r, tokens]",
        )),
    }
}
