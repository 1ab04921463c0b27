//! One delta has many factor pairs: (up·G, G⁻¹·down) for any G. Methods that look at factors can ask for the balanced
//! one, which depends on the delta alone: up = U·√Σ, down = √Σ·Vᵀ of its thin SVD, strongest direction first, each with
//! the sign that makes the largest entry of its column of up positive. Equal singular values leave a rotation among
//! their directions open. (METHODS §1.4.)

use crate::method::{ModuleInputs, failed};
use rankweave_adapter::Result;
use rankweave_compute::{FactorPair, Mat, NULL, linalg};

/// wᵢ·ΔWᵢ of every pair in the balanced form, of its true rank, scale 1. Costs the core and an SVD per pair.
///
/// # Errors
/// `Malformed` where a decomposition does not converge.
pub(crate) fn balanced(module: &ModuleInputs) -> Result<Vec<FactorPair>> {
    let core = module.core()?;
    let pair = |(delta, pair): (Mat<f64>, &FactorPair)| {
        let FactorPair { out, columns, .. } = *pair;
        if delta.nrows().min(delta.ncols()) == 0 {
            return Ok(FactorPair::zero(out, columns, 0));
        }
        let svd = linalg::svd(delta.as_ref()).map_err(failed)?;
        let rank = linalg::rank(&svd.sigma, NULL);
        let half = |x: &Mat<f64>| Mat::from_fn(x.nrows(), rank, |i, l| x[(i, l)] * svd.sigma[l].sqrt());
        let mut up = core.lift_up(half(&svd.u).as_ref());
        let mut down = core.lift_down(half(&svd.v).as_ref());
        for slot in 0..rank {
            let column = (0..out).map(|row| up[row * rank + slot]);
            if column.fold(0.0, |far: f32, x| if x.abs() > far.abs() { x } else { far }) < 0.0 {
                (0..out).for_each(|row| up[row * rank + slot] *= -1.0);
                down[slot * columns..(slot + 1) * columns].iter_mut().for_each(|x| *x *= -1.0);
            }
        }
        Ok(FactorPair { out, columns, rank, up, down, scale: 1.0 })
    };
    module.deltas()?.into_iter().zip(module.pairs).map(pair).collect()
}
