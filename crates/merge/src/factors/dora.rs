//! DoRA: ΔW = m·V/‖V‖ − W with V = W + ΔW₀, where ΔW₀ is the module without its magnitudes. The norms are of V's rows, or of
//! its input channels (all outputs and kernel positions of one). ΔW has full rank.
//!
//! | | norm | magnitudes |
//! |---|---|---|
//! | PEFT | ‖V‖ | one per output |
//! | LyCORIS, OneTrainer | ‖V‖ + ε, ε = 2⁻²³ | per output `[out, 1, …]`, else per input `[1, in, …]` |
//!
//! A weight w of the adapter multiplies ΔW: W + w·(W' − W), as LyCORIS and ComfyUI have it. ComfyUI takes ‖W‖ for ‖V‖ where
//! magnitudes are per output, which is not what was trained.
//!
//! V is made row by row in f64 and W's memory becomes ΔW's; for input channels V is made twice.

use super::{Given, dense, lacking, pair};
use rankweave_adapter::{Module, Part, Result, Stored, Tensor};
use rankweave_compute::FactorPair;

pub(super) fn pair_of(module: &Module, mut stored: Stored, given: Given) -> Result<FactorPair> {
    let mut weight = given.weight(module)?;
    let (magnitudes, per_output, epsilon) = match stored.take(Part::Magnitude) {
        Some(m) => {
            let per_output = m.shape.first() == Some(&module.shape.out);
            (m, per_output, f64::from(f32::EPSILON))
        }
        None => {
            let m = stored.take(Part::MagnitudeVector).ok_or_else(|| lacking(module))?;
            (m.clone(), of_outputs(&m, module), 0.0)
        }
    };
    let inner = module.without_magnitudes().ok_or_else(|| lacking(module))?;
    // The pair's rows are in the file's order, as the weight's are.
    let direction = pair(&Module { swapped: false, ..inner }, stored, Given::default())?;
    let columns = module.shape.columns();
    let size = columns / module.shape.inp;
    let wanted = if per_output { module.shape.out } else { module.shape.inp };
    if magnitudes.values.len() != wanted || direction.columns != columns || weight.len() != module.shape.out * columns {
        return Err(lacking(module));
    }
    let mut row = vec![0.0; columns];
    // A direction without length stays where it is.
    let factor = |m: f32, norm: f64| if norm > 0.0 { f64::from(m) / norm } else { 1.0 };
    let finish = |w: &mut f32, v: f64, factor: f64| *w = (v * factor - f64::from(*w)) as f32;
    if per_output {
        for ((i, weight), m) in weight.chunks_exact_mut(columns).enumerate().zip(&magnitudes.values) {
            changed(&direction, i, weight, &mut row);
            let by = factor(*m, row.iter().map(|v| v * v).sum::<f64>().sqrt() + epsilon);
            weight.iter_mut().zip(&row).for_each(|(w, v)| finish(w, *v, by));
        }
    } else {
        let mut squares = vec![0.0; module.shape.inp];
        for (i, weight) in weight.chunks_exact(columns).enumerate() {
            changed(&direction, i, weight, &mut row);
            let channels = squares.iter_mut().zip(row.chunks_exact(size));
            channels.for_each(|(sum, channel)| *sum += channel.iter().map(|v| v * v).sum::<f64>());
        }
        let by: Vec<f64> =
            squares.iter().zip(&magnitudes.values).map(|(sum, m)| factor(*m, sum.sqrt() + epsilon)).collect();
        for (i, weight) in weight.chunks_exact_mut(columns).enumerate() {
            changed(&direction, i, weight, &mut row);
            for ((weight, row), by) in weight.chunks_exact_mut(size).zip(row.chunks_exact(size)).zip(&by) {
                weight.iter_mut().zip(row).for_each(|(w, v)| finish(w, *v, *by));
            }
        }
    }
    Ok(dense(module, 1.0, weight))
}

/// PEFT's magnitudes are the outputs'. Files of LyCORIS that went through diffusers have its shapes under PEFT's name.
fn of_outputs(magnitudes: &Tensor, module: &Module) -> bool {
    match *magnitudes.shape {
        [1, n] => n != module.shape.inp,
        [1, n, ..] => n == module.shape.out,
        _ => true,
    }
}

/// Row `i` of W + s·B·A.
fn changed(pair: &FactorPair, i: usize, weight: &[f32], row: &mut [f64]) {
    row.iter_mut().zip(weight).for_each(|(v, w)| *v = f64::from(*w));
    let up = &pair.up[i * pair.rank..(i + 1) * pair.rank];
    for (b, down) in up.iter().zip(pair.down.chunks_exact(pair.columns)).filter(|(b, _)| **b != 0.0) {
        let b = f64::from(*b) * pair.scale;
        row.iter_mut().zip(down).for_each(|(v, a)| *v += b * f64::from(*a));
    }
}
