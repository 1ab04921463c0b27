//! NuSLERP: SLERP whose place on the arc follows from the weights, and which can go row by row.
//!
//! With t = w₂/(w₁ + w₂) and θ the angle between ΔW₁ and ΔW₂: M = \[sin((1 − t)θ)·ΔW₁ + sin(tθ)·ΔW₂]/sin θ. Weights only
//! say where between the two the result lies, not how strong it is; weights that add up to nothing count as equal.
//!
//! With `rows`, every row of ΔW (an output) has its own angle. Nearly parallel or opposite vectors (|cos θ| > 0.9995), zero
//! ones, and a module that one adapter lacks, are mixed in a straight line, as in mergekit. Costs a Gram matrix per
//! module, and by rows O(out·r²).

use super::slerp::arc;
use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{Law, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use rankweave_adapter::Result;
use rankweave_compute::{FactorPair, Nulls};

pub(super) struct NuSlerp;

static SPEC: Spec = Spec {
    id: "nuslerp",
    title: "NuSLERP",
    summary: "Goes from one adapter to another along the arc between them, as far as their weights say.",
    formula: "M = [sin((1 − t)θ)·ΔW₁ + sin(tθ)·ΔW₂]/sin θ,   t = w₂/(w₁ + w₂)",
    when: "As slerp, with the mix set by weights, which then do not change the strength. By rows it also turns each output \
           by itself.",
    reference: Reference { title: "NuSLERP of mergekit", url: "https://github.com/arcee-ai/mergekit" },
    section: Section::Scalar,
    adapters: (2, 2),
    experimental: false,
    params: &[ParamSpec {
        name: "rows",
        title: "Row by row",
        help: "On: every row of a module has its own angle. Off: one angle per module.",
        kind: ParamKind::Flag { default: false },
    }],
    laws: &[Law::GaugeFree, Law::Idempotent],
};

impl MergeMethod for NuSlerp {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let ([a, b], [v, w]) = (module.pairs, module.weights) else {
            // Only one has it: the other end of the line is zero.
            return Ok(Merged::Linear { coefficients: vec![0.5; module.pairs.len()], nulls: Nulls::Drop }.into());
        };
        let t = if (v + w).abs() > 1e-12 { w / (v + w) } else { 0.5 };
        if params.flag("rows") {
            return Ok(Merged::Pair(by_rows(module, a, b, t)).into());
        }
        let products = module.grams.inner_products();
        let coefficients = mix(products[0], products[1], products[3], t).to_vec();
        Ok(Merged::Linear { coefficients, nulls: Nulls::Drop }.into())
    }
}

/// Coefficients of two vectors with these inner products.
fn mix(aa: f64, ab: f64, bb: f64, t: f64) -> [f64; 2] {
    let size = (aa * bb).max(0.0).sqrt();
    if size > 0.0 { arc((ab / size).clamp(-1.0, 1.0), t) } else { [1.0 - t, t] }
}

/// \[c·B₁ | d·B₂]·\[A₁; A₂] with a c and a d for every row.
fn by_rows(module: &ModuleInputs, a: &FactorPair, b: &FactorPair, t: f64) -> FactorPair {
    let (rank, down) = (a.rank + b.rank, module.grams.whole_down(module.pairs));
    let mut pair = FactorPair::zero(a.out, a.columns, rank);
    for row in 0..a.out {
        let stored = a.up[row * a.rank..][..a.rank].iter().map(|x| a.scale * f64::from(*x));
        let all: Vec<f64> =
            stored.chain(b.up[row * b.rank..][..b.rank].iter().map(|x| b.scale * f64::from(*x))).collect();
        let product = |left: std::ops::Range<usize>, right: std::ops::Range<usize>| -> f64 {
            left.map(|i| all[i] * right.clone().map(|j| down[(i, j)] * all[j]).sum::<f64>()).sum()
        };
        let (first, second) = (0..a.rank, a.rank..rank);
        let [c, d] = mix(
            product(first.clone(), first.clone()),
            product(first, second.clone()),
            product(second.clone(), second),
            t,
        );
        for (j, to) in pair.up[row * rank..][..rank].iter_mut().enumerate() {
            *to = (all[j] * if j < a.rank { c } else { d }) as f32;
        }
    }
    pair.down[..a.rank * a.columns].copy_from_slice(&a.down);
    pair.down[a.rank * a.columns..].copy_from_slice(&b.down);
    pair
}
