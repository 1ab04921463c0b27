//! Naive twins of the merge methods: each formula on dense deltas in f64, the plainest way.
//!
//! A twin is a file here of its method's name and a line in [`TWINS`]. It is written from the formula and uses nothing
//! of the crates it judges, but for the random numbers, which are an input and not a formula.

mod ace;
mod angle_gate;
mod auto;
mod awd;
mod breadcrumbs;
mod cart;
mod coefficients;
mod compeft;
mod consensus;
mod core;
mod crossover;
mod ctm;
mod dare;
mod dare_ties;
mod dc_merge;
mod della;
mod do_merging;
mod doge;
mod drop_units;
mod emr;
mod entries;
mod frequency;
mod gram_schmidt;
mod inner;
mod iso_c;
mod iso_cts;
mod knots;
mod lego;
mod linear;
mod lowdin;
mod magmax;
mod magnitude_prune;
mod mosaic;
mod mutate;
mod np_lora;
mod opcm;
mod orthogonal;
mod pcb;
mod pico;
mod ram;
mod resize;
mod robust_merge;
mod scalar;
mod sce;
mod star;
mod svc;
mod tall;
mod ties;
mod tsv;
mod twin;
mod wudi;
mod zip_columns;

use crate::dense::Matrix;
use crate::naive::Pair;
use serde_json::Value;

/// One adapter's part in a module.
#[derive(Clone, Debug)]
pub struct Part {
    /// Position of the adapter in the mix.
    pub adapter: usize,
    /// Its weight.
    pub weight: f64,
    /// Its factors as stored, with the scale.
    pub pair: Pair,
}

impl Part {
    /// τ = w·ΔW.
    pub fn tau(&self) -> Matrix {
        self.pair.delta().scaled(self.weight)
    }
}

/// One module of all adapters that have it.
#[derive(Clone, Debug)]
pub struct Module {
    /// Its display name, which chance is drawn from.
    pub name: String,
    /// The parts, in the mix's order.
    pub parts: Vec<Part>,
}

impl Module {
    /// τᵢ of every part.
    pub fn taus(&self) -> Vec<Matrix> {
        self.parts.iter().map(Part::tau).collect()
    }

    /// Στᵢ.
    pub fn sum(&self) -> Matrix {
        self.taus().into_iter().reduce(|a, b| a.plus(1.0, &b)).expect("a module has a part")
    }
}

/// A whole merge.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The modules.
    pub modules: Vec<Module>,
    /// How many adapters there are.
    pub adapters: usize,
    /// The method's parameters, as in a recipe.
    pub params: Value,
    /// The recipe's seed.
    pub seed: u64,
    /// The rank asked for, where one is.
    pub rank: Option<usize>,
}

impl Problem {
    /// A number parameter, or what it is when not given.
    pub fn number(&self, name: &str, default: f64) -> f64 {
        self.params[name].as_f64().unwrap_or(default)
    }

    /// A choice, or what it is when not given.
    pub fn choice<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.params[name].as_str().unwrap_or(default)
    }

    /// A flag, or what it is when not given.
    pub fn flag(&self, name: &str, default: bool) -> bool {
        self.params[name].as_bool().unwrap_or(default)
    }

    /// A method that looks at one module at a time.
    pub fn each(&self, merge: impl Fn(&Module) -> Matrix) -> Vec<Matrix> {
        self.modules.iter().map(merge).collect()
    }
}

/// One method's twin.
pub struct Twin {
    /// Id of the method.
    pub id: &'static str,
    /// Settings to try, as JSON; the defaults among them.
    pub params: &'static [&'static str],
    /// M of every module, before any truncation.
    pub merge: fn(&Problem) -> Vec<Matrix>,
}

/// All twins.
pub const TWINS: &[Twin] = &[
    auto::TWIN,
    linear::SUM,
    linear::MEAN,
    linear::CONCAT,
    linear::ANALOGY,
    scalar::NORM_EQUALISE,
    scalar::CAP_OUTLIERS,
    scalar::NAN,
    scalar::FROM,
    scalar::METAGPT,
    scalar::MODEL_STOCK,
    scalar::LEAST_SQUARES,
    scalar::SLERP,
    scalar::NUSLERP,
    scalar::MULTI_SLERP,
    scalar::KARCHER,
    lego::TWIN,
    orthogonal::TWIN,
    np_lora::TWIN,
    opcm::TWIN,
    do_merging::TWIN,
    gram_schmidt::TWIN,
    angle_gate::TWIN,
    lowdin::TWIN,
    zip_columns::TWIN,
    // Spectral
    tsv::TWIN,
    iso_c::TWIN,
    iso_cts::TWIN,
    star::TWIN,
    dc_merge::TWIN,
    wudi::TWIN,
    pico::TWIN,
    svc::TWIN,
    cart::TWIN,
    robust_merge::TWIN,
    ace::TWIN,
    awd::TWIN,
    twin::TWIN,
    // Sparse masks
    ties::TWIN,
    dare::TWIN,
    dare_ties::TWIN,
    della::TWIN,
    breadcrumbs::TWIN,
    magnitude_prune::TWIN,
    sce::TWIN,
    magmax::TWIN,
    emr::TWIN,
    consensus::TWIN,
    tall::TWIN,
    pcb::TWIN,
    ram::TWIN,
    mosaic::TWIN,
    doge::TWIN,
    frequency::TWIN,
    knots::TWIN,
    core::TWIN,
    ctm::TWIN,
    resize::TWIN,
    drop_units::TWIN,
    compeft::TWIN,
    crossover::TWIN,
    mutate::TWIN,
    coefficients::TWIN,
];

/// The thin SVD (U p×ρ, σ, V q×ρ) over singular values above `least` times the largest.
pub fn svd(x: &Matrix, least: f64) -> (Matrix, Vec<f64>, Matrix) {
    let triplets = x.svd();
    let top = triplets.first().map_or(0.0, |t| t.0);
    let kept: Vec<_> = triplets.into_iter().filter(|t| t.0 > least * top && t.0 > 0.0).collect();
    let (mut u, mut v) = (Matrix::zero(x.rows, kept.len()), Matrix::zero(x.columns, kept.len()));
    for (l, (sigma, us, vs)) in kept.iter().enumerate() {
        us.iter().enumerate().for_each(|(i, x)| u.values[i * kept.len() + l] = x / sigma);
        vs.iter().enumerate().for_each(|(j, x)| v.values[j * kept.len() + l] = *x);
    }
    (u, kept.iter().map(|t| t.0).collect(), v)
}

/// The first `count` columns.
pub fn leading(x: &Matrix, count: usize) -> Matrix {
    let rows = x.values.chunks_exact(x.columns.max(1)).flat_map(|row| row[..count].to_vec());
    if count == 0 { Matrix::zero(x.rows, 0) } else { Matrix::new(x.rows, count, rows.collect()) }
}

/// wanted·(ΣH + μI)⁻¹ by Gauss–Jordan elimination with pivoting; μ > 0.
pub fn regressed(wanted: &Matrix, covariances: &[Matrix], mu: f64) -> Matrix {
    let n = wanted.columns;
    let mut left = covariances.iter().skip(1).fold(covariances[0].clone(), |sum, h| sum.plus(1.0, h));
    (0..n).for_each(|i| left.values[i * n + i] += mu);
    // (ΣH + μI)·Xᵀ = wantedᵀ.
    let mut right = wanted.transposed();
    let m = right.columns;
    for at in 0..n {
        let size = |row: &usize| left.values[row * n + at].abs();
        let pivot = (at..n).max_by(|a, b| size(a).total_cmp(&size(b))).expect("rows are left");
        (0..n).for_each(|j| left.values.swap(at * n + j, pivot * n + j));
        (0..m).for_each(|j| right.values.swap(at * m + j, pivot * m + j));
        let head = left.values[at * n + at];
        (0..n).for_each(|j| left.values[at * n + j] /= head);
        (0..m).for_each(|j| right.values[at * m + j] /= head);
        for row in (0..n).filter(|row| *row != at) {
            let factor = left.values[row * n + at];
            (0..n).for_each(|j| left.values[row * n + j] -= factor * left.values[at * n + j]);
            (0..m).for_each(|j| right.values[row * m + j] -= factor * right.values[at * m + j]);
        }
    }
    right.transposed()
}

/// U·diag(σ)·Vᵀ.
pub fn assembled(u: &Matrix, sigma: &[f64], v: &Matrix) -> Matrix {
    let mut scaled = u.clone();
    for row in scaled.values.chunks_exact_mut(sigma.len().max(1)) {
        row.iter_mut().zip(sigma).for_each(|(x, s)| *x *= s);
    }
    scaled.times(&v.transposed())
}

/// The polar factor over directions above 1e-8 of the largest.
pub fn polar(x: &Matrix) -> Matrix {
    let (u, sigma, v) = svd(x, 1e-8);
    assembled(&u, &vec![1.0; sigma.len()], &v)
}

/// Matrices side by side.
pub fn beside(parts: &[Matrix]) -> Matrix {
    let columns = parts.iter().map(|p| p.columns).sum();
    let rows = parts.first().map_or(0, |p| p.rows);
    let mut out = Matrix::zero(rows, columns);
    for i in 0..rows {
        let row = parts.iter().flat_map(|p| &p.values[i * p.columns..(i + 1) * p.columns]);
        row.enumerate().for_each(|(j, x)| out.values[i * columns + j] = *x);
    }
    out
}
