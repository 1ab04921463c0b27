//! LoHa: the entrywise product of two products, exactly.
//!
//! (Σₚ aₚ·bₚ)∘(Σ_q c_q·d_q) = Σₚ_q (aₚ∘c_q)·(bₚ∘d_q): a pair of rank r². Where that is no less than the matrix's size,
//! ΔW itself and an identity. Numbers of 16 bits are multiplied without any rounding.

use super::{Half, dense, factors, need, transposed};
use rankweave_adapter::{Module, Part, Result, Stored};
use rankweave_compute::FactorPair;

pub(super) fn pair(module: &Module, mut stored: Stored) -> Result<FactorPair> {
    let mut half = |a: Part, b: Part, t: Part| {
        let (a, b) = (need(module, &mut stored, a)?, need(module, &mut stored, b)?);
        Half::of(module, &a, stored.take(t).as_ref(), &b)
    };
    let one = half(Part::HadaW1A, Part::HadaW1B, Part::HadaT1)?;
    let two = half(Part::HadaW2A, Part::HadaW2B, Part::HadaT2)?;
    if module.rank == one.rows.min(one.columns) {
        let (mut a, mut b) = (vec![0.0; one.columns], vec![0.0; one.columns]);
        let mut delta = Vec::with_capacity(one.rows * one.columns);
        for i in 0..one.rows {
            one.row(i, &mut a);
            two.row(i, &mut b);
            delta.extend(a.iter().zip(&b).map(|(a, b)| (a * b) as f32));
        }
        return Ok(dense(module, stored.scale, delta));
    }
    // By columns of the up factors, as by rows of the down factors.
    let columns = |half: &Half| transposed(&half.up, half.rank);
    let up = row_products(&columns(&one), &columns(&two), one.rows);
    let down = row_products(&one.down, &two.down, one.columns);
    Ok(factors(module, stored.scale, transposed(&up, one.rows), down))
}

/// Every row of `a` times every row of `b`, entry by entry; rows are `n` long.
fn row_products(a: &[f64], b: &[f64], n: usize) -> Vec<f32> {
    let mut rows = Vec::with_capacity(a.len() / n * b.len());
    for a in a.chunks_exact(n) {
        for b in b.chunks_exact(n) {
            rows.extend(a.iter().zip(b).map(|(a, b)| (a * b) as f32));
        }
    }
    rows
}
