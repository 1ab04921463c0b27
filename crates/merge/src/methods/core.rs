//! Core: adapters merged as small matrices in the space that their factors span.
//!
//! U_B (out×p) are the left singular vectors of the ups side by side, V_A (columns×q) those of the downs:
//!
//! ```text
//! [B₁|…|B_T] = U_B·…      [A₁; …; A_T]ᵀ = V_A·…      Cᵢ = U_Bᵀ·wᵢ·ΔWᵢ·V_A (p×q)      M = U_B·inner(C₁, …, C_T)·V_Aᵀ
//! ```
//!
//! Nothing is lost on the way, wᵢ·ΔWᵢ = U_B·Cᵢ·V_Aᵀ. What is done with the Cᵢ is said by `inner` (see [`crate::inner`]);
//! rules that look at single entries depend on the two bases, so these are fixed: strongest direction first. They depend
//! on how a delta is split in two as well:
//!
//! | `gauge` | Bᵢ | Aᵢ |
//! |---|---|---|
//! | `balanced` | Uᵢ·√Σᵢ | √Σᵢ·Vᵢᵀ, of wᵢ·ΔWᵢ = Uᵢ·Σᵢ·Vᵢᵀ: any factors of the same delta give the same |
//! | `stored` | wᵢ·sᵢ·Bᵢ | Aᵢ, as the file has them: as the official code does |
//!
//! A quick relative of `knots`. With the mean, the sum, TSV-M or Iso-C inside it is just that rule. Whether entries of
//! these bases mean anything is an open question; repeated singular values leave them undetermined.
//!
//! Costs T + 2 SVDs of matrices of Σrᵢ.

use crate::inner::{self, Inner};
use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome, failed};
use crate::spec::{ANY, Law, Option, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::survey::Survey;
use rankweave_adapter::Result;
use rankweave_compute::{Mat, linalg};

pub(super) struct Core;

static SPEC: Spec = Spec {
    id: "core",
    title: "Core space",
    summary: "Merges the adapters as small matrices in the space that all their factors span.",
    formula: "M = U_B · inner(U_Bᵀ·w₁ΔW₁·V_A, …) · V_Aᵀ   of   [B₁|…|B_T] = U_B·…,  [A₁; …; A_T]ᵀ = V_A·…",
    when: "For several adapters of one base, any ranks, as a quick KnOTS. Entries depend on the basis, which the balanced \
           gauge makes the same for the same deltas. With the mean or the sum inside it changes nothing.",
    reference: Reference {
        title: "Accurate and Efficient Low-Rank Model Merging in Core Space (Panariello et al., NeurIPS 2025)",
        url: "https://arxiv.org/abs/2509.17786",
    },
    section: Section::Aligned,
    adapters: ANY,
    experimental: false,
    params: &[
        inner::INNER,
        inner::DENSITY,
        inner::DROP,
        inner::SCOPE,
        ParamSpec {
            name: "gauge",
            title: "Factors",
            help: "Whether each adapter's two factors are first made equally strong, so that only its delta counts, or taken \
                   as its file has them.",
            kind: ParamKind::Choice {
                default: "balanced",
                options: &[Option { id: "balanced", title: "balanced" }, Option { id: "stored", title: "as stored" }],
            },
        },
    ],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree, Law::Idempotent, Law::Cancels],
};

impl MergeMethod for Core {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let inner = Inner::new(module, params, true);
        let deltas = module.deltas()?;
        if !inner.by_entry() {
            return Ok(Merged::Core(inner.merged(&deltas)?).into());
        }
        let (u, v) = bases(module, &deltas, params)?;
        let merged = inner.merged(&seen(&deltas, &u, &v))?;
        let lifted = linalg::product(linalg::product(u.as_ref(), merged.as_ref()).as_ref(), v.transpose());
        Ok(Merged::Core(lifted).into())
    }

    fn rounds(&self, params: &Params) -> usize {
        inner::rounds(params)
    }

    fn survey(&self, round: usize, module: &ModuleInputs, params: &Params) -> Result<Survey> {
        let deltas = module.deltas()?;
        let (u, v) = bases(module, &deltas, params)?;
        let parts = seen(&deltas, &u, &v).iter().map(inner::rows).collect();
        Ok(Inner::new(module, params, true).counted(round, parts).into())
    }
}

/// U_B and V_A, seen from the module's core (p×p and q×q, or less where directions are null).
fn bases(module: &ModuleInputs, deltas: &[Mat<f64>], params: &Params) -> Result<(Mat<f64>, Mat<f64>)> {
    let core = module.core()?;
    let (mut ups, mut downs) = (Vec::new(), Vec::new());
    for (i, delta) in deltas.iter().enumerate() {
        if params.choice("gauge") == "stored" {
            let scale = module.weights[i] * module.pairs[i].scale;
            let up = core.up(i);
            ups.push(Mat::from_fn(up.nrows(), up.ncols(), |r, c| scale * up[(r, c)]));
            downs.push(core.down(i).to_owned());
        } else {
            let svd = linalg::svd(delta.as_ref()).map_err(failed)?;
            let half = |x: &Mat<f64>| Mat::from_fn(x.nrows(), x.ncols(), |r, l| x[(r, l)] * svd.sigma[l].sqrt());
            ups.push(half(&svd.u));
            downs.push(half(&svd.v));
        }
    }
    let basis = |parts: &[Mat<f64>]| {
        linalg::common_directions(&parts.iter().map(|part| part.as_ref()).collect::<Vec<_>>()).map_err(failed)
    };
    Ok((basis(&ups)?, basis(&downs)?))
}

/// Uᵀ·x·V of every x.
fn seen(deltas: &[Mat<f64>], u: &Mat<f64>, v: &Mat<f64>) -> Vec<Mat<f64>> {
    let one = |x: &Mat<f64>| linalg::product(linalg::product(u.transpose(), x.as_ref()).as_ref(), v.as_ref());
    deltas.iter().map(one).collect()
}
