//! Drop units: one adapter without its weak rank-one units.
//!
//! ΔW = s·Σ_j b_j·a_jᵀ (b_j a column of up, a_j a row of down) keeps the units with ‖b_j‖·‖a_j‖ ≥ share·max_j ‖b_j‖·‖a_j‖,
//! module by module:
//!
//! ```text
//! M = w·s·Σ_{j kept} b_j·a_jᵀ
//! ```
//!
//! share = 0 keeps all, 1 the strongest alone. The units are taken as the file has them: training that prunes ranks
//! (SoRA, AdaLoRA) leaves units that are nearly zero, and those go with nothing lost. Units that are weak because they
//! cancel others are not seen; for the best rank, whatever the units, take `resize`.
//!
//! Costs nothing but the Gram matrices.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{Law, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use rankweave_adapter::Result;
use rankweave_compute::FactorPair;

pub(super) struct DropUnits;

static SPEC: Spec = Spec {
    id: "drop-units",
    title: "Drop weak units",
    summary: "Leaves out an adapter's rank-one units that are much weaker than its strongest one.",
    formula: "M = w·s·Σ b_j·a_jᵀ over ‖b_j‖·‖a_j‖ ≥ share · max ‖b_j‖·‖a_j‖",
    when: "For adapters whose training has switched units off. Others rarely have weak units: resize them.",
    reference: Reference {
        title: "Sparse Low-rank Adaptation (Ding et al., EMNLP 2023)",
        url: "https://arxiv.org/abs/2311.11696",
    },
    section: Section::Reduction,
    adapters: (1, 1),
    experimental: false,
    params: &[ParamSpec {
        name: "share",
        title: "Least share",
        help: "How strong a unit has to be, next to the strongest of its module: 0 keeps all, 1 the strongest alone.",
        kind: ParamKind::Number { default: 0.01, min: 0.0, max: 1.0, step: 0.01 },
    }],
    laws: &[Law::Single],
};

impl MergeMethod for DropUnits {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let (pair, grams) = (&module.pairs[0], module.grams);
        let size = |j: usize| (grams.up_norms[j] * grams.down_norms[j]).sqrt();
        let least = params.number("share") * (0..pair.rank).map(size).fold(0.0, f64::max);
        let kept: Vec<usize> = (0..pair.rank).filter(|j| size(*j) >= least).collect();
        let own = FactorPair {
            rank: kept.len(),
            up: pair.up.chunks_exact(pair.rank.max(1)).flat_map(|row| kept.iter().map(|j| row[*j])).collect(),
            down: kept.iter().flat_map(|j| &pair.down[j * pair.columns..(j + 1) * pair.columns]).copied().collect(),
            scale: module.weights[0] * pair.scale,
            ..*pair
        };
        Ok(Outcome::from(Merged::Pair(own)).with("kept-units", kept.len() as f64))
    }
}
