//! LoKr: a Kronecker product of two products is the product of their Kronecker products, (A·B)⊗(C·D) = (A⊗C)·(B⊗D).
//!
//! A whole factor stands as itself times an identity, so nothing is rounded beyond one product. A kernel belongs to the
//! second factor's columns, where it lies already.

use super::{Half, factors, need};
use rankweave_adapter::{Module, Part, Result, Stored};
use rankweave_compute::FactorPair;

pub(super) fn pair(module: &Module, mut stored: Stored) -> Result<FactorPair> {
    let mut factor = |whole: Part, a: Part, b: Part, t: Part| {
        if let Some(w) = stored.take(whole) {
            return Half::whole(module, &w);
        }
        let (a, b) = (need(module, &mut stored, a)?, need(module, &mut stored, b)?);
        Ok(Half::of(module, &a, stored.take(t).as_ref(), &b)?.thin())
    };
    let one = factor(Part::LokrW1, Part::LokrW1A, Part::LokrW1B, Part::Mid)?;
    let two = factor(Part::LokrW2, Part::LokrW2A, Part::LokrW2B, Part::LokrT2)?;
    let up = kronecker(&one.up, one.rank, &two.up, two.rank);
    let down = kronecker(&one.down, one.columns, &two.down, two.columns);
    Ok(factors(module, stored.scale, up, down))
}

/// a⊗b of matrices with rows of `m` and `n` numbers.
fn kronecker(a: &[f64], m: usize, b: &[f64], n: usize) -> Vec<f32> {
    let mut product = Vec::with_capacity(a.len() * b.len());
    for a in a.chunks_exact(m) {
        for b in b.chunks_exact(n) {
            for a in a {
                product.extend(b.iter().map(|b| (a * b) as f32));
            }
        }
    }
    product
}
