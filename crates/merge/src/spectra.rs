//! Rules that look at singular values and vectors of small matrices, for methods that are such a rule and for those that
//! apply one in a space of their own.

use crate::method::failed;
use rankweave_adapter::Result;
use rankweave_compute::{Mat, NULL, linalg};

/// The leading directions of all parts, a share `keep` of each part's (one at least), made orthogonal together (TSV-M):
/// polar(\[U₁|…|U_T])·diag(σ)·polar(\[V₁|…|V_T])ᵀ. Costs T + 2 SVDs.
pub(crate) fn made_orthogonal(parts: &[Mat<f64>], keep: f64) -> Result<Mat<f64>> {
    let (mut us, mut vs, mut sigma) = (Vec::new(), Vec::new(), Vec::new());
    for part in parts {
        let svd = linalg::svd(part.as_ref()).map_err(failed)?;
        let all = linalg::rank(&svd.sigma, NULL);
        let kept = ((keep * all as f64).round() as usize).clamp(all.min(1), all);
        us.push(svd.u.subcols(0, kept).to_owned());
        vs.push(svd.v.subcols(0, kept).to_owned());
        sigma.extend_from_slice(&svd.sigma[..kept]);
    }
    let frame = |parts: &[Mat<f64>]| {
        linalg::polar(linalg::beside(&parts.iter().map(|part| part.as_ref()).collect::<Vec<_>>()).as_ref())
    };
    let (u, v) = (frame(&us).map_err(failed)?, frame(&vs).map_err(failed)?);
    Ok(linalg::assembled(u.as_ref(), &sigma, v.as_ref()))
}

/// The sum of the parts with its spectrum blended with its mean over the directions that are there (Iso-C):
/// σ → (1 − `beta`)·σ + `beta`·mean. Costs one SVD.
pub(crate) fn flattened(parts: &[Mat<f64>], beta: f64) -> Result<Mat<f64>> {
    let svd = linalg::svd(sum(parts).as_ref()).map_err(failed)?;
    let rank = linalg::rank(&svd.sigma, NULL);
    let mean = svd.sigma[..rank].iter().sum::<f64>() / rank.max(1) as f64;
    let blended: Vec<f64> = svd.sigma[..rank].iter().map(|s| (1.0 - beta) * s + beta * mean).collect();
    Ok(linalg::assembled(svd.u.as_ref(), &blended, svd.v.as_ref()))
}

/// The sum of the parts, which are of one size.
pub(crate) fn sum(parts: &[Mat<f64>]) -> Mat<f64> {
    let (rows, columns) = parts.first().map_or((0, 0), |part| (part.nrows(), part.ncols()));
    let mut sum = Mat::zeros(rows, columns);
    parts.iter().for_each(|part| linalg::add(&mut sum, 1.0, part.as_ref()));
    sum
}
