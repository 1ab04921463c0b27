//! TALL masks: which entries of a merged vector an adapter would know as its own.
//!
//! ```text
//! τ_MT   = Σ τᵢ, or what TIES makes of them, added up        at every entry of τᵢ = wᵢ·ΔWᵢ
//! maskᵢ  = |τᵢ| > λ·|τ_MT − τᵢ|
//! ```
//!
//! (Wang et al., ICML 2024.) `consensus` counts the masks, `tall` takes one of them.

use crate::method::ModuleInputs;
use crate::spec::{Option as Choice, ParamKind, ParamSpec, Params};
use crate::survey::Survey;
use crate::trim::Trim;
use rankweave_compute::entries::{Elect, Rule, Select};

/// What τ_MT is.
pub(crate) const OF: ParamSpec = ParamSpec {
    name: "of",
    title: "Masks of",
    help: "What is masked, and compared with the adapters: their sum, or the sum of what TIES leaves of them.",
    kind: ParamKind::Choice {
        default: "sum",
        options: &[Choice { id: "sum", title: "the sum" }, Choice { id: "ties", title: "TIES" }],
    },
};

/// λ of the masks.
pub(crate) const FACTOR: ParamSpec = ParamSpec {
    name: "factor",
    title: "Mask's λ",
    help: "How large an adapter's entry must be, next to what all others add to it: 0 keeps whatever is not 0, 0.4 is the \
           papers' middle, at 1 it must be the larger of the two.",
    kind: ParamKind::Number { default: 0.4, min: 0.0, max: 5.0, step: 0.05 },
};

/// τ_MT of the module, of which `select` stays. `facts` of TIES' thresholds are the file's or the module's.
pub(crate) fn rule(module: &ModuleInputs, params: &Params, select: Select) -> Rule {
    let mut rule = Rule { select, ..Rule::sum(module.weights) };
    if params.choice("of") == "ties" {
        rule.elect = Elect::Mass;
        let trim = trim(params);
        rule.parts.iter_mut().zip(module.present).for_each(|(part, adapter)| part.keep = trim.keep(module, *adapter));
    }
    rule
}

/// Rounds over all modules, for thresholds of the file.
pub(crate) fn rounds(params: &Params) -> usize {
    if params.choice("of") == "ties" { trim(params).rounds() } else { 0 }
}

/// Looks at a module, for thresholds of its own.
pub(crate) fn looks(params: &Params) -> usize {
    if params.choice("of") == "ties" { trim(params).looks() } else { 0 }
}

/// What one of them counts.
pub(crate) fn survey(round: usize, module: &ModuleInputs, params: &Params) -> Survey {
    trim(params).survey(round, module)
}

fn trim(params: &Params) -> Trim<'_> {
    Trim::new(params, params.choice("scope"))
}
