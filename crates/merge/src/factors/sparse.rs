//! A pair and a sparse rest: a unit for each entry of the rest, or, where these are many, ΔW itself and an identity.

use super::{Half, dense, factors, lacking, lora, need, positions, rounded};
use rankweave_adapter::{Error, Kind, Module, Part, Result, Stored};
use rankweave_compute::FactorPair;

pub(super) fn pair(module: &Module, mut stored: Stored) -> Result<FactorPair> {
    let values = need(module, &mut stored, Part::BiasValues)?.values;
    let indices = positions(module, &need(module, &mut stored, Part::BiasIndices)?)?;
    let size = positions(module, &need(module, &mut stored, Part::BiasSize)?)?;
    let entries = entries(module, &values, &indices, &size)?;
    let own = Module { rank: inner_rank(module, &stored)?, ..module.clone() };
    let pair = lora::pair(&own, stored)?;
    let (columns, old, rank) = (pair.columns, pair.rank, module.rank);
    if rank == pair.out.min(columns) {
        let (up, down) = (wide(&pair.up), wide(&pair.down));
        let mut delta = Half { rows: pair.out, columns, rank: old, up, down }.product();
        entries.iter().for_each(|(i, j, x)| delta[i * columns + j] += f64::from(*x));
        return Ok(dense(module, pair.scale, rounded(&delta)));
    }
    let mut up: Vec<f32> = Vec::with_capacity(pair.out * rank);
    for row in pair.up.chunks_exact(old) {
        up.extend(row);
        up.resize(up.len() + rank - old, 0.0);
    }
    let mut down = pair.down;
    down.resize(rank * columns, 0.0);
    for (unit, (i, j, x)) in entries.iter().enumerate() {
        up[i * rank + old + unit] = *x;
        down[(old + unit) * columns + j] = 1.0;
    }
    Ok(factors(module, pair.scale, up, down))
}

/// The rank of the pair alone.
fn inner_rank(module: &Module, stored: &Stored) -> Result<usize> {
    let up = stored.part(Part::Up).and_then(|up| up.shape.get(1).copied());
    up.ok_or_else(|| lacking(module))
}

/// Row, column and value of every entry; `indices` holds the positions in each dimension, one dimension after the other.
fn entries(module: &Module, values: &[f32], indices: &[usize], size: &[usize]) -> Result<Vec<(usize, usize, f32)>> {
    let shape = &module.shape;
    let product = size.iter().try_fold(1usize, |n, s| n.checked_mul(*s));
    let wrong = || {
        Error::new(Kind::Malformed, "A sparse change does not fit its module")
            .module(module.key.id())
            .expected(format!("positions in {shape}"))
            .found(format!("a sparse tensor of {size:?}"))
    };
    if size.first() != Some(&shape.out) || product != shape.out.checked_mul(shape.columns()) {
        return Err(wrong());
    }
    let entry = |(e, value): (usize, &f32)| {
        let at = size.iter().enumerate().try_fold(0, |at, (d, size)| {
            let position = *indices.get(d * values.len() + e)?;
            (position < *size).then_some(at * size + position)
        })?;
        Some((at / shape.columns(), at % shape.columns(), *value))
    };
    values.iter().enumerate().map(entry).collect::<Option<_>>().ok_or_else(wrong)
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|x| f64::from(*x)).collect()
}
