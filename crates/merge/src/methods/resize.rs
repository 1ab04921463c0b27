//! Resize: one adapter with fewer directions.
//!
//! w·ΔW = U·diag(σ)·Vᵀ (σ descending); its first k directions stay, the nearest matrix of that rank. How many:
//!
//! | `rule` | k, the least number with | `value` |
//! |---|---|---|
//! | `energy` | σ₁² + … + σ_k² ≥ t·Σσ² | share t of the squared norm |
//! | `fro` | σ₁² + … + σ_k² ≥ t²·Σσ² | share t of the norm |
//! | `cumulative` | σ₁ + … + σ_k ≥ t·Σσ | share t of the sum |
//! | `ratio` | all σ > σ₁/t | how many times weaker than the strongest |
//! | `rank` | k = t | a number |
//!
//! Every module gets the rank that it needs; the rank of the output is a cap on top. kohya's resize has the rules `fro`,
//! `cumulative` and `ratio` too (`sv_*`); it holds k between 1 and one less than there are and then keeps one direction
//! more, so its files are up to one rank larger than the rule says. At the default (all of the energy) only null
//! directions go. For files that are larger than what they know. What is cut is lost: small shares take the details first.
//!
//! Costs one SVD of a matrix of the rank.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome, failed};
use crate::spec::{Law, Option, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use rankweave_adapter::{Adapter, Error, Kind, Result};
use rankweave_compute::{NULL, linalg};

pub(super) struct Resize;

static SPEC: Spec = Spec {
    id: "resize",
    title: "Resize",
    summary: "Gives one adapter a smaller rank, in every module the one that a rule finds.",
    formula: "M = Σ_{l ≤ k} σ_l·u_l·v_lᵀ   of   w·ΔW = U·diag(σ)·Vᵀ",
    when: "For one adapter that is larger than it needs to be: 0.95 of the energy often fits a fraction of the rank. \
           Details are what is lost first.",
    reference: Reference { title: "kohya-ss/sd-scripts: resize_lora", url: "https://github.com/kohya-ss/sd-scripts" },
    section: Section::Reduction,
    adapters: (1, 1),
    experimental: false,
    params: &[
        ParamSpec {
            name: "rule",
            title: "Rule",
            help: "What decides how many directions a module keeps.",
            kind: ParamKind::Choice {
                default: "energy",
                options: &[
                    Option { id: "energy", title: "share of the energy (squared norm)" },
                    Option { id: "fro", title: "share of the norm (sv_fro)" },
                    Option { id: "cumulative", title: "share of the singular values' sum (sv_cumulative)" },
                    Option { id: "ratio", title: "weakest to strongest (sv_ratio)" },
                    Option { id: "rank", title: "a fixed rank" },
                ],
            },
        },
        ParamSpec {
            name: "value",
            title: "Value",
            help: "For the shares from 0 (one direction) to 1 (all of them); for the ratio how many times weaker than the \
                   strongest a direction may be (1 keeps none but it, 10 is usual); for a fixed rank the rank.",
            kind: ParamKind::Number { default: 1.0, min: 0.0, max: 100_000.0, step: 0.01 },
        },
    ],
    laws: &[Law::Single, Law::GaugeFree],
};

impl MergeMethod for Resize {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn suits(&self, _: &[Adapter], params: &Params) -> Result<()> {
        let value = params.number("value");
        let (fine, expected) = match params.choice("rule") {
            "rank" => (value >= 1.0 && value.fract() == 0.0, "a whole number from 1"),
            "ratio" => (value >= 1.0, "a number from 1"),
            _ => (value <= 1.0, "a share from 0 to 1"),
        };
        let error = Error::new(Kind::Parameter, "The value does not go with the rule of resize").key("value");
        if fine { Ok(()) } else { Err(error.expected(expected).found(value.to_string())) }
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let deltas = module.deltas()?;
        let svd = linalg::svd(deltas[0].as_ref()).map_err(failed)?;
        let there = &svd.sigma[..linalg::rank(&svd.sigma, NULL)];
        let kept = chosen(there, params.choice("rule"), params.number("value"));
        let energy = |sigma: &[f64]| sigma.iter().map(|s| s * s).sum::<f64>();
        let share = if there.is_empty() { 1.0 } else { energy(&there[..kept]) / energy(there) };
        let merged = Merged::Core(linalg::assembled(svd.u.as_ref(), &there[..kept], svd.v.as_ref()));
        Ok(Outcome::from(merged).with("kept-rank", kept as f64).with("kept-energy", share))
    }
}

/// How many of `sigma` (descending, above zero) the rule keeps: one at least, if there are any.
fn chosen(sigma: &[f64], rule: &str, value: f64) -> usize {
    let power = if rule == "cumulative" { 1 } else { 2 };
    let share = if rule == "fro" { value * value } else { value };
    let wanted = share * sigma.iter().map(|s| s.powi(power)).sum::<f64>();
    let mut kept = 0.0;
    let count = match rule {
        "rank" => value as usize,
        "ratio" => sigma.iter().filter(|s| **s * value > sigma[0]).count(),
        // All of it is all of it, however the sum was rounded.
        _ if value >= 1.0 => sigma.len(),
        _ => {
            let short = |s: &&f64| {
                let short = kept < wanted;
                kept += s.powi(power);
                short
            };
            sigma.iter().take_while(short).count()
        }
    };
    count.clamp(sigma.len().min(1), sigma.len())
}
