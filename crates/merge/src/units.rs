//! Rank-one units of several adapters: ΔW is the sum of its units, a column of up times a row of down each.
//!
//! Unit j of τᵢ = wᵢ·ΔWᵢ is the vector \[√|sᵢwᵢ|·a; √|sᵢwᵢ|·b], the sign of sᵢwᵢ on a. Units that carry nothing are left
//! out.

use crate::method::{ModuleInputs, Picture};
use rankweave_compute::kmeans::Clusters;
use rankweave_compute::{FactorPair, Grams};

/// A rank-one unit of the stack.
pub(crate) struct Unit {
    /// Which pair it is of, which slot of it, and where that is in the Gram matrices.
    pub pair: usize,
    pub slot: usize,
    pub index: usize,
    /// √|s·w|, and the sign of s·w.
    pub fold: f64,
    pub sign: f64,
    /// ‖x‖².
    pub square: f64,
}

/// The units that carry something, largest first, so that the adapters' order does not matter.
pub(crate) fn units(pairs: &[FactorPair], weights: &[f64], grams: &Grams) -> Vec<Unit> {
    let mut units = Vec::new();
    for (i, (pair, weight)) in pairs.iter().zip(weights).enumerate() {
        let factor = pair.scale * weight;
        for slot in 0..pair.rank {
            let index = grams.offsets[i] + slot;
            let (up, down) = (grams.up_norms[index], grams.down_norms[index]);
            if factor != 0.0 && up > 0.0 && down > 0.0 {
                let square = factor.abs() * (up + down);
                units.push(Unit { pair: i, slot, index, fold: factor.abs().sqrt(), sign: factor.signum(), square });
            }
        }
    }
    units.sort_by(|x, y| y.square.total_cmp(&x.square));
    units
}

/// One unit per group: the mean of its members' factors, as large as they are where `reweighting` is on.
pub(crate) fn means(
    pairs: &[FactorPair],
    units: &[Unit],
    clusters: &Clusters,
    pull: &[f64],
    reweighting: bool,
) -> FactorPair {
    let (out, columns, count) = (pairs[0].out, pairs[0].columns, clusters.count);
    let (mut up, mut down) = (vec![0.0f64; out * count], vec![0.0f64; count * columns]);
    let (mut mass, mut members) = (vec![0.0f64; count], vec![0.0f64; count]);
    clusters.of.iter().zip(pull).for_each(|(c, pull)| mass[*c] += pull);
    for ((unit, &c), pull) in units.iter().zip(&clusters.of).zip(pull) {
        let pair = &pairs[unit.pair];
        let by = pull * unit.fold / mass[c];
        let mut largest = 0.0f64;
        for row in 0..out {
            let b = f64::from(pair.up[row * pair.rank + unit.slot]);
            up[row * count + c] += by * b;
            largest = largest.max(b.abs());
        }
        let row = &pair.down[unit.slot * columns..(unit.slot + 1) * columns];
        for (sum, a) in down[c * columns..(c + 1) * columns].iter_mut().zip(row) {
            *sum += unit.sign * by * f64::from(*a);
            largest = largest.max(f64::from(a.abs()));
        }
        members[c] += by * largest;
    }
    let mut growth = vec![1.0; count];
    for c in (0..count).filter(|_| reweighting) {
        let column = (0..out).map(|row| up[row * count + c]);
        let largest =
            column.chain(down[c * columns..(c + 1) * columns].iter().copied()).fold(0.0, |m: f64, x| m.max(x.abs()));
        growth[c] = members[c] / largest.max(1e-8 * members[c]);
    }
    let up = up.iter().enumerate().map(|(at, x)| (x * growth[at % count]) as f32).collect();
    let down = down.iter().enumerate().map(|(at, x)| (x * growth[at / columns]) as f32).collect();
    FactorPair { out, columns, rank: count, up, down, scale: 1.0 }
}

/// The units in the plane, in the order of the stack.
pub(crate) fn picture(module: &ModuleInputs, units: &[Unit], clusters: &Clusters, [x, y]: [Vec<f64>; 2]) -> Picture {
    let mut stack: Vec<usize> = (0..units.len()).collect();
    stack.sort_by_key(|i| units[*i].index);
    Picture {
        x: stack.iter().map(|i| x[*i] as f32).collect(),
        y: stack.iter().map(|i| y[*i] as f32).collect(),
        cluster: stack.iter().map(|i| clusters.of[*i]).collect(),
        source: stack.iter().map(|i| module.present[units[*i].pair]).collect(),
    }
}
