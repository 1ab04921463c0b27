//! Parts: what a tensor is to its module, told by the end of its name.
//!
//! The endings of plain pairs differ from dialect to dialect (`dialect/names.rs`); those below do not.

use serde::{Deserialize, Serialize};

/// What a tensor is to its module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// B of a pair, out×r.
    Up,
    /// A of a pair, r×in (and the kernel).
    Down,
    /// The middle of a pair: r×r and the kernel (Tucker form).
    Mid,
    /// The scale times the rank.
    Alpha,
    /// Left factor of a Hadamard product's first half, out×r.
    HadaW1A,
    /// Right factor of its first half, r×in.
    HadaW1B,
    /// Left factor of its second half.
    HadaW2A,
    /// Right factor of its second half.
    HadaW2B,
    /// The first half's kernel, r×r×kernel.
    HadaT1,
    /// The second half's kernel.
    HadaT2,
    /// A Kronecker product's first factor, whole.
    LokrW1,
    /// Left half of the first factor.
    LokrW1A,
    /// Right half of the first factor.
    LokrW1B,
    /// The second factor, whole.
    LokrW2,
    /// Left half of the second factor.
    LokrW2A,
    /// Right half of the second factor.
    LokrW2B,
    /// Kernel of the second factor.
    LokrT2,
    /// A whole difference of a weight.
    Diff,
    /// The same of a weight that is a vector, as norms have.
    DiffVector,
    /// A whole difference of a bias.
    DiffBias,
    /// A difference of a norm's weight.
    NormWeight,
    /// A difference of a norm's bias.
    NormBias,
    /// A bias trained beside the up factor.
    UpBias,
    /// Magnitudes of a weight-decomposed change, LyCORIS's: out×1 or 1×in (and ones).
    Magnitude,
    /// Singular values between the two factors, r×1 or r.
    Diagonal,
    /// AdaLoRA's number of ranks in use.
    Ranks,
    /// VeRA's vector over the outputs.
    VeraB,
    /// VeRA's vector over the rank.
    VeraD,
    /// VeRA's shared projection to the outputs, out×r or more.
    VeraUp,
    /// VeRA's shared projection from the inputs, r×in or more.
    VeraDown,
    /// Positions of a sparse change beside a pair, dimensions×count.
    BiasIndices,
    /// Its values.
    BiasValues,
    /// Its shape.
    BiasSize,
    /// B of an embedding's pair, dim×r.
    EmbeddingUp,
    /// A of an embedding's pair, r×tokens.
    EmbeddingDown,
    /// B of a pair, transposed: r×out.
    TransposedUp,
    /// A of a pair, transposed: in×r.
    TransposedDown,
    /// Magnitudes of a weight-decomposed pair, PEFT's: one per output.
    MagnitudeVector,
    /// IA³'s factors, out×1 or 1×in.
    Ia3,
    /// OFT's blocks before they are made skew, count×b×b, which turn the outputs.
    OftBlocks,
    /// OFT's factors of the turned outputs, out×1 (and ones).
    OftRescale,
    /// OFT's upper triangles, count×b(b−1)/2, which turn the inputs.
    OftInputs,
}

use Part::{
    BiasIndices, BiasSize, BiasValues, Diagonal, Diff, DiffBias, DiffVector, EmbeddingDown, EmbeddingUp, HadaT1,
    HadaT2, HadaW1A, HadaW1B, HadaW2A, HadaW2B, Ia3, LokrT2, LokrW1, LokrW1A, LokrW1B, LokrW2, LokrW2A, LokrW2B,
    Magnitude, MagnitudeVector, Mid, NormBias, NormWeight, OftBlocks, OftInputs, OftRescale, Ranks, TransposedDown,
    TransposedUp, UpBias, VeraB, VeraD, VeraDown, VeraUp,
};

/// Endings that are the same in every dialect. The first of a part is the one that is written.
const ENDINGS: [(&str, Part); 41] = [
    (".lora_mid.weight", Mid),
    (".hada_w1_a", HadaW1A),
    (".hada_w1_b", HadaW1B),
    (".hada_w2_a", HadaW2A),
    (".hada_w2_b", HadaW2B),
    (".hada_t1", HadaT1),
    (".hada_t2", HadaT2),
    (".lokr_w1", LokrW1),
    (".lokr_w1_a", LokrW1A),
    (".lokr_w1_b", LokrW1B),
    (".lokr_w2", LokrW2),
    (".lokr_w2_a", LokrW2A),
    (".lokr_w2_b", LokrW2B),
    (".lokr_t2", LokrT2),
    (".diff", Diff),
    (".diff", DiffVector),
    (".diff_b", DiffBias),
    (".w_norm", NormWeight),
    (".b_norm", NormBias),
    (".lora_B.bias", UpBias),
    (".lora_up.bias", UpBias),
    (".dora_scale", Magnitude),
    (".lora_magnitude_vector", MagnitudeVector),
    (".lora_magnitude_vector.weight", MagnitudeVector),
    (".lora_E", Diagonal),
    (".lora_E.weight", Diagonal),
    (".ranknum", Ranks),
    (".vera_lambda_b", VeraB),
    (".vera_lambda_d", VeraD),
    (".bias_indices", BiasIndices),
    (".bias_values", BiasValues),
    (".bias_size", BiasSize),
    (".lora_embedding_B", EmbeddingUp),
    (".lora_embedding_A", EmbeddingDown),
    (".lora_b", TransposedUp),
    (".lora_a", TransposedDown),
    (".ia3_l", Ia3),
    (".oft_blocks", OftBlocks),
    (".rescale", OftRescale),
    (".oft_R.weight", OftInputs),
    (".oft_R", OftInputs),
];

impl Part {
    /// Splits a name at an ending that every dialect shares.
    pub(crate) fn split(name: &str) -> Option<(&str, Part)> {
        let mut found = ENDINGS.iter().filter_map(|(ending, part)| Some((name.strip_suffix(ending)?, *part)));
        found.next().filter(|(base, _)| !base.is_empty())
    }

    /// The ending that is written, for parts that are spelled the same in every dialect.
    pub fn ending(self) -> Option<&'static str> {
        ENDINGS.iter().find(|(_, part)| *part == self).map(|(ending, _)| *ending)
    }

    /// What a part changes that makes a module of its own, a vector beside or instead of a matrix.
    pub(crate) fn vector(self) -> Option<&'static str> {
        match self {
            DiffBias | UpBias | NormBias => Some("bias"),
            NormWeight | DiffVector => Some("weight"),
            _ => None,
        }
    }

    /// The tensors that all modules of a file share.
    pub(crate) fn shared(name: &str) -> Option<Part> {
        match name.rsplit('.').next() {
            Some("vera_A") => Some(VeraDown),
            Some("vera_B") => Some(VeraUp),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_told_apart() {
        assert_eq!(Part::split("a.b.hada_w1_a"), Some(("a.b", HadaW1A)));
        assert_eq!(Part::split("a.lokr_w1"), Some(("a", LokrW1)));
        assert_eq!(Part::split("a.lokr_w1_a"), Some(("a", LokrW1A)));
        assert_eq!(Part::split("a.diff_b"), Some(("a", DiffBias)));
        assert_eq!(Part::split("a.diff"), Some(("a", Diff)));
        assert_eq!((Part::split(".diff"), DiffVector.ending()), (None, Some(".diff")));
        assert_eq!((Part::shared("base_model.vera_A"), Part::shared("a.vera_lambda_b")), (Some(VeraDown), None));
        assert_eq!(Part::split("a.weight"), None);
        assert_eq!(Magnitude.ending(), Some(".dora_scale"));
    }
}
