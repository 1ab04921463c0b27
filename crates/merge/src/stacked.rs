//! Factor pairs made of some of the adapters' rank-one units.

use crate::method::ModuleInputs;
use rankweave_compute::FactorPair;

/// A unit of the stack: its pair, its slot there, and what multiplies it (the pair's scale is not in it).
#[derive(Clone, Copy)]
pub(crate) struct Pick {
    pub pair: usize,
    pub slot: usize,
    pub factor: f64,
}

/// All units, at their adapters' weights.
pub(crate) fn all(module: &ModuleInputs) -> Vec<Pick> {
    let of = |(pair, weight): (usize, &f64)| {
        let factor = *weight;
        (0..module.pairs[pair].rank).map(move |slot| Pick { pair, slot, factor })
    };
    module.weights.iter().enumerate().flat_map(of).collect()
}

/// Σ factor·scale·b·a of `picks`: out×|picks| and |picks|×columns, the factors in up.
pub(crate) fn pair(pairs: &[FactorPair], picks: &[Pick]) -> FactorPair {
    let (out, columns) = pairs.first().map_or((0, 0), |first| (first.out, first.columns));
    let mut own = FactorPair::zero(out, columns, picks.len());
    for (at, pick) in picks.iter().enumerate() {
        let (from, factor) = (&pairs[pick.pair], pick.factor * pairs[pick.pair].scale);
        for row in 0..out {
            own.up[row * picks.len() + at] = (factor * f64::from(from.up[row * from.rank + pick.slot])) as f32;
        }
        let row = &from.down[pick.slot * columns..(pick.slot + 1) * columns];
        own.down[at * columns..(at + 1) * columns].copy_from_slice(row);
    }
    own
}
