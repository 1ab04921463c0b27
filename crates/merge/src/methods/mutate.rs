//! Mutate: singular values moved by chance.
//!
//! Every direction of every adapter, wᵢ·ΔWᵢ = Uᵢ·diag(σᵢ)·Vᵢᵀ, becomes a little stronger (or weaker), and all are added up:
//!
//! ```text
//! M = Σ Uᵢ·diag((1 + u)∘σᵢ)·Vᵢᵀ      u ~ uniform in (0, amount), or in (−amount, amount)
//! ```
//!
//! u is drawn from seed, module and adapter, direction by direction, strongest first: each seed is another mutant, the
//! directions stay what they are. amount = 0 is the sum, 1 at most doubles a direction. CycleQD draws from (0, 0.1)
//! (`direction` = `up`), so that its mutants grow by 5 % on average, mutates a child of a crossover by its parent's
//! directions, and chooses among many by measuring them. A sum, not a mean.
//!
//! Costs an SVD of a matrix of Σrᵢ per adapter.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome, failed};
use crate::spec::{ANY, Law, Option, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use rankweave_adapter::Result;
use rankweave_compute::rng::Stream;
use rankweave_compute::{Mat, NULL, linalg};

pub(super) struct Mutate;

static SPEC: Spec = Spec {
    id: "mutate",
    title: "Mutate",
    summary: "Strengthens the adapters' singular directions by chance, each a little: each seed gives another mutant.",
    formula: "M = Σ Uᵢ·diag((1 + u)∘σᵢ)·Vᵢᵀ   of   wᵢ·ΔWᵢ = Uᵢ·diag(σᵢ)·Vᵢᵀ,   u ~ U(0, amount)",
    when: "For trying variants of one adapter, or of a sum, and keeping the best. A single draw is on average no better \
           than what it comes from.",
    reference: Reference {
        title: "Agent Skill Acquisition via CycleQD (Kuroki et al., ICLR 2025)",
        url: "https://arxiv.org/abs/2410.14735",
    },
    section: Section::Variation,
    adapters: ANY,
    experimental: false,
    params: &[
        ParamSpec {
            name: "amount",
            title: "Amount",
            help: "The most that a singular value changes by, as a share of it: 0 changes nothing, 1 may double it.",
            kind: ParamKind::Number { default: 0.1, min: 0.0, max: 1.0, step: 0.01 },
        },
        ParamSpec {
            name: "direction",
            title: "Direction",
            help: "Whether singular values only grow, as in the paper, or shrink as often.",
            kind: ParamKind::Choice {
                default: "up",
                options: &[Option { id: "up", title: "up" }, Option { id: "both", title: "up and down" }],
            },
        },
    ],
    laws: &[Law::GaugeFree],
};

impl MergeMethod for Mutate {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let (amount, both) = (params.number("amount"), params.choice("direction") == "both");
        let (p, q) = module.core()?.size();
        let mut sum = Mat::zeros(p, q);
        for (delta, adapter) in module.deltas()?.iter().zip(module.present) {
            let mut svd = linalg::svd(delta.as_ref()).map_err(failed)?;
            svd.sigma.truncate(linalg::rank(&svd.sigma, NULL));
            let stream = Stream::new(module.seed, module.name, *adapter as u64);
            for (l, sigma) in svd.sigma.iter_mut().enumerate() {
                let u = stream.uniform(l as u64);
                *sigma *= 1.0 + amount * if both { 2.0 * u - 1.0 } else { u };
            }
            linalg::add(&mut sum, 1.0, linalg::assembled(svd.u.as_ref(), &svd.sigma, svd.v.as_ref()).as_ref());
        }
        Ok(Merged::Core(sum).into())
    }
}
