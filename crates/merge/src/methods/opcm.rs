//! OPCM: adapters join one after the other, each without what the merge so far already does.
//!
//! With S = U·Σ·Vᵀ the merge so far, ρ its rank, and k the first position at which Σσ up to there exceeds α of the whole,
//! P = Uᵀ·τ_t·V loses its leading k×k block and its first ρ diagonal entries, and
//!
//! ```text
//! S₁ = τ₁      S_t = S_{t−1} + U·P·Vᵀ      M = S_T / λ,  λ = ‖S_T‖/n̄
//! ```
//!
//! n̄ the mean of ‖τᵢ‖, norms over the whole file: the result is as large as an adapter is on average (λ is about √T).
//! α = 0 takes out the diagonal alone, α = 1 all of what is both read and written already. A mean in size, so that one
//! adapter is itself and copies are too; the mix's order counts, mildly. α = 0.5 takes half of a near copy away. For many
//! adapters that come one by one.
//!
//! The official code divides by λ_t at every step, which only scales S, and blanks the whole diagonal, beyond ρ too, where
//! U and V are arbitrary; here null directions are left alone. It shuffles the adapters first, here the mix has an order.
//!
//! Costs T SVDs of matrices of Σrᵢ, twice: a round over all modules finds the norms.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{ANY, Law, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::spectra;
use crate::survey::Survey;
use rankweave_adapter::Result;
use rankweave_compute::linalg::{self, Svd};
use rankweave_compute::{Mat, MatRef};

pub(super) struct Opcm;

static SPEC: Spec = Spec {
    id: "opcm",
    title: "OPCM",
    summary: "Adds one adapter after the other, each without what the merge so far already does, at their mean norm.",
    formula: "S_t = S_{t−1} + U·P·Vᵀ,   P = UᵀτV without [:k, :k] and diagonal,   M = S_T·n̄/‖S_T‖",
    when: "For many adapters that are added one by one. At α = 0.5 half of a near copy is lost. The result is as large as \
           one adapter: raise λ to about √T for the strength of adapters side by side.",
    reference: Reference {
        title: "Merging Models on the Fly (Tang et al., 2025)",
        url: "https://arxiv.org/abs/2501.09522",
    },
    section: Section::Orthogonal,
    adapters: ANY,
    experimental: false,
    params: &[ParamSpec {
        name: "alpha",
        title: "α",
        help: "Share of the merge's singular values that counts as taken: 0 takes out its very directions alone, 1 everything \
               within what is already there.",
        kind: ParamKind::Number { default: 0.5, min: 0.0, max: 1.0, step: 0.05 },
    }],
    laws: &[Law::Single, Law::GaugeFree, Law::Idempotent],
};

impl MergeMethod for Opcm {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn rounds(&self, _: &Params) -> usize {
        1
    }

    /// ‖S_T‖², then ‖τᵢ‖² of every adapter of the mix.
    fn survey(&self, _: usize, module: &ModuleInputs, params: &Params) -> Result<Survey> {
        let (sum, _) = accumulated(module, params)?;
        let mut norms = vec![0.0; 1 + module.adapters];
        norms[0] = linalg::inner(sum.as_ref(), sum.as_ref());
        module.present.iter().enumerate().for_each(|(i, a)| norms[1 + a] += module.inner(i, i));
        Ok(norms.into())
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let (mut sum, taken) = accumulated(module, params)?;
        let [whole, adapters @ ..] = module.facts.round(0) else { return Ok(Merged::Core(sum).into()) };
        let mean = adapters.iter().map(|square| square.max(0.0).sqrt()).sum::<f64>() / module.adapters.max(1) as f64;
        let factor = if *whole > 0.0 { mean / whole.sqrt() } else { 0.0 };
        sum.col_iter_mut().for_each(|column| column.iter_mut().for_each(|x| *x *= factor));
        Ok(Outcome::from(Merged::Core(sum)).with("factor", factor).with("removed", taken))
    }
}

/// S_T, and the share of the later adapters' energy that was taken out.
fn accumulated(module: &ModuleInputs, params: &Params) -> Result<(Mat<f64>, f64)> {
    let (p, q) = module.core()?.size();
    let (mut sum, mut before, mut after) = (Mat::zeros(p, q), 0.0, 0.0);
    for (t, delta) in module.deltas()?.into_iter().enumerate() {
        let own = projected(delta.as_ref(), &spectra::thin(sum.as_ref(), 0.0)?, params.number("alpha"));
        if t > 0 {
            before += linalg::inner(delta.as_ref(), delta.as_ref());
            after += linalg::inner(own.as_ref(), own.as_ref());
        }
        linalg::add(&mut sum, 1.0, own.as_ref());
    }
    Ok((sum, if before > 0.0 { 1.0 - after / before } else { 0.0 }))
}

/// `delta` without the leading block and the diagonal of what `so_far` does. Both projections leave the rest alone, so
/// the complements of U and V are not needed.
fn projected(delta: MatRef<'_, f64>, so_far: &Svd, alpha: f64) -> Mat<f64> {
    let rank = so_far.sigma.len();
    let limit = alpha * so_far.sigma.iter().sum::<f64>();
    let mut running = 0.0;
    let within = |sigma: &&f64| {
        running += **sigma;
        running <= limit
    };
    let leading = if alpha < 1.0 { so_far.sigma.iter().take_while(within).count() } else { rank };
    let seen = linalg::product(so_far.u.transpose(), linalg::product(delta, so_far.v.as_ref()).as_ref());
    let out = Mat::from_fn(rank, rank, |i, j| if i == j || i.max(j) < leading { seen[(i, j)] } else { 0.0 });
    let mut left = delta.to_owned();
    let out = linalg::product(linalg::product(so_far.u.as_ref(), out.as_ref()).as_ref(), so_far.v.transpose());
    linalg::add(&mut left, -1.0, out.as_ref());
    left
}
