//! IA³: ΔW = diag(l − 1)·W, or W·diag(l − 1) where the factors are the inputs'.

use super::{Given, dense, lacking, need};
use rankweave_adapter::{Module, Part, Result, Stored};
use rankweave_compute::FactorPair;

pub(super) fn pair_of(module: &Module, mut stored: Stored, given: Given) -> Result<FactorPair> {
    let mut weight = given.weight(module)?;
    let factors = need(module, &mut stored, Part::Ia3)?;
    let (out, columns) = (module.shape.out, module.shape.columns());
    let per_output = match *factors.shape {
        [n, 1] => n == out,
        // Of a convolution, which is for the inputs where their number says so.
        [1, n, 1, ..] => n == out && n != module.shape.inp,
        _ => false,
    };
    let by = |w: &mut f32, l: f32| *w = (f64::from(*w) * (f64::from(l) - 1.0)) as f32;
    if per_output {
        let rows = weight.chunks_exact_mut(columns).zip(&factors.values);
        rows.for_each(|(row, l)| row.iter_mut().for_each(|w| by(w, *l)));
    } else if factors.values.len() == module.shape.inp {
        let size = columns / module.shape.inp;
        for row in weight.chunks_exact_mut(columns) {
            let channels = row.chunks_exact_mut(size).zip(&factors.values);
            channels.for_each(|(channel, l)| channel.iter_mut().for_each(|w| by(w, *l)));
        }
    } else {
        return Err(lacking(module));
    }
    Ok(dense(module, 1.0, weight))
}
