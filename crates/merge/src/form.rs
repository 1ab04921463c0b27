//! In which form a merged module is written.

use crate::planned::PlannedModule;
use rankweave_adapter::{Adapter, Dtype, KindId, OutTensor, OutputKeys};
use rankweave_compute::FactorPair;

/// How a module is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Up and down factor.
    Pair,
    /// The factors of an embedding, each transposed: PEFT keeps (B·A)ᵀ.
    Embedding,
    /// The whole difference, under the name that [`OutputKeys::up`] has.
    Dense,
    /// One vector, under the name that [`OutputKeys::up`] has.
    Vector,
    /// The tensors of the only source, as they are stored: [`PlannedModule::kept`].
    Kept,
}

/// What PEFT calls the factors of a matrix and of an embedding.
const EMBEDDING: [(&str, &str); 2] = [(".lora_B.weight", ".lora_embedding_B"), (".lora_A.weight", ".lora_embedding_A")];

impl Form {
    /// The form of a module with these sources, and its names, which `keys` are if it is a pair.
    pub(crate) fn of(adapters: &[Adapter], sources: &[(usize, usize)], keys: OutputKeys) -> (Form, OutputKeys) {
        let embedding = |&(a, m): &(usize, usize)| adapters[a].modules[m].kind == KindId::Embedding;
        let respelled = |key: &str, (from, to): (&str, &str)| Some(format!("{}{to}", key.strip_suffix(from)?));
        match (respelled(&keys.up, EMBEDDING[0]), respelled(&keys.down, EMBEDDING[1])) {
            (Some(up), Some(down)) if sources.iter().any(embedding) => {
                (Form::Embedding, OutputKeys { up, down, ..keys })
            }
            _ => (Form::Pair, keys),
        }
    }
}

impl PlannedModule {
    /// Names and shapes of its tensors at rank `rank`, in the order they are written.
    pub(crate) fn tensors(&self, rank: usize, dtype: Dtype) -> Vec<OutTensor> {
        let (rank, out, inp) = (rank as u64, self.shape.out as u64, self.shape.inp as u64);
        let tensor = |key: &String, shape| OutTensor { key: key.clone(), dtype, shape };
        let ones = self.shape.kernel.iter().map(|_| 1);
        let kernel = self.shape.kernel.iter().map(|k| *k as u64);
        let (up, down) = match self.form {
            Form::Kept => return self.kept.iter().map(|kept| kept.tensor.clone()).collect(),
            Form::Vector => return vec![tensor(&self.keys.up, vec![out])],
            Form::Dense => return vec![tensor(&self.keys.up, [out, inp].into_iter().chain(kernel).collect())],
            Form::Embedding => (vec![inp, rank], vec![rank, out]),
            Form::Pair => {
                ([out, rank].into_iter().chain(ones).collect(), [rank, inp].into_iter().chain(kernel).collect())
            }
        };
        let mut tensors: Vec<_> = self.keys.alpha.iter().map(|key| tensor(key, Vec::new())).collect();
        tensors.push(tensor(&self.keys.down, down));
        tensors.push(tensor(&self.keys.up, up));
        tensors.sort_by(|a, b| a.key.cmp(&b.key));
        tensors
    }

    /// The first of its tensors' names.
    pub(crate) fn first_key(&self) -> &str {
        let kept = self.kept.iter().map(|kept| &kept.tensor.key);
        let keys = self.keys.alpha.iter().chain([&self.keys.down, &self.keys.up]).chain(kept);
        keys.filter(|key| !key.is_empty()).min().map_or("", |key| key)
    }

    /// The merged pair as it is written: one whose up factor is the vector, or one with transposed factors.
    pub(crate) fn formed(&self, pair: FactorPair) -> FactorPair {
        let FactorPair { out, columns, rank, up, down, scale } = pair;
        match self.form {
            Form::Pair | Form::Kept | Form::Dense => FactorPair { out, columns, rank, up, down, scale },
            Form::Embedding => {
                let (up, down) = (transposed(&down, columns), transposed(&up, rank));
                FactorPair { out: columns, columns: out, rank, up, down, scale }
            }
            Form::Vector => {
                let entry =
                    |row: &[f32]| row.iter().zip(&down).map(|(b, a)| f64::from(*b) * f64::from(*a)).sum::<f64>();
                let vector = up.chunks_exact(rank.max(1)).map(|row| entry(row) as f32);
                FactorPair { out, columns, rank: 1, up: vector.collect(), down: vec![1.0], scale }
            }
        }
    }
}

/// Columns for rows of a matrix with rows of `columns` numbers.
pub(crate) fn transposed<T: Copy>(values: &[T], columns: usize) -> Vec<T> {
    (0..columns).flat_map(|j| values.iter().skip(j).step_by(columns).copied()).collect()
}
