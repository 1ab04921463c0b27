//! The inner products ⟨wᵢ·ΔWᵢ, wⱼ·ΔWⱼ⟩ of the adapters, in one module or in all together: all that rules need which
//! give each adapter a coefficient.

use crate::facts::Facts;
use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{Option as Choice, ParamKind, ParamSpec, Params, Spec};
use crate::survey::Survey;
use rankweave_adapter::Result;
use rankweave_compute::Nulls;

/// A T×T Gram matrix.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Gram {
    /// T.
    pub count: usize,
    /// Row-major.
    pub values: Vec<f64>,
    /// Which adapters of the mix these are.
    pub adapters: Vec<usize>,
    /// ‖τᵢ‖/‖ΔWᵢ‖: the size of the weight, over the file on average.
    pub weights: Vec<f64>,
}

impl Gram {
    /// That of the adapters that have the module.
    pub fn of_module(module: &ModuleInputs) -> Gram {
        let weights = module.weights.iter().map(|w| w.abs()).collect();
        let adapters = module.present.to_vec();
        Gram { count: adapters.len(), values: module.inner_products(), adapters, weights }
    }

    /// That of all adapters over all modules, from round `round` of [`survey`].
    pub fn of_file(facts: &Facts, round: usize, adapters: usize) -> Gram {
        let mut values = facts.round(round).to_vec();
        values.resize(adapters * adapters + adapters, 0.0);
        let plain = values.split_off(adapters * adapters);
        let weight = |(i, plain): (usize, &f64)| {
            let size = values[i * (adapters + 1)];
            if *plain > 0.0 { (size / plain).max(0.0).sqrt() } else { 0.0 }
        };
        let weights = plain.iter().enumerate().map(weight).collect();
        Gram { count: adapters, values, adapters: (0..adapters).collect(), weights }
    }

    /// ⟨τᵢ, τⱼ⟩.
    pub fn inner(&self, i: usize, j: usize) -> f64 {
        self.values[i * self.count + j]
    }

    /// ‖τᵢ‖.
    pub fn norm(&self, i: usize) -> f64 {
        self.inner(i, i).max(0.0).sqrt()
    }

    /// All norms.
    pub fn norms(&self) -> Vec<f64> {
        (0..self.count).map(|i| self.norm(i)).collect()
    }

    /// The cosine of two adapters, 0 where one is zero.
    pub fn cosine(&self, i: usize, j: usize) -> f64 {
        let size = self.norm(i) * self.norm(j);
        if size > 0.0 { (self.inner(i, j) / size).clamp(-1.0, 1.0) } else { 0.0 }
    }

    /// ⟨Σ aᵢτᵢ, Σ bᵢτᵢ⟩.
    pub fn between(&self, a: &[f64], b: &[f64]) -> f64 {
        let row = |(i, x): (usize, &f64)| x * b.iter().enumerate().map(|(j, y)| y * self.inner(i, j)).sum::<f64>();
        a.iter().enumerate().map(row).sum()
    }
}

/// What a round has to find in a module for [`Gram::of_file`]: ⟨τᵢ, τⱼ⟩ of all adapters, then ‖ΔWᵢ‖².
pub(crate) fn survey(module: &ModuleInputs) -> Vec<f64> {
    let own = Gram::of_module(module);
    let square = module.adapters * module.adapters;
    let mut all = vec![0.0; square + module.adapters];
    for (i, a) in module.present.iter().enumerate() {
        all[square + a] += module.grams.inner(i, i);
        for (j, b) in module.present.iter().enumerate() {
            all[a * module.adapters + b] += own.inner(i, j);
        }
    }
    all
}

/// Where a scalar rule looks.
pub(crate) const fn from(default: &'static str) -> ParamSpec {
    ParamSpec {
        name: "from",
        title: "Taken from",
        help: "One coefficient per adapter for the whole file, or one for each module by itself.",
        kind: ParamKind::Choice {
            default,
            options: &[Choice { id: "file", title: "the whole file" }, Choice { id: "module", title: "each module" }],
        },
    }
}

/// A rule that gives every τᵢ a coefficient: M = Σ cᵢ·τᵢ. Its Spec has the parameter [`from`].
pub(crate) struct Scalar {
    pub spec: &'static Spec,
    /// c from the Gram matrix (T ≥ 1), finite.
    pub rule: fn(&Gram, &Params) -> Vec<f64>,
}

impl MergeMethod for Scalar {
    fn spec(&self) -> &'static Spec {
        self.spec
    }

    fn rounds(&self, params: &Params) -> usize {
        usize::from(params.choice("from") == "file")
    }

    fn survey(&self, _: usize, module: &ModuleInputs, _: &Params) -> Result<Survey> {
        Ok(survey(module).into())
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let own: Vec<f64> = if params.choice("from") == "file" {
            let all = (self.rule)(&Gram::of_file(module.facts, 0, module.adapters), params);
            module.present.iter().map(|a| all[*a]).collect()
        } else {
            (self.rule)(&Gram::of_module(module), params)
        };
        let coefficients = own.iter().zip(module.weights).map(|(c, w)| c * w).collect();
        Ok(Merged::Linear { coefficients, nulls: Nulls::Drop }.into())
    }
}

/// The middle value, or the mean of the two in the middle; 0 of none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n => 0.5 * (sorted[(n - 1) / 2] + sorted[n / 2]),
    }
}
