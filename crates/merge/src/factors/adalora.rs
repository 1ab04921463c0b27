//! AdaLoRA: E folded into A, and alpha over the ranks in use.

use super::{factors, lacking, need};
use rankweave_adapter::{Alpha, Module, Part, Result, Stored};
use rankweave_compute::FactorPair;

/// What the trainer adds to the ranks, so that it never divides by zero.
const SMALL: f64 = 1e-5;

pub(super) fn pair(module: &Module, mut stored: Stored) -> Result<FactorPair> {
    let up = need(module, &mut stored, Part::Up)?.values;
    let mut down = need(module, &mut stored, Part::Down)?.values;
    let diagonal = need(module, &mut stored, Part::Diagonal)?.values;
    for (row, e) in down.chunks_exact_mut(module.shape.inp).zip(diagonal) {
        row.iter_mut().for_each(|x| *x *= e);
    }
    let ranks = match stored.take(Part::Ranks) {
        Some(ranks) => {
            let whole = ranks.indices.first().map(|n| *n as f64);
            whole.or(ranks.values.first().map(|x| f64::from(*x))).ok_or_else(|| lacking(module))?
        }
        None => module.rank as f64,
    };
    let scale = match module.alpha {
        Alpha::None => 1.0,
        _ if ranks >= 0.0 => stored.alpha / (ranks + SMALL),
        _ => return Err(lacking(module)),
    };
    Ok(factors(module, scale, up, down))
}
