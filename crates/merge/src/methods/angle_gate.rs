//! Angle gate: a later adapter gives way only where it nearly coincides with an earlier one.
//!
//! With U an orthonormal basis of the column spaces of τ₁ … τ_{t−1} (what they write), and U_t one of τ_t, the SVD
//! UᵀU_t = Y·diag(cos θ)·Zᵀ has the principal angles θ between both, and U·Y the earlier side's principal vectors y_l:
//!
//! ```text
//! M = τ₁ + Σ_{t>1} (τ_t − β·Σ_{θ_l < θ*} y_l·y_lᵀ·τ_t)
//! ```
//!
//! θ* = 0 or β = 0 is the plain sum; at θ* = 90 and β = 1 later adapters write nothing where earlier ones do. A module
//! whose smallest angle is θ* or more is summed as it is. `side` takes the row spaces instead (what adapters read), or
//! both. For adapters that share a few strong directions, which a sum would count twice: copies give the first one. The
//! gate is sharp, an angle just below θ* is treated unlike one just above it. A sum, not a mean; the mix's order counts.
//!
//! Costs 2T SVDs of matrices of Σrᵢ.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome, failed};
use crate::span;
use crate::spec::{ANY, Law, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::spectra;
use rankweave_adapter::Result;
use rankweave_compute::{Mat, MatRef, linalg};

pub(super) struct AngleGate;

static SPEC: Spec = Spec {
    id: "angle-gate",
    title: "Principal-angle gate",
    summary: "Takes out of each later adapter the directions in which it nearly coincides with an earlier one.",
    formula: "M = τ₁ + Σ (τ_t − β·Σ_{θ_l<θ*} y_l·y_lᵀ·τ_t),   cos θ = σ(UᵀU_t)",
    when: "When adapters share a few directions that a sum would count twice, and differ otherwise: what differs is left \
           alone. The first adapter stays whole. θ* is a sharp limit.",
    reference: Reference { title: "Angles between linear subspaces (Björck and Golub, 1973)", url: "" },
    section: Section::Orthogonal,
    adapters: ANY,
    experimental: true,
    params: &[
        ParamSpec {
            name: "theta",
            title: "θ* (degrees)",
            help: "Directions nearer than this are taken out: 0 none (the plain sum), 90 all that are not at right angles.",
            kind: ParamKind::Number { default: 30.0, min: 0.0, max: 90.0, step: 1.0 },
        },
        ParamSpec {
            name: "beta",
            title: "β",
            help: "How much of them is taken out: 0 nothing, 1 all.",
            kind: ParamKind::Number { default: 1.0, min: 0.0, max: 1.0, step: 0.05 },
        },
        span::side("columns"),
    ],
    laws: &[Law::Single, Law::GaugeFree, Law::Idempotent],
};

/// How far a cosine has to be above that of θ*: rounding leaves 1 + 1e-16 of copies.
const SHARPNESS: f64 = 1e-12;

impl MergeMethod for AngleGate {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let (least, beta) = (params.number("theta").to_radians().cos() + SHARPNESS, params.number("beta"));
        let side = params.choice("side");
        let (p, q) = module.core()?.size();
        let deltas = module.deltas()?;
        let frames = spectra::thins(&deltas)?;
        let (mut sum, mut gated, mut nearest) = (Mat::zeros(p, q), 0, 0.0f64);
        for (t, delta) in deltas.iter().enumerate() {
            let mut own = delta.clone();
            let mut gate = |own: &mut Mat<f64>, earlier: Mat<f64>, frame: &Mat<f64>| -> Result<()> {
                let (cosines, vectors) = near(earlier.as_ref(), frame.as_ref(), least)?;
                nearest = cosines.first().copied().unwrap_or(0.0).max(nearest);
                gated += vectors.ncols();
                span::take_out(own, beta, vectors.as_ref());
                Ok(())
            };
            if side != "columns" {
                let earlier = span::joint(q, &frames[..t].iter().map(|frame| &frame.v).collect::<Vec<_>>())?;
                let mut turned = own.transpose().to_owned();
                gate(&mut turned, earlier, &frames[t].v)?;
                own = turned.transpose().to_owned();
            }
            if side != "rows" {
                let earlier = span::joint(p, &frames[..t].iter().map(|frame| &frame.u).collect::<Vec<_>>())?;
                gate(&mut own, earlier, &frames[t].u)?;
            }
            linalg::add(&mut sum, 1.0, own.as_ref());
        }
        let angle = nearest.clamp(0.0, 1.0).acos().to_degrees();
        Ok(Outcome::from(Merged::Core(sum)).with("gated", gated as f64).with("smallest-angle", angle))
    }
}

/// The cosines of the principal angles between two frames, descending, and the vectors of `earlier` that belong to
/// those above `least`.
fn near(earlier: MatRef<'_, f64>, frame: MatRef<'_, f64>, least: f64) -> Result<(Vec<f64>, Mat<f64>)> {
    if earlier.ncols().min(frame.ncols()) == 0 {
        return Ok((Vec::new(), Mat::zeros(earlier.nrows(), 0)));
    }
    let svd = linalg::svd(linalg::product(earlier.transpose(), frame).as_ref()).map_err(failed)?;
    let close = svd.sigma.iter().take_while(|cosine| **cosine > least).count();
    Ok((svd.sigma, linalg::product(earlier, svd.u.as_ref().subcols(0, close))))
}
