//! KnOTS: adapters merged as what they do in directions that they share.
//!
//! The deltas side by side, τᵢ = wᵢ·ΔWᵢ, have one left basis:
//!
//! ```text
//! [τ₁|…|τ_T] = U·Σ·[V₁ᵀ|…|V_Tᵀ]        Ẑᵢ = Uᵀ·τᵢ (K×columns)        M = U·inner(Ẑ₁, …, Ẑ_T)
//! ```
//!
//! U (out×K) is of all adapters together, so entries of the Ẑᵢ can be compared where entries of the τᵢ cannot; what is
//! done with them is said by `inner` (see [`crate::inner`]). U comes from core space and Ẑᵢ from up seen through it times
//! down, so nothing of out×columns is formed. Directions below 1e-6 of the strongest are left out; the official code
//! has an absolute 1e-5, which cuts small adapters off, and takes thresholds over the file (`scope`), with densities of 0.2 to 0.3
//! and λ of 0.5 to 0.6. With the mean, the sum, TSV-M or Iso-C inside it is just that rule.
//!
//! Costs one SVD of a matrix of Σrᵢ, and K·rᵢ·columns multiply-adds per adapter.

use crate::inner::{self, Inner};
use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome, failed};
use crate::spec::{ANY, Law, Params, Reference, Section, Spec};
use crate::survey::Survey;
use rankweave_adapter::Result;
use rankweave_compute::{FactorPair, Mat, linalg};

pub(super) struct Knots;

static SPEC: Spec = Spec {
    id: "knots",
    title: "KnOTS",
    summary: "Turns the adapters into the output directions that they share and merges them there.",
    formula: "M = U · inner(Uᵀ·w₁ΔW₁, …, Uᵀ·w_TΔW_T)   of   [w₁ΔW₁|…|w_TΔW_T] = U·Σ·Vᵀ",
    when: "For several adapters of one base that were trained apart. With two or three the gain over TIES alone is small. \
           With the mean or the sum inside it changes nothing.",
    reference: Reference {
        title: "Model merging with SVD to tie the KnOTS (Stoica et al., ICLR 2025)",
        url: "https://arxiv.org/abs/2410.19735",
    },
    section: Section::Aligned,
    adapters: ANY,
    experimental: false,
    params: &[inner::INNER, inner::DENSITY, inner::DROP, inner::SCOPE],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree, Law::Idempotent, Law::Cancels],
};

impl MergeMethod for Knots {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let inner = Inner::new(module, params, true);
        if !inner.by_entry() {
            return Ok(Merged::Core(inner.merged(&module.deltas()?)?).into());
        }
        let basis = basis(module)?;
        let merged = inner.entries(coordinates(module, &basis)?);
        let first = &module.pairs[0];
        Ok(Merged::Pair(FactorPair {
            out: first.out,
            columns: first.columns,
            rank: basis.ncols(),
            up: module.core()?.lift_up(basis.as_ref()),
            down: merged.iter().map(|x| *x as f32).collect(),
            scale: 1.0,
        })
        .into())
    }

    fn rounds(&self, params: &Params) -> usize {
        inner::rounds(params)
    }

    fn survey(&self, round: usize, module: &ModuleInputs, params: &Params) -> Result<Survey> {
        Ok(Inner::new(module, params, true).counted(round, coordinates(module, &basis(module)?)?).into())
    }
}

/// U in core space, p×K.
fn basis(module: &ModuleInputs) -> Result<Mat<f64>> {
    let deltas = module.deltas()?;
    linalg::common_directions(&deltas.iter().map(|delta| delta.as_ref()).collect::<Vec<_>>()).map_err(failed)
}

/// Ẑᵢ of every adapter, row by row.
fn coordinates(module: &ModuleInputs, basis: &Mat<f64>) -> Result<Vec<Vec<f64>>> {
    let core = module.core()?;
    let one = |(i, pair): (usize, &FactorPair)| {
        let scale = module.weights[i] * pair.scale;
        let seen = linalg::product(basis.transpose(), core.up(i));
        // Transposed, since a column there is a row of Ẑᵢ.
        let down = Mat::from_fn(pair.columns, pair.rank, |c, j| f64::from(pair.down[j * pair.columns + c]) * scale);
        let turned = linalg::product(down.as_ref(), seen.transpose());
        turned.col_iter().flat_map(|row| row.iter().copied()).collect()
    };
    Ok(module.pairs.iter().enumerate().map(one).collect())
}
