//! Factors: how a module of each kind becomes a factor pair with ΔW = scale·up·down, exactly.
//!
//! One file per kind, of the same name as in the adapter crate, which has measured the shapes already. A kind whose ΔW
//! has no low rank gives a pair as well, with the identity as one factor.

mod adalora;
mod dora;
mod embedding;
mod full;
mod fuse;
mod half;
mod ia3;
mod loha;
mod lokr;
mod lora;
mod oft;
mod sparse;
mod transposed;
mod vector;
mod vera;

pub(crate) use fuse::{cut, stack};

use crate::form::transposed;
use half::Half;
use rankweave_adapter::{Error, Kind, KindId, Module, Part, PeftConfig, Result, Stored, Tensor, dtype};
use rankweave_compute::FactorPair;

/// What a module's ΔW depends on beside its tensors.
#[derive(Default)]
pub(crate) struct Given<'a> {
    /// The base model's weight, out×columns, of kinds that need it.
    pub weight: Option<Vec<f32>>,
    /// The adapter's configuration.
    pub config: Option<&'a PeftConfig>,
}

impl Given<'_> {
    fn weight(self, module: &Module) -> Result<Vec<f32>> {
        let size = module.shape.out * module.shape.columns();
        self.weight.filter(|weight| weight.len() == size && size > 0).ok_or_else(|| lacking(module))
    }
}

/// The factor pair of `module`, from its tensors.
///
/// # Errors
/// `Malformed` where a tensor is missing or of another shape than was measured; `Limit` where a product of its numbers
/// is too large.
pub(crate) fn pair(module: &Module, stored: Stored, given: Given) -> Result<FactorPair> {
    let mut pair = match module.kind {
        KindId::Lora => lora::pair(module, stored),
        KindId::Transposed => transposed::pair(module, stored),
        KindId::Sparse => sparse::pair(module, stored),
        KindId::Embedding => embedding::pair(module, stored),
        KindId::Adalora => adalora::pair(module, stored),
        KindId::Loha => loha::pair(module, stored),
        KindId::Lokr => lokr::pair(module, stored),
        KindId::Vera => vera::pair(module, stored),
        KindId::Full => full::pair(module, stored),
        KindId::Vector => vector::pair(module, stored),
        KindId::Dora => dora::pair_of(module, stored, given),
        KindId::Ia3 => ia3::pair_of(module, stored, given),
        KindId::Oft => oft::pair_of(module, stored, given),
    }?;
    let fits = pair.up.len() == pair.out * pair.rank && pair.down.len() == pair.rank * pair.columns;
    let measured = (module.shape.out, module.shape.columns(), module.rank);
    if !fits || (pair.out, pair.columns, pair.rank) != measured {
        return Err(lacking(module));
    }
    // Plain pairs were checked while they were read.
    let plain = module.kind == KindId::Lora && module.part(Part::Mid).is_none();
    if !plain && (!dtype::all_finite(&pair.up) || !dtype::all_finite(&pair.down)) {
        let error = Error::new(Kind::Limit, "The product of a module's tensors is too large for f32");
        return Err(error.module(module.key.id()).hint("The training diverged; use another checkpoint."));
    }
    if module.swapped {
        swap_halves(&mut pair.up, pair.rank);
    }
    Ok(pair)
}

/// Swaps the upper and the lower half of the rows of B (out×r, out even), and so those of ΔW.
pub(crate) fn swap_halves(up: &mut [f32], rank: usize) {
    let half = up.len() / rank.max(1) / 2 * rank;
    up.rotate_left(half);
}

/// A part that the kind cannot be without.
fn need(module: &Module, stored: &mut Stored, part: Part) -> Result<Tensor> {
    stored.take(part).ok_or_else(|| lacking(module))
}

fn lacking(module: &Module) -> Error {
    Error::new(Kind::Malformed, "A module's tensors do not fit together").module(module.key.id()).expected(format!(
        "the parts of a {} adapter of {}",
        module.kind.title(),
        module.shape
    ))
}

/// The pair of these factors, of the module's size.
fn factors(module: &Module, scale: f64, up: Vec<f32>, down: Vec<f32>) -> FactorPair {
    FactorPair { out: module.shape.out, columns: module.shape.columns(), rank: module.rank, up, down, scale }
}

/// The pair of a dense ΔW (out×columns) and the identity, which stands on the smaller side.
fn dense(module: &Module, scale: f64, delta: Vec<f32>) -> FactorPair {
    let identity = identity(module.rank);
    match module.shape.out <= module.shape.columns() {
        true => factors(module, scale, identity, delta),
        false => factors(module, scale, delta, identity),
    }
}

fn identity(n: usize) -> Vec<f32> {
    let mut identity = vec![0.0; n * n];
    identity.iter_mut().step_by(n + 1).for_each(|x| *x = 1.0);
    identity
}

/// Rounds to f32, once.
fn rounded(values: &[f64]) -> Vec<f32> {
    values.iter().map(|x| *x as f32).collect()
}

/// The numbers of a tensor of whole numbers, which may be stored as real ones.
fn positions(module: &Module, tensor: &Tensor) -> Result<Vec<usize>> {
    let whole = |x: &f32| (*x >= 0.0 && x.fract() == 0.0 && *x < 16_777_216.0).then_some(*x as usize);
    let stored = tensor.indices.iter().map(|n| usize::try_from(*n).ok());
    stored.chain(tensor.values.iter().map(whole)).collect::<Option<_>>().ok_or_else(|| lacking(module))
}
