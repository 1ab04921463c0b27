//! AWD: a part that adapters have in common is taken out of each, so that they stand at right angles, then the sum.
//!
//! With τᵢ = wᵢ·ΔWᵢ, divided by the root mean square of their norms, δ is walked down from 0 by `steps` steps of length
//! β·‖∇L‖:
//!
//! ```text
//! L = mean over i ≠ j of |cos(τᵢ − δ, τⱼ − δ)| + α·‖δ‖      M = Σ (τᵢ − δ)
//! ```
//!
//! Every gradient lies in the span of the τ, so δ = Σ c_j·τ_j exactly, and all of it happens on the T×T Gram matrix:
//! M = Σ (1 − T·c_j)·τ_j. Re-weighing is thus all that the method does, over the whole file or (`from`) module by
//! module. α = 0.1, β = 0.01 and 300 steps are the paper's; β has a unit, hence the division. The gradients of ‖δ‖
//! and |cos| count as 0 below 1e-9; near right angles δ jumps to and fro by about β. Adapters that are zero are left out, and T counts the others. One adapter is itself, copies
//! add up. A sum, not a mean.
//!
//! Costs `steps`·T³ operations.

use crate::gram::{self, Gram};
use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{ANY, Law, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::survey::Survey;
use rankweave_adapter::Result;
use rankweave_compute::Nulls;

pub(super) struct Awd;

static SPEC: Spec = Spec {
    id: "awd",
    title: "AWD",
    summary: "Takes a common part out of all adapters, so that they stand at right angles, and adds up the rest.",
    formula: "M = Σ (τᵢ − δ),   δ: least mean |cos(τᵢ − δ, τⱼ − δ)| + α‖δ‖,   τᵢ = wᵢ·ΔWᵢ",
    when: "For adapters that are alike, to see what is left without the common part. It only re-weighs the adapters; \
           those that are at right angles already stay as they are.",
    reference: Reference {
        title: "Multi-Task Model Merging via Adaptive Weight Disentanglement (Xiong et al., 2024)",
        url: "https://arxiv.org/abs/2411.18729",
    },
    section: Section::Spectral,
    adapters: ANY,
    experimental: false,
    params: &[
        ParamSpec {
            name: "alpha",
            title: "α",
            help: "What the common part costs: 0 takes out whatever makes right angles, 1 takes out nearly nothing.",
            kind: ParamKind::Number { default: 0.1, min: 0.0, max: 10.0, step: 0.05 },
        },
        ParamSpec {
            name: "beta",
            title: "β",
            help: "Length of a step: too small does not arrive, too large jumps about.",
            kind: ParamKind::Number { default: 0.01, min: 0.0001, max: 1.0, step: 0.001 },
        },
        ParamSpec {
            name: "steps",
            title: "Steps",
            help: "How many steps are walked: 0 is the plain sum.",
            kind: ParamKind::Number { default: 300.0, min: 0.0, max: 10_000.0, step: 1.0 },
        },
        gram::from("file"),
    ],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree, Law::Cancels],
};

impl MergeMethod for Awd {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn rounds(&self, params: &Params) -> usize {
        usize::from(params.choice("from") == "file")
    }

    fn survey(&self, _: usize, module: &ModuleInputs, _: &Params) -> Result<Survey> {
        Ok(gram::survey(module).into())
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let file = params.choice("from") == "file";
        let gram = if file { Gram::of_file(module.facts, 0, module.adapters) } else { Gram::of_module(module) };
        let found = Walk::new(&gram).down(params);
        let coefficient = |(i, weight): (usize, &f64)| weight * found.factors[if file { module.present[i] } else { i }];
        let coefficients = module.weights.iter().enumerate().map(coefficient).collect();
        Ok(Outcome::from(Merged::Linear { coefficients, nulls: Nulls::Drop })
            .with("cosine-before", found.before)
            .with("cosine-after", found.after))
    }
}

/// A cosine no larger is a right angle, and the gradient of its magnitude 0; so is that of a ‖δ‖ no larger.
const LEVEL: f64 = 1e-9;

/// The T×T problem, of adapters that are not zero.
struct Walk {
    /// Which they are.
    there: Vec<usize>,
    /// How many there are in all.
    all: usize,
    /// Their Gram matrix with a mean diagonal of 1.
    gram: Vec<f64>,
}

struct Found {
    /// 1 − T·c of every adapter.
    factors: Vec<f64>,
    /// Mean |cos| of the adapters.
    before: f64,
    /// And without the common part.
    after: f64,
}

impl Walk {
    fn new(gram: &Gram) -> Walk {
        let all = gram.count;
        let there: Vec<usize> = (0..all).filter(|i| gram.norm(*i) > 0.0).collect();
        let mean = there.iter().map(|i| gram.inner(*i, *i)).sum::<f64>() / there.len().max(1) as f64;
        let entry = |i: &usize| there.iter().map(|j| gram.inner(*i, *j) / mean).collect::<Vec<f64>>();
        let gram = there.iter().flat_map(entry).collect();
        Walk { there, all, gram }
    }

    fn down(&self, params: &Params) -> Found {
        let (count, alpha, beta) = (self.there.len(), params.number("alpha"), params.number("beta"));
        let mut c = vec![0.0; count];
        let before = self.slope(&c).0;
        for _ in 0..params.count("steps") {
            let (_, slope, size) = self.slope(&c);
            for (c, slope) in c.iter_mut().zip(slope) {
                *c -= beta * (slope + if size > LEVEL { alpha * *c / size } else { 0.0 });
            }
        }
        let mut factors = vec![1.0; self.all];
        self.there.iter().zip(&c).for_each(|(at, c)| factors[*at] = 1.0 - count as f64 * c);
        Found { factors, before, after: self.slope(&c).0 }
    }

    /// Mean |cos| of τᵢ − δ over pairs, its gradient in coefficients of the τ, and ‖δ‖, at δ = Σ c_j·τ_j.
    fn slope(&self, c: &[f64]) -> (f64, Vec<f64>, f64) {
        let n = c.len();
        let along: Vec<f64> = (0..n).map(|i| (0..n).map(|j| self.gram[i * n + j] * c[j]).sum()).collect();
        let square: f64 = along.iter().zip(c).map(|(x, c)| x * c).sum();
        let inner = |i: usize, j: usize| self.gram[i * n + j] - along[i] - along[j] + square;
        let (mut mean, mut slope) = (0.0, vec![0.0; n]);
        let share = 2.0 / (n.max(2) * (n.max(2) - 1)) as f64;
        for j in 0..n {
            for i in 0..j {
                let (ii, jj) = (inner(i, i), inner(j, j));
                if ii <= 1e-24 || jj <= 1e-24 {
                    continue;
                }
                let norms = (ii * jj).sqrt();
                let cosine = inner(i, j) / norms;
                mean += share * cosine.abs();
                if cosine.abs() <= LEVEL {
                    continue;
                }
                // The derivative by δ is −(by τᵢ) − (by τⱼ) = −(pull on i)·(τᵢ − δ) − (pull on j)·(τⱼ − δ).
                let (on_i, on_j) = (1.0 / norms - cosine / ii, 1.0 / norms - cosine / jj);
                let by = share * if cosine < 0.0 { -1.0 } else { 1.0 };
                slope[i] -= by * on_i;
                slope[j] -= by * on_j;
                slope.iter_mut().zip(c).for_each(|(slope, c)| *slope += by * (on_i + on_j) * c);
            }
        }
        (mean, slope, square.max(0.0).sqrt())
    }
}
