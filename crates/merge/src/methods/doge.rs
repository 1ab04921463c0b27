//! DOGE: a common shift, so that each adapter is seen in the merge as it is by itself.
//!
//! ```text
//! λᵢ = η·mean‖τⱼ‖/‖τᵢ‖                                            τᵢ = wᵢ·ΔWᵢ (out×columns)
//! Δ  = argmin Σⱼ Σ_rows ⟨τⱼ[row], τⱼ[row] − Σ λᵢ·(τᵢ + Δ)[row]⟩²    outside of the shared directions
//! M  = Σ λᵢ·maskᵢ∘(τᵢ + Δ)                                         maskᵢ: the largest `density` of |τᵢ|
//! ```
//!
//! The shared directions are the strongest left singular vectors of the adapters' own, [U₁|…|U_T]: ⌈Σrᵢ/`subspace`⌉ of
//! them, and what is as strong as the last. Δ is kept out of them. Each adapter counts with the same norm: η = 1 is a sum
//! of adapters of their mean norm, of one adapter it is that adapter.
//!
//! Differs from the official code, which is made for whole models: there λᵢ = 0.07/‖τᵢ‖, Adam takes 400 steps of 1e-4 on
//! the entries of Δ, and `density` is 0.3. Here the same loss is a least squares problem in the coordinates of the
//! adapters' common row space, which the rows of Δ never leave, and conjugate gradients take `steps` steps from 0, in
//! which large and small rows go equally fast. Adam scales each coordinate by itself, so that it goes another way in other
//! coordinates. ⌊min(out, columns)/6⌋ directions,
//! as there, would be more than a low-rank adapter has.
//!
//! With `density` 1 the result has rank Σrᵢ at most and no entry is looked at; below 1 it has full rank, and costs three
//! looks at every entry for the thresholds and three to five for the truncated SVD. A step costs 4·out·Σrᵢ·(T + Σrᵢ/6).

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome, failed};
use crate::shift::Shift;
use crate::spec::{ANY, Law, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::spectra;
use crate::survey::Survey;
use crate::trim::{DENSITY, SCOPE, Trim};
use rankweave_adapter::Result;
use rankweave_compute::entries::Rule;
use rankweave_compute::linalg::{self, Svd};
use rankweave_compute::{FactorPair, Mat, MatRef, NULL};

pub(super) struct Doge;

static SPEC: Spec = Spec {
    id: "doge",
    title: "DOGE",
    summary: "Adds adapters of equal norm up, shifted together so that each is seen in the merge as it is by itself.",
    formula: "M = Σ λᵢ·(τᵢ + Δ),   Δ = argmin Σⱼ Σ_rows ⟨τⱼ, τⱼ − Σ λᵢ·(τᵢ + Δ)⟩²,   λᵢ = η·mean‖τⱼ‖/‖τᵢ‖",
    when: "Experimental: for adapters that disturb each other in the same rows. The published settings are for whole models \
           and are replaced by ones that suit adapters; of unrelated adapters it is nearly their sum at one norm.",
    reference: Reference {
        title: "Modeling Multi-Task Model Merging as Adaptive Projective Gradient Descent (Wei et al., ICML 2025)",
        url: "https://arxiv.org/abs/2501.01230",
    },
    section: Section::Sparse,
    adapters: ANY,
    experimental: true,
    params: &[
        ParamSpec {
            name: "eta",
            title: "η",
            help: "How strong each adapter is: 0 nothing, 1 as they are on average.",
            kind: ParamKind::Number { default: 1.0, min: 0.0, max: 10.0, step: 0.05 },
        },
        ParamSpec {
            name: "steps",
            title: "Steps",
            help: "0 leaves the adapters unshifted, 10 finds nearly all of the shift, 100 also what hardly changes the loss.",
            kind: ParamKind::Number { default: 10.0, min: 0.0, max: 100.0, step: 1.0 },
        },
        ParamSpec {
            name: "subspace",
            title: "Left alone: one in",
            help: "Which part of the adapters' directions the shift keeps out of: 6 the strongest sixth, 1 all, 0 none.",
            kind: ParamKind::Number { default: 6.0, min: 0.0, max: 64.0, step: 1.0 },
        },
        ParamSpec { kind: ParamKind::Number { default: 1.0, min: 0.0, max: 1.0, step: 0.05 }, ..DENSITY },
        SCOPE,
    ],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree, Law::Cancels],
};

/// Shared directions this much weaker than the last are as strong.
const AS_STRONG: f64 = 1e-6;

impl MergeMethod for Doge {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let (core, lambdas) = (module.core()?, lambdas(module, params));
        let rows: Vec<Mat<f64>> = (0..module.pairs.len()).map(|i| seen(module, i, core.down(i).to_owned())).collect();
        let (out, columns) = module.pairs.first().map_or((0, 0), |pair| (pair.out, pair.columns));
        let q = core.size().1;
        let mut sum = Mat::zeros(out, q);
        rows.iter().zip(&lambdas).for_each(|(x, lambda)| linalg::add(&mut sum, *lambda, x.as_ref()));
        let shared = shared(module, params, &rows)?;
        let lambda = lambdas.iter().sum();
        let shift = Shift::new(&rows, &sum, lambda, shared.as_ref());
        let (delta, left) = shift.solve(params.count("steps"));
        let pair = |x: &Mat<f64>| FactorPair {
            out,
            columns,
            rank: q,
            up: (0..out * q).map(|at| x[(at / q, at % q)] as f32).collect(),
            down: core.lift_down(Mat::identity(q, q).as_ref()),
            scale: 1.0,
        };
        let trim = Trim::new(params, params.choice("scope"));
        let merged = if params.number("density") < 1.0 {
            let mut rule = Rule { shift: Some(pair(&delta)), ..Rule::sum(&lambdas) };
            for (i, part) in rule.parts.iter_mut().enumerate() {
                // λᵢ·(wᵢ·xᵢ + Δ).
                (part.keep, part.gain) = (trim.keep(module, module.present[i]), module.weights[i] as f32);
            }
            Merged::Entries(Box::new(rule))
        } else {
            linalg::add(&mut sum, lambda, delta.as_ref());
            Merged::Pair(pair(&sum))
        };
        Ok(Outcome::from(merged).with("loss-left", left).with("shared-directions", shared.ncols() as f64))
    }

    fn rounds(&self, params: &Params) -> usize {
        Trim::new(params, params.choice("scope")).rounds()
    }

    fn looks(&self, params: &Params) -> usize {
        Trim::new(params, params.choice("scope")).looks()
    }

    fn survey(&self, round: usize, module: &ModuleInputs, params: &Params) -> Result<Survey> {
        Ok(Trim::new(params, params.choice("scope")).survey(round, module))
    }

    fn full_rank(&self) -> bool {
        true
    }
}

/// λᵢ; 0 of an adapter that is zero.
fn lambdas(module: &ModuleInputs, params: &Params) -> Vec<f64> {
    let norms: Vec<f64> = (0..module.pairs.len()).map(|i| module.inner(i, i).max(0.0).sqrt()).collect();
    let there = norms.iter().filter(|norm| **norm > 0.0).count().max(1);
    let mean = norms.iter().sum::<f64>() / there as f64;
    norms.iter().map(|norm| if *norm > 0.0 { params.number("eta") * mean / norm } else { 0.0 }).collect()
}

/// τᵢ in the coordinates of the common row space: out×q, from those of its down (q×r).
fn seen(module: &ModuleInputs, i: usize, down: Mat<f64>) -> Mat<f64> {
    let (pair, factor) = (&module.pairs[i], module.weights[i] * module.pairs[i].scale);
    let up = Mat::from_fn(pair.out, pair.rank, |row, slot| factor * f64::from(pair.up[row * pair.rank + slot]));
    linalg::product(up.as_ref(), down.transpose())
}

/// The strongest shared left directions (out×k), `rows` being the Xᵢ. In f64 throughout: a rounded direction is one along
/// which the shift may go a long way.
fn shared(module: &ModuleInputs, params: &Params, rows: &[Mat<f64>]) -> Result<Mat<f64>> {
    let own = spectra::thins(&module.deltas()?)?;
    let core: Vec<_> = own.iter().map(|svd| svd.u.as_ref()).collect();
    let all: usize = core.iter().map(|frame| frame.ncols()).sum();
    let wanted = if params.count("subspace") == 0 { 0 } else { all.div_ceil(params.count("subspace")) };
    if wanted == 0 {
        return Ok(Mat::zeros(rows.first().map_or(0, Mat::nrows), 0));
    }
    // Uᵢ = Xᵢ·Vᵢ·Σᵢ⁻¹.
    let divided = |v: MatRef<'_, f64>, sigma: &[f64]| Mat::from_fn(v.nrows(), v.ncols(), |i, l| v[(i, l)] / sigma[l]);
    let frame = |(x, svd): (&Mat<f64>, &Svd)| linalg::product(x.as_ref(), divided(svd.v.as_ref(), &svd.sigma).as_ref());
    let frames: Vec<Mat<f64>> = rows.iter().zip(&own).map(frame).collect();
    let svd = linalg::svd(linalg::beside(&core).as_ref()).map_err(failed)?;
    let last = svd.sigma.get(wanted - 1).copied().unwrap_or(0.0);
    let there = linalg::rank(&svd.sigma, NULL);
    let count = svd.sigma[..there].iter().take_while(|sigma| **sigma >= last * (1.0 - AS_STRONG)).count();
    let frames: Vec<_> = frames.iter().map(Mat::as_ref).collect();
    let mix = divided(svd.v.as_ref().subcols(0, count), &svd.sigma);
    Ok(linalg::product(linalg::beside(&frames).as_ref(), mix.as_ref()))
}
