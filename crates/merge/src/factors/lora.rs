//! LoRA and LoCon: the pair as it is stored. A convolution's down factor `[r, in, kernel…]` is r×(in·kernel) already; in
//! Tucker form it is the contraction of middle and down factor.

use super::half::{contracted, f64s};
use super::{factors, need, rounded};
use rankweave_adapter::{Module, Part, Result, Stored};
use rankweave_compute::FactorPair;

pub(super) fn pair(module: &Module, mut stored: Stored) -> Result<FactorPair> {
    let up = need(module, &mut stored, Part::Up)?.values;
    let down = need(module, &mut stored, Part::Down)?;
    let down = match stored.take(Part::Mid) {
        Some(mid) => rounded(&contracted(&mid, &f64s(&down), module.dim, module.shape.inp)),
        None => down.values,
    };
    Ok(factors(module, stored.scale, up, down))
}
