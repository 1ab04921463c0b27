//! Compress-then-Merge: a common space of the wanted rank first, the merge in it.
//!
//! τᵢ = wᵢ·ΔWᵢ. Bases U (out×r) and V (columns×r) are chosen to hold as much of all adapters as r directions can,
//! evened out in strength by β:
//!
//! ```text
//! τ̂ᵢ = τᵢ/‖τᵢ‖·(β·‖τᵢ‖ + (1 − β)·mean‖τ‖)        max Σ‖Uᵀ·τ̂ᵢ·V‖²
//! Cᵢ = Uᵀ·τᵢ·V (r×r)                             M = U·inner(C₁, …, C_T)·Vᵀ
//! ```
//!
//! Cᵢ comes from the adapters as they are. A merge that is cut to rank r afterwards loses what the rule has made; here
//! every number that the rule sees is in the result. U and V are found by higher-order orthogonal iteration: U starts
//! as the leading left singular vectors of \[τ̂₁|…|τ̂_T], V of the transposed; then in turn U is taken of \[τ̂₁·V|…|τ̂_T·V]
//! and V of \[τ̂₁ᵀ·U|…], strongest first, until the share that is not held moves by less than 1e-6, or for `turns` turns. (The
//! paper allows 1000. Adapters that decay or share directions are done in 2 to 4 turns; for those that share nothing and
//! do not decay 60 turns hold 0.002 of the squared norms more than 4.)
//!
//! β = 1 lets strong adapters choose the space, 0 all alike. r is `rank`, or the rank asked of the output where that is 0; where no rank is asked
//! for it is all there are, and nothing is lost. `captured-n` says how much of ‖τ_n‖² the space holds: where it is low,
//! r is too small. The official inner rule is TIES with a density of 0.25 to 0.3 and λ of 0.75 to 0.9.
//!
//! Costs two decompositions of matrices of Σrᵢ per turn.

use crate::facts::Facts;
use crate::inner::{self, Inner};
use crate::method::{Detail, MergeMethod, Merged, ModuleInputs, Outcome, failed};
use crate::spec::{ANY, Law, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use rankweave_adapter::{Result, Warning};
use rankweave_compute::{Mat, linalg};

pub(super) struct Ctm;

static SPEC: Spec = Spec {
    id: "ctm",
    title: "Compress then merge",
    summary: "Finds the space of the wanted rank that holds most of all adapters, and merges them in it.",
    formula: "M = U · inner(Uᵀ·w₁ΔW₁·V, …) · Vᵀ,   U, V of rank r with the largest Σ‖Uᵀ·τ̂ᵢ·V‖²",
    when: "For one file of a small fixed rank: set the output's rank. Where it is much smaller than the ranks together, \
           look at how much of each adapter is captured.",
    reference: Reference { title: "Compress then Merge (ICML 2026)", url: "https://arxiv.org/abs/2606.03723" },
    section: Section::Aligned,
    adapters: ANY,
    experimental: false,
    params: &[
        inner::INNER,
        inner::DENSITY,
        inner::DROP,
        ParamSpec {
            name: "beta",
            title: "β",
            help: "Whose space it is: 1 takes the adapters as strong as they are, 0 makes them equally strong for the choice.",
            kind: ParamKind::Number { default: 0.25, min: 0.0, max: 1.0, step: 0.05 },
        },
        ParamSpec {
            name: "turns",
            title: "Turns",
            help: "How often the space is bettered, at most: 1 is quick and nearly as good, 50 leaves nothing to gain.",
            kind: ParamKind::Number { default: 4.0, min: 1.0, max: 1000.0, step: 1.0 },
        },
        ParamSpec {
            name: "rank",
            title: "Rank of the space",
            help: "How many directions the space has: 0 takes the output's rank, or all directions where none is set.",
            kind: ParamKind::Number { default: 0.0, min: 0.0, max: 4096.0, step: 1.0 },
        },
    ],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree, Law::Idempotent, Law::Cancels],
};

/// Share of an adapter below which it should be said that little of it is captured.
const LITTLE: f64 = 0.5;

/// Change of the share held at which it ends.
const STILL: f64 = 1e-6;

impl MergeMethod for Ctm {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let (p, q) = module.core()?.size();
        let rank = match params.count("rank") {
            0 => module.rank.bound(p.max(q)),
            rank => rank,
        };
        let deltas = module.deltas()?;
        let (u, v) = space(&balanced(&deltas, params.number("beta")), rank, params.count("turns"))?;
        let seen =
            |delta: &Mat<f64>| linalg::product(linalg::product(u.transpose(), delta.as_ref()).as_ref(), v.as_ref());
        let parts: Vec<Mat<f64>> = deltas.iter().map(seen).collect();
        let merged = Inner::new(module, params, false).merged(&parts)?;
        let lifted = linalg::product(linalg::product(u.as_ref(), merged.as_ref()).as_ref(), v.transpose());
        let mut outcome = Outcome::from(Merged::Core(lifted));
        for ((part, delta), adapter) in parts.iter().zip(&deltas).zip(module.present) {
            let whole = energy(delta);
            if whole > 0.0 {
                outcome = outcome.with(&captured(*adapter), energy(part) / whole);
            }
        }
        Ok(outcome)
    }

    fn remarks(&self, _: &Facts, details: &[&[Detail]], _: &Params) -> Vec<Warning> {
        let places = details.iter().flat_map(|d| d.iter()).filter_map(|d| d.name.strip_prefix(CAPTURED)?.parse().ok());
        let adapters: usize = places.max().unwrap_or(0);
        let mean = |n: usize| {
            let name = captured(n);
            let all: Vec<f64> =
                details.iter().flat_map(|d| d.iter()).filter(|d| d.name == name).map(|d| d.value).collect();
            if all.is_empty() { 1.0 } else { all.iter().sum::<f64>() / all.len() as f64 }
        };
        let little = |n: usize| {
            let share = mean(n);
            let said = format!(
                "The space holds only {:.0} % of adapter {}'s change, the mean of its modules",
                100.0 * share,
                n + 1
            );
            (share < LITTLE).then(|| Warning {
                code: "captured-little".to_owned(),
                message: said,
                place: Default::default(),
            })
        };
        (0..adapters).filter_map(little).collect()
    }
}

/// Beginning of the details' names; the adapter's place from 1 follows.
const CAPTURED: &str = "captured-";

/// Name of the detail that says how much of an adapter is captured.
fn captured(adapter: usize) -> String {
    [CAPTURED, &(adapter + 1).to_string()].concat()
}

fn energy(x: &Mat<f64>) -> f64 {
    linalg::inner(x.as_ref(), x.as_ref())
}

/// τ̂ᵢ of every adapter that is not zero.
fn balanced(deltas: &[Mat<f64>], beta: f64) -> Vec<Mat<f64>> {
    let norms: Vec<f64> = deltas.iter().map(|delta| energy(delta).sqrt()).collect();
    let there = norms.iter().filter(|norm| **norm > 0.0).count();
    let mean = norms.iter().sum::<f64>() / there.max(1) as f64;
    let one = |(delta, norm): (&Mat<f64>, &f64)| {
        let factor = beta + (1.0 - beta) * mean / norm;
        Mat::from_fn(delta.nrows(), delta.ncols(), |i, j| factor * delta[(i, j)])
    };
    deltas.iter().zip(&norms).filter(|(_, norm)| **norm > 0.0).map(one).collect()
}

/// U (p×·) and V (q×·), with at most `rank` columns each, after at most `turns` turns.
fn space(parts: &[Mat<f64>], rank: usize, turns: usize) -> Result<(Mat<f64>, Mat<f64>)> {
    let leading = |parts: &[Mat<f64>]| -> Result<Mat<f64>> {
        let views: Vec<_> = parts.iter().map(|part| part.as_ref()).collect();
        let all = linalg::common_directions(&views).map_err(failed)?;
        Ok(all.subcols(0, rank.min(all.ncols())).to_owned())
    };
    let turned: Vec<Mat<f64>> = parts.iter().map(|part| part.transpose().to_owned()).collect();
    let (mut u, mut v) = (leading(parts)?, leading(&turned)?);
    let all = |basis: &Mat<f64>| basis.ncols() < rank || basis.nrows() <= rank;
    if all(&u) && all(&v) {
        // All directions that there are.
        return Ok((u, v));
    }
    let whole: f64 = parts.iter().map(energy).sum();
    let mut before = f64::INFINITY;
    for _ in 0..turns {
        let by = |parts: &[Mat<f64>], basis: &Mat<f64>| -> Vec<Mat<f64>> {
            parts.iter().map(|part| linalg::product(part.as_ref(), basis.as_ref())).collect()
        };
        u = leading(&by(parts, &v))?;
        let narrowed = by(&turned, &u);
        v = leading(&narrowed)?;
        let held: f64 = narrowed.iter().map(|x| energy(&linalg::product(x.transpose(), v.as_ref()))).sum();
        let left = 1.0 - held / whole;
        if f64::abs(before - left) < STILL {
            break;
        }
        before = left;
    }
    Ok((u, v))
}
