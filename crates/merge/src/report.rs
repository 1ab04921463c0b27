//! What a merge did, in numbers that add up over modules.

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
    /// Rank written.
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
}

/// One source of a module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceShare {
    /// Index of the adapter.
    pub source: usize,
    /// Its rank there.
    pub rank: usize,
    /// Its weight there.
    pub weight: f64,
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
    gram: Vec<f64>,
    inner: Vec<f64>,
    modules: Vec<usize>,
}

/// One adapter's part of the whole.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceReport {
    /// Modules it has outside and inside text encoders.
    pub modules: (usize, usize),
    /// Its recovered weight outside text encoders, where it has modules there.
    pub recovered: Option<f64>,
    /// Its recovered weight in text encoders, where it has modules there.
    pub recovered_text_encoder: Option<f64>,
    /// ‖ΔW‖_F over all its modules.
    pub norm: f64,
}

impl Totals {
    /// For a merge of `adapters` adapters.
    pub fn new(adapters: usize) -> Totals {
        let gathered =
            Gathered { gram: vec![0.0; adapters * adapters], inner: vec![0.0; adapters], modules: vec![0; adapters] };
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
            group.inner[a.source] += a.inner;
            for (j, b) in report.sources.iter().enumerate() {
                group.gram[a.source * self.adapters + b.source] += report.inner_products[i * count + j];
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
            let at = i * self.adapters + i;
            SourceReport {
                modules,
                recovered: (modules.0 > 0).then(|| model[i]),
                recovered_text_encoder: (modules.1 > 0).then(|| text_encoder[i]),
                norm: (self.model.gram[at] + self.text_encoder.gram[at]).sqrt(),
            }
        };
        (0..self.adapters).map(source).collect()
    }
}

fn relative(squared_error: f64, total: f64) -> f64 {
    if total > 0.0 { (squared_error / total).sqrt() } else { 0.0 }
}
