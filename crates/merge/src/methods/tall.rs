//! TALL mask: one adapter back out of a merge.
//!
//! ```text
//! M = τ_MT where |τ_t| > λ·|τ_MT − τ_t|, else 0      at every entry of τᵢ = wᵢ·ΔWᵢ (out×columns)
//! ```
//!
//! with τ_MT = Σ τᵢ or the sum of what TIES leaves: of the merged vector only what adapter t would know as its own. The
//! paper keeps τ_MT and a mask for each task, one bit per entry, and finds that the masked vector does nearly what the
//! adapter alone did. This shows what such a file would give for one adapter. Values are those of τ_MT, which the others
//! have a part in. A module that the adapter lacks is 0. λ is chosen on data in the paper, among 0.2 … 0.6.
//!
//! Costs three looks at every entry for thresholds of TIES and three to five for the truncated SVD, each Σ 2·rᵢ operations
//! per entry.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::multitask::{self, FACTOR, OF};
use crate::spec::{ANY, Law, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::survey::Survey;
use crate::trim::{DENSITY, SCOPE};
use rankweave_adapter::{Adapter, Error, Kind, Result};
use rankweave_compute::Nulls;
use rankweave_compute::entries::Select;

pub(super) struct Tall;

static SPEC: Spec = Spec {
    id: "tall",
    title: "TALL mask of one adapter",
    summary: "Takes one adapter back out of the sum: the entries of it that this adapter would know as its own.",
    formula: "M = τ where |τ_t| > λ·|τ − τ_t|, else 0,   τ = Σ τᵢ or TIES,   τᵢ = wᵢ·ΔWᵢ",
    when: "To see what is left of an adapter in a merge, or to rehearse a file that keeps one merged vector and masks. For \
           the adapter itself take its own file.",
    reference: Reference {
        title: "Localizing Task Information for Improved Model Merging and Compression (Wang et al., ICML 2024)",
        url: "https://arxiv.org/abs/2405.07813",
    },
    section: Section::Sparse,
    adapters: ANY,
    experimental: false,
    params: &[
        ParamSpec {
            name: "adapter",
            title: "Adapter",
            help: "Which adapter's mask: its number in the mix, from 1.",
            kind: ParamKind::Number { default: 1.0, min: 1.0, max: 1000.0, step: 1.0 },
        },
        FACTOR,
        OF,
        DENSITY,
        SCOPE,
    ],
    laws: &[Law::Single, Law::GaugeFree],
};

impl MergeMethod for Tall {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn suits(&self, adapters: &[Adapter], params: &Params) -> Result<()> {
        let wanted = params.count("adapter");
        if wanted <= adapters.len() {
            return Ok(());
        }
        Err(Error::new(Kind::Parameter, "There is no such adapter")
            .key("adapter")
            .expected(format!("1 to {}", adapters.len()))
            .found(wanted.to_string())
            .hint("Choose the number of one of the adapters, in their order."))
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let Some(part) = module.present.iter().position(|adapter| adapter + 1 == params.count("adapter")) else {
            let coefficients = vec![0.0; module.pairs.len()];
            return Ok(Merged::Linear { coefficients, nulls: Nulls::Drop }.into());
        };
        let held = Select::Held { factor: params.number("factor") as f32, least: 1, only: Some(part) };
        Ok(Merged::Entries(Box::new(multitask::rule(module, params, held))).into())
    }

    fn rounds(&self, params: &Params) -> usize {
        multitask::rounds(params)
    }

    fn looks(&self, params: &Params) -> usize {
        multitask::looks(params)
    }

    fn survey(&self, round: usize, module: &ModuleInputs, params: &Params) -> Result<Survey> {
        Ok(multitask::survey(round, module, params))
    }

    fn full_rank(&self) -> bool {
        true
    }
}
