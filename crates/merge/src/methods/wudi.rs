//! WUDI: the matrix that does to each adapter's inputs what the adapter does.
//!
//! What an adapter reads lies in the rows of τᵢ = wᵢ·ΔWᵢ, so τᵢ itself stands for its inputs, with the covariance
//! Hᵢ = τᵢᵀ·τᵢ/‖τᵢ‖²; Σᵢ ‖(M − τᵢ)·τᵢᵀ‖²/‖τᵢ‖² is least for Σ τᵢHᵢ·(Σ Hᵢ)⁺. Nearly dependent rows make that very
//! large, so it is drawn to the plain sum:
//!
//! ```text
//! M = [Σ τᵢ·Hᵢ + μ·Σ τᵢ]·[Σ Hᵢ + μ·I]⁻¹      μ = ridge·T/ρ
//! ```
//!
//! ρ is the number of directions that the rows span together, T/ρ the mean of the eigenvalues of Σ Hᵢ. `ridge` = 0 is
//! the closed form, a large one the sum; the official code walks a few hundred steps of gradient descent from the sum
//! towards the closed form. Adapters with rows at right angles add up; where rows are shared, the result is their
//! average weighed by energy. `growth` in the report is ‖M‖/‖Σ τᵢ‖: far above 1, raise the ridge.
//!
//! Costs two SVDs of a matrix of Σrᵢ.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{ANY, Law, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::spectra;
use rankweave_adapter::Result;
use rankweave_compute::Mat;

pub(super) struct Wudi;

static SPEC: Spec = Spec {
    id: "wudi",
    title: "WUDI",
    summary: "Finds the matrix that treats each adapter's inputs as that adapter does.",
    formula: "M = [Σ τᵢHᵢ + μ·Στᵢ]·[ΣHᵢ + μI]⁻¹,   Hᵢ = τᵢᵀτᵢ/‖τᵢ‖²,   τᵢ = wᵢ·ΔWᵢ",
    when: "For adapters that read overlapping inputs and want different things of them. Nearly dependent adapters make \
           the result large: raise the ridge where the report's growth is far above 1.",
    reference: Reference {
        title: "Whoever Started the Interference Should End It (Cheng et al., 2025)",
        url: "https://arxiv.org/abs/2503.08099",
    },
    section: Section::Spectral,
    adapters: ANY,
    experimental: false,
    params: &[ParamSpec {
        name: "ridge",
        title: "Ridge",
        help: "How strongly the result is drawn to the plain sum: 0 not at all (may become very large), 10 is nearly \
               the sum.",
        kind: ParamKind::Number { default: 0.05, min: 0.0, max: 10.0, step: 0.01 },
    }],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree, Law::Cancels],
};

impl MergeMethod for Wudi {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let (sum, mut deltas) = spectra::sum_and_parts(module)?;
        deltas.retain(|delta| spectra::norm(delta.as_ref()) > 0.0);
        let covariance = |delta: &Mat<f64>| {
            let (h, square) = (spectra::covariance(delta.as_ref()), spectra::norm(delta.as_ref()).powi(2));
            Mat::from_fn(h.nrows(), h.ncols(), |r, c| h[(r, c)] / square)
        };
        let covariances: Vec<Mat<f64>> = deltas.iter().map(covariance).collect();
        let q = sum.ncols();
        let directions = spectra::seen(spectra::sum((q, q), &covariances).as_ref())?;
        let mu = params.number("ridge") * deltas.len() as f64 / directions.max(1) as f64;
        let merged = if deltas.is_empty() { sum.clone() } else { spectra::regressed(&deltas, &covariances, mu, mu)? };
        let size = spectra::norm(sum.as_ref());
        let growth = if size > 0.0 { spectra::norm(merged.as_ref()) / size } else { 1.0 };
        Ok(Outcome::from(Merged::Core(merged)).with("growth", growth))
    }
}
