//! NP-LoRA: each adapter keeps out of what those before it read.
//!
//! The mix's order is one of priority: the first adapter stays as it is. With Q_t an orthonormal basis (columns×·) of the
//! row spaces of τ₁ … τ_{t−1}, τᵢ = wᵢ·ΔWᵢ,
//!
//! ```text
//! M = τ₁ + Σ_{t>1} τ_t·(I − c·Q_t·Q_tᵀ)      c = μ/(1 + μ), or 1 where `hard`
//! ```
//!
//! μ = 0 is the plain sum, `hard` (μ → ∞) lets nothing of a later adapter answer to an input that an earlier one reads.
//! `side` takes the column spaces instead (what adapters write), or both; in the paper only rows helped. For two
//! adapters of which one must stay whole, a style, say. Where row spaces overlap much, the later adapters lose detail:
//! `removed` tells the share of their energy. A sum, not a mean. The row space of a delta is taken, not that of its A,
//! which may hold rows that no up uses.
//!
//! Costs T SVDs of matrices of Σrᵢ.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::span;
use crate::spec::{ANY, Law, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::spectra;
use rankweave_adapter::Result;
use rankweave_compute::linalg;

pub(super) struct NpLora;

static SPEC: Spec = Spec {
    id: "np-lora",
    title: "NP-LoRA",
    summary: "Keeps the first adapter whole and takes out of each later one what reads the same inputs.",
    formula: "M = τ₁ + Σ τ_t·(I − μ/(1 + μ)·Q_t·Q_tᵀ),   Q_t = basis of the rows of τ₁ … τ_{t−1}",
    when: "When one adapter must stay intact, such as a style under which a subject is put: name it first. Where the \
           adapters read much the same inputs, the later ones lose detail.",
    reference: Reference { title: "NP-LoRA: null space projection (2025)", url: "https://arxiv.org/abs/2511.11051" },
    section: Section::Orthogonal,
    adapters: ANY,
    experimental: false,
    params: &[
        ParamSpec {
            name: "mu",
            title: "μ",
            help: "0 is the plain sum, 0.5 takes out a third of what overlaps, 10 nearly all of it.",
            kind: ParamKind::Number { default: 0.5, min: 0.0, max: 10.0, step: 0.1 },
        },
        ParamSpec {
            name: "hard",
            title: "Take out everything",
            help: "On takes out all that overlaps, as an infinite μ would; off leaves it to μ.",
            kind: ParamKind::Flag { default: false },
        },
        span::side("rows"),
    ],
    laws: &[Law::Single, Law::GaugeFree],
};

impl MergeMethod for NpLora {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let (mu, side) = (params.number("mu"), params.choice("side"));
        let share = if params.flag("hard") { 1.0 } else { mu / (1.0 + mu) };
        let (p, q) = module.core()?.size();
        let deltas = module.deltas()?;
        let frames = spectra::thins(&deltas)?;
        let mut sum = rankweave_compute::Mat::zeros(p, q);
        let (mut before, mut after) = (0.0, 0.0);
        for (t, delta) in deltas.iter().enumerate() {
            let mut own = delta.clone();
            if side != "columns" {
                let basis = span::joint(q, &frames[..t].iter().map(|frame| &frame.v).collect::<Vec<_>>())?;
                let mut turned = own.transpose().to_owned();
                span::take_out(&mut turned, share, basis.as_ref());
                own = turned.transpose().to_owned();
            }
            if side != "rows" {
                let basis = span::joint(p, &frames[..t].iter().map(|frame| &frame.u).collect::<Vec<_>>())?;
                span::take_out(&mut own, share, basis.as_ref());
            }
            if t > 0 {
                before += linalg::inner(delta.as_ref(), delta.as_ref());
                after += linalg::inner(own.as_ref(), own.as_ref());
            }
            linalg::add(&mut sum, 1.0, own.as_ref());
        }
        let removed = if before > 0.0 { 1.0 - after / before } else { 0.0 };
        Ok(Outcome::from(Merged::Core(sum)).with("removed", removed))
    }
}
