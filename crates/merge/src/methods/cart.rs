//! CART: the mean, and the main directions in which each adapter differs from it.
//!
//! ```text
//! M = τ̄ + δ·Σᵢ SVD_k(τᵢ − τ̄)      τᵢ = wᵢ·ΔWᵢ,  τ̄ = (1/T)·Σ τᵢ
//! ```
//!
//! The differences add up to zero, so what is cut off is what makes the method: with all directions kept, or δ = 0, it
//! is the mean. k is `directions`; 0 takes half the directions that τᵢ has, rounded up. The paper takes 4 % of
//! min(out, in), which for adapters is more than there is, and a δ of 0.1 to 1. T counts the adapters that have the
//! module. A mean, not a sum. Costs 2·T SVDs of matrices of Σrᵢ.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome, failed};
use crate::spec::{ANY, Law, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::spectra;
use rankweave_adapter::Result;
use rankweave_compute::{Mat, NULL, linalg};

pub(super) struct Cart;

static SPEC: Spec = Spec {
    id: "cart",
    title: "CART",
    summary: "Averages the adapters and adds the main directions in which each differs from the average.",
    formula: "M = τ̄ + δ·Σ SVD_k(τᵢ − τ̄),   τᵢ = wᵢ·ΔWᵢ",
    when: "For adapters with a common part, of which each should keep what is its own. Adapters with nothing in common \
           come out between their mean and their sum.",
    reference: Reference {
        title: "Revisiting Weight Averaging for Model Merging (Choi et al., 2024)",
        url: "https://arxiv.org/abs/2412.12153",
    },
    section: Section::Spectral,
    adapters: ANY,
    experimental: false,
    params: &[
        ParamSpec {
            name: "directions",
            title: "Own directions",
            help: "How many directions of each adapter's difference are added: 1 the strongest alone, many are the mean \
                   again. 0 takes half of what the adapter has.",
            kind: ParamKind::Number { default: 0.0, min: 0.0, max: 256.0, step: 1.0 },
        },
        ParamSpec {
            name: "delta",
            title: "δ",
            help: "Strength of the differences: 0 is the mean, 1 adds them whole.",
            kind: ParamKind::Number { default: 1.0, min: 0.0, max: 2.0, step: 0.05 },
        },
    ],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree, Law::Idempotent, Law::Cancels],
};

impl MergeMethod for Cart {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let (sum, deltas) = spectra::sum_and_parts(module)?;
        let mut mean = Mat::zeros(sum.nrows(), sum.ncols());
        linalg::add(&mut mean, 1.0 / deltas.len().max(1) as f64, sum.as_ref());
        let mut merged = mean.clone();
        for delta in &deltas {
            let k = match params.count("directions") {
                0 => linalg::rank(&linalg::svd(delta.as_ref()).map_err(failed)?.sigma, NULL).div_ceil(2),
                k => k,
            };
            let mut difference = delta.clone();
            linalg::add(&mut difference, -1.0, mean.as_ref());
            let mut main = spectra::thin(difference.as_ref(), 0.0)?;
            spectra::shorten(&mut main, k);
            linalg::add(&mut merged, params.number("delta"), spectra::whole(&main).as_ref());
        }
        Ok(Merged::Core(merged).into())
    }
}
