//! Steps that spectral methods share: the adapters' singular values and directions in core space.

use crate::method::{ModuleInputs, failed};
use rankweave_adapter::Result;
use rankweave_compute::linalg::{self, Svd};
use rankweave_compute::{Mat, MatRef, NULL};

/// The thin SVD of `x` over its directions above [`NULL`] times the strongest and above `floor`.
///
/// A `floor` is for what is left of larger matrices: where nothing is left, rounding is not taken for directions.
pub(crate) fn thin(x: MatRef<'_, f64>, floor: f64) -> Result<Svd> {
    let mut svd = linalg::svd(x).map_err(failed)?;
    let rank = linalg::rank(&svd.sigma, NULL);
    let rank = svd.sigma[..rank].iter().take_while(|sigma| **sigma > floor).count();
    shorten(&mut svd, rank);
    Ok(svd)
}

/// The thin SVDs of all, each over its own directions.
pub(crate) fn thins(deltas: &[Mat<f64>]) -> Result<Vec<Svd>> {
    deltas.iter().map(|delta| thin(delta.as_ref(), 0.0)).collect()
}

/// Leaves the first `rank` triples.
pub(crate) fn shorten(svd: &mut Svd, rank: usize) {
    if rank < svd.sigma.len() {
        svd.u = svd.u.subcols(0, rank).to_owned();
        svd.v = svd.v.subcols(0, rank).to_owned();
        svd.sigma.truncate(rank);
    }
}

/// U·diag(σ)·Vᵀ.
pub(crate) fn whole(svd: &Svd) -> Mat<f64> {
    linalg::assembled(svd.u.as_ref(), &svd.sigma, svd.v.as_ref())
}

/// polar(\[U₁|…|U_T]) and polar(\[V₁|…|V_T]) over the directions that are there: p×K and q×K, K = Σrᵢ.
pub(crate) fn frames(parts: &[Svd]) -> Result<(Mat<f64>, Mat<f64>)> {
    let side = |pick: fn(&Svd) -> MatRef<'_, f64>| {
        linalg::polar(linalg::beside(&parts.iter().map(pick).collect::<Vec<_>>()).as_ref()).map_err(failed)
    };
    Ok((side(|part| part.u.as_ref())?, side(|part| part.v.as_ref())?))
}

/// Σ of matrices of one size.
pub(crate) fn sum(size: (usize, usize), deltas: &[Mat<f64>]) -> Mat<f64> {
    let mut sum = Mat::zeros(size.0, size.1);
    deltas.iter().for_each(|delta| linalg::add(&mut sum, 1.0, delta.as_ref()));
    sum
}

/// Σ wᵢ·ΔWᵢ in core space, and every wᵢ·ΔWᵢ.
pub(crate) fn sum_and_parts(module: &ModuleInputs) -> Result<(Mat<f64>, Vec<Mat<f64>>)> {
    let deltas = module.deltas()?;
    Ok((sum(module.core()?.size(), &deltas), deltas))
}

/// ‖x‖_F.
pub(crate) fn norm(x: MatRef<'_, f64>) -> f64 {
    linalg::inner(x, x).sqrt()
}

/// What share of Σ‖wᵢ·ΔWᵢ‖ is rounding in a sum of them.
pub(crate) const DUST: f64 = 1e-12;

/// \[Σ xᵢ·Hᵢ + pull·Σ xᵢ\]·\[Σ Hᵢ + μ·I\]⁻¹ (p×q), the pseudo-inverse where it is singular: the matrix that does to
/// inputs of covariance Hᵢ (q×q, symmetric, non-negative) what xᵢ does, drawn to the sum where there are none.
pub(crate) fn regressed(deltas: &[Mat<f64>], covariances: &[Mat<f64>], pull: f64, mu: f64) -> Result<Mat<f64>> {
    let (p, q) = deltas.first().map_or((0, 0), |x| (x.nrows(), x.ncols()));
    let mut wanted = Mat::zeros(p, q);
    for (x, covariance) in deltas.iter().zip(covariances) {
        linalg::add(&mut wanted, 1.0, linalg::product(x.as_ref(), covariance.as_ref()).as_ref());
        linalg::add(&mut wanted, pull, x.as_ref());
    }
    let all = sum((q, q), covariances);
    // Of a symmetric matrix without negative eigenvalues this is the eigendecomposition.
    let svd = linalg::svd(all.as_ref()).map_err(failed)?;
    let least = NULL * NULL * svd.sigma.first().copied().unwrap_or(0.0);
    let inverse = |value: &f64| if *value + mu > least { 1.0 / (value + mu) } else { 0.0 };
    let inverses: Vec<f64> = svd.sigma.iter().map(inverse).collect();
    let along = linalg::product(wanted.as_ref(), svd.u.as_ref());
    Ok(linalg::assembled(along.as_ref(), &inverses, svd.u.as_ref()))
}

/// xᵀ·x.
pub(crate) fn covariance(x: MatRef<'_, f64>) -> Mat<f64> {
    linalg::product(x.transpose(), x)
}

/// How many directions of inputs the matrices see together: the rank of \[x₁/‖x₁‖; …; x_T/‖x_T‖\], from
/// `normalised` = Σ xᵢᵀxᵢ/‖xᵢ‖².
pub(crate) fn seen(normalised: MatRef<'_, f64>) -> Result<usize> {
    Ok(linalg::rank(&linalg::svd(normalised).map_err(failed)?.sigma, NULL * NULL))
}

/// The leading directions of all, a share `keep` of each one's, one at least.
pub(crate) fn leading(deltas: &[Mat<f64>], keep: f64) -> Result<Vec<Svd>> {
    let mut parts = thins(deltas)?;
    for part in &mut parts {
        let all = part.sigma.len();
        shorten(part, ((keep * all as f64).round() as usize).clamp(all.min(1), all));
    }
    Ok(parts)
}

/// The parts made orthogonal together (TSV-M): polar(\[U₁|…|U_T])·diag(σ)·polar(\[V₁|…|V_T])ᵀ.
pub(crate) fn orthogonalised(parts: &[Svd]) -> Result<Mat<f64>> {
    let (u, v) = frames(parts)?;
    Ok(linalg::assembled(u.as_ref(), &sigmas(parts), v.as_ref()))
}

/// The interference of the parts' directions (STI of TSV's paper): Σ|(UᵀU − I)·diag(σ)·(VᵀV − I)|, 0 at right angles.
pub(crate) fn interference(parts: &[Svd]) -> f64 {
    let overlap = |sides: Vec<MatRef<'_, f64>>| {
        let mut gram = covariance(linalg::beside(&sides).as_ref());
        (0..gram.nrows()).for_each(|l| gram[(l, l)] -= 1.0);
        gram
    };
    let left = overlap(parts.iter().map(|part| part.u.as_ref()).collect());
    let right = overlap(parts.iter().map(|part| part.v.as_ref()).collect());
    let crosstalk = linalg::assembled(left.as_ref(), &sigmas(parts), right.as_ref());
    crosstalk.col_iter().map(|column| column.iter().map(|x| x.abs()).sum::<f64>()).sum()
}

/// All singular values, part after part.
fn sigmas(parts: &[Svd]) -> Vec<f64> {
    parts.iter().flat_map(|part| part.sigma.iter().copied()).collect()
}

/// The matrix with its spectrum blended with its mean over the directions that are there (Iso-C):
/// σ → (1 − `beta`)·σ + `beta`·mean.
pub(crate) fn flattened(x: MatRef<'_, f64>, beta: f64) -> Result<Mat<f64>> {
    let mut svd = thin(x, 0.0)?;
    let mean = svd.sigma.iter().sum::<f64>() / svd.sigma.len().max(1) as f64;
    svd.sigma.iter_mut().for_each(|s| *s = (1.0 - beta) * *s + beta * mean);
    Ok(whole(&svd))
}
