//! What a merge did, in numbers that add up over modules.

use crate::device::DeviceLine;
use crate::method::{Detail, Picture};
use rankweave_compute::linalg;
use serde::{Deserialize, Serialize};

/// One module's numbers. Everything is a squared Frobenius norm or an inner
/// product, so that modules add up to the whole adapter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModuleReport {
    /// Display name.
    pub module: String,
    /// Name of its up factor in the output.
    pub key: String,
    /// Whether the text encoders' weights apply.
    pub text_encoder: bool,
    /// Rows of ΔW.
    pub out: usize,
    /// Columns of ΔW.
    pub columns: usize,
    /// Rank written; of a whole difference min(out, columns), as it is read.
    pub rank: usize,
    /// Its sources, in the adapters' order.
    pub sources: Vec<SourceShare>,
    /// ⟨ΔWᵢ, ΔWⱼ⟩ of the sources, row-major.
    pub inner_products: Vec<f64>,
    /// ‖what the formula asks for‖².
    pub total: f64,
    /// ‖M‖² after truncation.
    pub kept: f64,
    /// Squared error of the truncation.
    pub lost: f64,
    /// Squared error of rounding to the output type, to first order.
    pub rounding: f64,
    /// The alpha that readers of the file will find: the rank, but for an adapter that is carried over unchanged.
    pub alpha: f64,
    /// Its tensors were carried over as they are: M is ΔW, and no norm was taken.
    #[serde(default)]
    pub carried: bool,
    /// What the method tells of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Detail>,
    /// The method's picture of its units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<Picture>,
    /// The device that worked on its entries, where that was not the CPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceLine>,
}

/// One source of a module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceShare {
    /// Index of the adapter.
    pub source: usize,
    /// Its rank there.
    pub rank: usize,
    /// Its weight there: what ΔWᵢ was multiplied by.
    pub weight: f64,
    /// The part of it that blocks and rules make.
    pub factor: f64,
    /// ⟨M, ΔWᵢ⟩.
    pub inner: f64,
}

impl ModuleReport {
    /// ‖M − exact‖/‖exact‖: truncation and rounding, which are orthogonal to first order.
    pub fn residual(&self) -> f64 {
        relative(self.lost + self.rounding, self.total)
    }

    /// Kept share of the energy.
    pub fn energy(&self) -> f64 {
        if self.total > 0.0 { (1.0 - self.lost / self.total).max(0.0) } else { 1.0 }
    }

    /// The weights x that make Σ xᵢ·ΔWᵢ closest to M, one per source.
    pub fn recovered_weights(&self) -> Vec<f64> {
        if self.carried {
            return vec![1.0; self.sources.len()];
        }
        let inner: Vec<f64> = self.sources.iter().map(|s| s.inner).collect();
        linalg::solve_gram(&self.inner_products, &inner)
    }
}

/// Sums over modules.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    adapters: usize,
    /// Modules added.
    pub modules: usize,
    /// ‖what the formula asks for‖².
    pub total: f64,
    /// Squared error of truncation.
    pub lost: f64,
    /// Squared error of rounding.
    pub rounding: f64,
    model: Gathered,
    text_encoder: Gathered,
}

/// Normal equations of the recovered weights, for modules that share their weights.
#[derive(Clone, Debug, Default)]
struct Gathered {
    /// ⟨fᵢ·ΔWᵢ, fⱼ·ΔWⱼ⟩, f being the part of a weight that blocks and rules make: what is recovered is the other part,
    /// which an adapter has once.
    gram: Vec<f64>,
    inner: Vec<f64>,
    /// ‖ΔWᵢ‖².
    norms: Vec<f64>,
    modules: Vec<usize>,
    /// How many of them were carried over.
    carried: Vec<usize>,
}

/// One adapter's part of the whole.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceReport {
    /// Modules it has outside and inside text encoders.
    pub modules: (usize, usize),
    /// Its recovered weight outside text encoders, before blocks and rules, where they leave something of it there.
    pub recovered: Option<f64>,
    /// The same in text encoders.
    pub recovered_text_encoder: Option<f64>,
    /// ‖ΔW‖_F over all its modules; none where some were carried over unmeasured.
    pub norm: Option<f64>,
}

impl Totals {
    /// For a merge of `adapters` adapters.
    pub fn new(adapters: usize) -> Totals {
        let zeros = vec![0.0; adapters];
        let gathered = Gathered {
            gram: vec![0.0; adapters * adapters],
            inner: zeros.clone(),
            norms: zeros,
            modules: vec![0; adapters],
            carried: vec![0; adapters],
        };
        Totals { adapters, model: gathered.clone(), text_encoder: gathered, ..Totals::default() }
    }

    /// Adds a module. The order of additions is part of "same input, same bytes".
    pub fn add(&mut self, report: &ModuleReport) {
        self.modules += 1;
        self.total += report.total;
        self.lost += report.lost;
        self.rounding += report.rounding;
        let group = if report.text_encoder { &mut self.text_encoder } else { &mut self.model };
        let count = report.sources.len();
        for (i, a) in report.sources.iter().enumerate() {
            group.modules[a.source] += 1;
            group.carried[a.source] += usize::from(report.carried);
            group.inner[a.source] += a.factor * a.inner;
            group.norms[a.source] += report.inner_products[i * count + i];
            for (j, b) in report.sources.iter().enumerate() {
                let product = a.factor * b.factor * report.inner_products[i * count + j];
                group.gram[a.source * self.adapters + b.source] += product;
            }
        }
    }

    /// ‖M − exact‖/‖exact‖ over all modules.
    pub fn residual(&self) -> f64 {
        relative(self.lost + self.rounding, self.total)
    }

    /// The part of [`Totals::residual`] that comes from rounding.
    pub fn rounding(&self) -> f64 {
        relative(self.rounding, self.total)
    }

    /// Kept share of the energy.
    pub fn energy(&self) -> f64 {
        if self.total > 0.0 { (1.0 - self.lost / self.total).max(0.0) } else { 1.0 }
    }

    /// Every adapter's part.
    pub fn sources(&self) -> Vec<SourceReport> {
        let model = linalg::solve_gram(&self.model.gram, &self.model.inner);
        let text_encoder = linalg::solve_gram(&self.text_encoder.gram, &self.text_encoder.inner);
        let source = |i: usize| {
            let modules = (self.model.modules[i], self.text_encoder.modules[i]);
            // Where blocks and rules leave nothing of an adapter, there is nothing to recover.
            let left = |group: &Gathered| group.gram[i * self.adapters + i] > 0.0 || group.norms[i] == 0.0;
            // Where all of it is carried over, it is there as it was.
            let whole = |group: &Gathered| group.carried[i] > 0 && group.norms[i] == 0.0;
            let weight = |group: &Gathered, found: f64| if whole(group) { 1.0 } else { found };
            let carried = self.model.carried[i] + self.text_encoder.carried[i];
            SourceReport {
                modules,
                recovered: (modules.0 > 0 && left(&self.model)).then(|| weight(&self.model, model[i])),
                recovered_text_encoder: (modules.1 > 0 && left(&self.text_encoder))
                    .then(|| weight(&self.text_encoder, text_encoder[i])),
                norm: (carried == 0).then(|| (self.model.norms[i] + self.text_encoder.norms[i]).sqrt()),
            }
        };
        (0..self.adapters).map(source).collect()
    }
}

fn relative(squared_error: f64, total: f64) -> f64 {
    if total > 0.0 { (squared_error / total).sqrt() } else { 0.0 }
}
