//! Coefficients: the sum at weights that are brought along, per adapter, module or rank-one unit.
//!
//! λ comes from elsewhere: learned on data (AdaMerging, LoRA Soups: one per adapter and module; aTLAS, TARA: one per
//! rank-one unit), or found by hand. `coefficients` holds it as JSON, see [`crate::given`]; what it does not name has
//! λ = 1, so without it this is the sum:
//!
//! ```text
//! M = Σᵢ wᵢ·λᵢ·ΔWᵢ                        a number per module
//! M = Σᵢ wᵢ·sᵢ·Σ_j λᵢⱼ·b_ij·a_ijᵀ         a list: units in the order of the file (`stored`)
//! M = Σᵢ wᵢ·Σ_l λᵢₗ·σᵢₗ·u_il·v_ilᵀ         a list: singular directions, strongest first (`singular`)
//! ```
//!
//! A list has as many numbers as the module has units. Patterns look at the names that the merged modules have. A sum,
//! not a mean. λ that was learned is only good for the adapters and the base that it was learned with.
//!
//! Costs as `sum`; with lists as core space, and in singular order one SVD per adapter more.

use crate::given::{Given, Lambda};
use crate::glob::Name;
use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome, failed};
use crate::spec::{ANY, Law, Option, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use rankweave_adapter::{Adapter, Error, Kind, Result};
use rankweave_compute::{Mat, Nulls, linalg};

pub(super) struct Coefficients;

static SPEC: Spec = Spec {
    id: "coefficients",
    title: "Own coefficients",
    summary: "Adds the adapters up at coefficients that you bring along: per adapter, per module, per rank-one unit.",
    formula: "M = Σ wᵢ·λᵢ·ΔWᵢ,   or   Σᵢ wᵢ·sᵢ·Σ_j λᵢⱼ·b_ij·a_ijᵀ",
    when: "For coefficients that were learned elsewhere, or found by hand. They fit only the adapters and the base model \
           that they were found with.",
    reference: Reference {
        title: "AdaMerging (Yang et al., ICLR 2024); aTLAS (Zhang et al., NeurIPS 2024)",
        url: "https://arxiv.org/abs/2310.02575",
    },
    section: Section::Variation,
    adapters: ANY,
    experimental: false,
    params: &[
        ParamSpec {
            name: "coefficients",
            title: "Coefficients",
            help: "JSON: adapters by name or place from 1, then patterns of module names, then λ or a list of one λ per \
                   unit, as {\"1\": {\"*\": 0.8, \"*attn2*\": 0.5}}. What is not named has λ = 1; 0 leaves it out.",
            kind: ParamKind::Text { most: 262_144 },
        },
        ParamSpec {
            name: "units",
            title: "Units of a list",
            help: "What the numbers of a list count: the rank-one units as the file has them, or the singular directions, \
                   strongest first.",
            kind: ParamKind::Choice {
                default: "stored",
                options: &[Option { id: "stored", title: "as stored" }, Option { id: "singular", title: "singular" }],
            },
        },
    ],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree, Law::Additive, Law::Cancels],
};

impl MergeMethod for Coefficients {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn suits(&self, adapters: &[Adapter], params: &Params) -> Result<()> {
        let labels: Vec<String> = adapters.iter().map(|adapter| adapter.label.clone()).collect();
        let given = Given::read(params.text("coefficients"), &labels)?;
        for (i, adapter) in adapters.iter().enumerate() {
            for entry in &given.0[i] {
                if !adapter.modules.iter().any(|module| entry.pattern.fits(&module.key)) {
                    return Err(Error::new(Kind::Parameter, "A pattern of the coefficients fits no module")
                        .file(&adapter.label)
                        .key(entry.pattern.text())
                        .hint("Compare it with the names that inspect shows."));
                }
            }
            for module in &adapter.modules {
                if let Some(Lambda::Units(list)) = given.of(i, &Name::new(&module.key)) {
                    same(list.len(), module.rank).map_err(|e| e.file(&adapter.label).module(module.key.id()))?;
                }
            }
        }
        Ok(())
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let given = Given::read(params.text("coefficients"), module.labels)?;
        let name = Name::of_id(module.name);
        let lambdas: Vec<Lambda> =
            module.present.iter().map(|a| given.of(*a, &name).cloned().unwrap_or(Lambda::One(1.0))).collect();
        let one = |(lambda, weight): (&Lambda, &f64)| match lambda {
            Lambda::One(lambda) => Some(lambda * weight),
            Lambda::Units(_) => None,
        };
        if let Some(coefficients) = lambdas.iter().zip(module.weights).map(one).collect() {
            return Ok(Merged::Linear { coefficients, nulls: Nulls::Drop }.into());
        }
        let core = module.core()?;
        let mut sum = Mat::zeros(core.size().0, core.size().1);
        for (i, lambda) in lambdas.iter().enumerate() {
            let (pair, weight) = (&module.pairs[i], module.weights[i]);
            match lambda {
                Lambda::One(lambda) => linalg::add(&mut sum, lambda * weight, core.delta(i).as_ref()),
                Lambda::Units(list) => {
                    same(list.len(), pair.rank)?;
                    let part = if params.choice("units") == "singular" {
                        let svd = linalg::svd(core.delta(i).as_ref()).map_err(failed)?;
                        let scaled: Vec<f64> = svd.sigma.iter().zip(list).map(|(s, lambda)| s * lambda).collect();
                        linalg::assembled(svd.u.as_ref(), &scaled, svd.v.as_ref())
                    } else {
                        let scaled: Vec<f64> = list.iter().map(|lambda| lambda * pair.scale).collect();
                        linalg::assembled(core.up(i), &scaled, core.down(i))
                    };
                    linalg::add(&mut sum, weight, part.as_ref());
                }
            }
        }
        Ok(Merged::Core(sum).into())
    }
}

fn same(found: usize, rank: usize) -> Result<()> {
    if found == rank {
        return Ok(());
    }
    Err(Error::new(Kind::Parameter, "A list of coefficients is not as long as the module has units")
        .key("coefficients")
        .expected(format!("{rank} numbers"))
        .found(found.to_string())
        .hint("Give one number for each rank-one unit, or one for the whole module."))
}
