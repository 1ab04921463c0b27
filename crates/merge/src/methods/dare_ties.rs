//! DARE-TIES: of each adapter a random share of its entries, of those the ones that agree on a sign.
//!
//! ```text
//! drop      hᵢ = gᵢ·xᵢ with probability 1 − p, else 0
//! elect     γ = sign Σ wᵢ·hᵢ
//! combine   M = mean of the wᵢ·hᵢ ≠ 0 that have γ
//! ```
//!
//! xᵢ are the entries of ΔWᵢ, p is `drop`, g is what `rescale` says (`thin.rs`); signs are elected as in `election.rs`. Nothing
//! is trimmed by size. A mean, not a sum: where one adapter alone is left its entry comes out 1/(1 − p) times as large.
//!
//! | `variant` | made up for | sign of | combined |
//! |---|---|---|---|
//! | `paper` | 1/(1 − p) | Σ wᵢ·hᵢ | mean of wᵢ·hᵢ by count |
//! | `peft` (`dare_ties_svd`) | 1/(1 − p) | Σ hᵢ, without weights | mean of wᵢ·hᵢ by count |
//! | `mergekit` | Σ\|x\| of the module | Σ wᵢ·hᵢ | Σ wᵢ·hᵢ, as it normalises `ties` alone |
//!
//! With `space` = `factors` it is PEFT's `dare_ties`. Costs the looks of the truncated SVD, and one for `l1`.

use crate::election::{COMBINE, ELECT, VARIANT, elected};
use crate::facts::Facts;
use crate::method::{Detail, MergeMethod, ModuleInputs, Outcome};
use crate::on_factors::{self, Matrices, SPACE, on_factors};
use crate::spec::{ANY, Law, Params, Reference, Section, Spec};
use crate::survey::Survey;
use crate::thin::{DROP, RESCALE_OF_VARIANT, rescaled, thinned};
use rankweave_adapter::{Result, Warning};

pub(super) struct DareTies;

static SPEC: Spec = Spec {
    id: "dare-ties",
    title: "DARE-TIES",
    summary: "Drops entries of each adapter by chance, elects a sign at every entry and averages what agrees with it.",
    formula: "M = mean{ wᵢ·hᵢ : sign wᵢhᵢ = γ },   γ = sign Σ wᵢ·hᵢ,   hᵢ = (mᵢ∘ΔWᵢ)/(1 − p),   mᵢ = 0 with probability p",
    when: "Where TIES keeps too little of what is small: chance does not look at size. The noise that dropping leaves has full \
           rank, so it takes a high rank to hold, and the seed matters.",
    reference: Reference {
        title: "Language Models are Super Mario (Yu et al., ICML 2024)",
        url: "https://arxiv.org/abs/2311.03099",
    },
    section: Section::Sparse,
    adapters: ANY,
    experimental: false,
    params: &[VARIANT, DROP, RESCALE_OF_VARIANT, ELECT, COMBINE, SPACE],
    laws: &[Law::GaugeFree, Law::SingleAt(&[("drop", "0")])],
};

impl MergeMethod for DareTies {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let variant = params.choice("variant");
        let combine = match params.choice("combine") {
            "variant" if variant == "mergekit" => "sum",
            combine => combine,
        };
        on_factors::merged(module, params, |matrices| {
            let rule = rescaled(thinned(matrices, params), rescale(params), matrices, params)?;
            Ok(elected(rule, variant, params.choice("elect"), combine))
        })
    }

    fn looks(&self, params: &Params) -> usize {
        usize::from(rescale(params) == "l1" && !on_factors(params))
    }

    fn survey(&self, _: usize, module: &ModuleInputs, params: &Params) -> Result<Survey> {
        Ok(Survey::Sums(thinned(&Matrices::deltas(module), params)))
    }

    fn full_rank(&self) -> bool {
        true
    }

    fn remarks(&self, _: &Facts, _: &[&[Detail]], params: &Params) -> Vec<Warning> {
        on_factors::remarks(params)
    }
}

fn rescale(params: &Params) -> &str {
    match (params.choice("rescale"), params.choice("variant")) {
        ("variant", "mergekit") => "l1",
        ("variant", _) => "density",
        (rescale, _) => rescale,
    }
}
