//! DC-Merge: adapters with evened-out spectra, their signs elected in a basis that covers all of them.
//!
//! τᵢ = wᵢ·ΔWᵢ = Uᵢ·diag(σᵢ)·Vᵢᵀ over its rᵢ directions; σ̃ᵢ the values made more alike; U = polar(\[U₁|…|U_T]),
//! V = polar(\[V₁|…|V_T]) (K = Σrᵢ columns):
//!
//! ```text
//! Mᵢ = Uᵀ·Uᵢ·diag(σ̃ᵢ)·Vᵢᵀ·V  (K×K)      M = U·(mask ∘ TIES(M₁, …, M_T))·Vᵀ
//! ```
//!
//! | smoothing | σ̃ |
//! |---|---|
//! | `linear` | falls evenly from ρ to 1, times what makes Σσ̃ = Σσ; ρ = σ₁/σ_r, at most 5 |
//! | `mean` | the mean of σ |
//! | `none` | σ |
//!
//! TIES keeps the `keep`·K² largest entries of each Mᵢ, but rᵢ of them at least, and takes the mean of those that have
//! the elected sign; the mask is the blocks rᵢ×rᵢ on the diagonal. The official code keeps 0.1 % (one at least), which
//! is rᵢ entries for eight adapters of rank 16 and next to nothing for two. Its default smoothing is `mean`; `linear`
//! raises weak directions less. One adapter is itself only without smoothing. Adapters at right angles add up; of what
//! overlaps the mean is taken.
//!
//! Costs T + 3 SVDs of matrices of Σrᵢ.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{ANY, Law, Option, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::spectra;
use crate::ties::{self, Disjoint};
use rankweave_adapter::Result;
use rankweave_compute::{Mat, linalg};

pub(super) struct DcMerge;

static SPEC: Spec = Spec {
    id: "dc-merge",
    title: "DC-Merge",
    summary: "Evens out each adapter's spectrum and elects signs in a basis that covers all adapters.",
    formula: "M = U·(mask ∘ TIES(Uᵀ·Uᵢ·diag(σ̃ᵢ)·Vᵢᵀ·V))·Vᵀ,   U = polar([U₁|…|U_T])",
    when: "For eight adapters or more, of equal rank. With two or three the election decides little, and the evened-out \
           spectrum is most of what it does.",
    reference: Reference { title: "DC-Merge (CVPR 2026)", url: "https://arxiv.org/abs/2603.06242" },
    section: Section::Spectral,
    adapters: ANY,
    experimental: false,
    params: &[
        ParamSpec {
            name: "smoothing",
            title: "Smoothing",
            help: "How alike an adapter's singular values are made: not at all, falling evenly to a fifth at most, or \
                   all equal.",
            kind: ParamKind::Choice {
                default: "linear",
                options: &[
                    Option { id: "linear", title: "falling evenly" },
                    Option { id: "mean", title: "all equal" },
                    Option { id: "none", title: "none" },
                ],
            },
        },
        ParamSpec {
            name: "keep",
            title: "Entries kept",
            help: "Share of the entries of each adapter's small matrix: 1 keeps all, 0 as many as the adapter has \
                   directions, which are kept in any case.",
            kind: ParamKind::Number { default: 0.001, min: 0.0, max: 1.0, step: 0.001 },
        },
        ParamSpec {
            name: "mask",
            title: "Blocks only",
            help: "Whether entries between directions of two adapters are left out.",
            kind: ParamKind::Flag { default: true },
        },
    ],
    laws: &[Law::OrderFree, Law::GaugeFree],
};

impl MergeMethod for DcMerge {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let parts = spectra::thins(&module.deltas()?)?;
        let (u, v) = spectra::frames(&parts)?;
        let k = u.ncols();
        let share = (params.number("keep") * (k * k) as f64).round() as usize;
        let mut small: Vec<Vec<f64>> = Vec::new();
        for part in &parts {
            let sigma = smooth(&part.sigma, params.choice("smoothing"));
            let left = linalg::product(u.transpose(), part.u.as_ref());
            let right = linalg::product(v.transpose(), part.v.as_ref());
            let whole = linalg::assembled(left.as_ref(), &sigma, right.as_ref());
            let mut entries: Vec<f64> = (0..k * k).map(|at| whole[(at / k, at % k)]).collect();
            ties::snap(&mut entries);
            ties::trim(&mut entries, share.max(part.sigma.len()));
            small.push(entries);
        }
        let slices: Vec<&[f64]> = small.iter().map(Vec::as_slice).collect();
        let merged = ties::elected(&slices, Disjoint::Mean);
        let owners: Vec<usize> = parts.iter().enumerate().flat_map(|(i, part)| vec![i; part.sigma.len()]).collect();
        let all = !params.flag("mask");
        let entry = |r: usize, c: usize| if all || owners[r] == owners[c] { merged[r * k + c] } else { 0.0 };
        let core = linalg::product(u.as_ref(), Mat::from_fn(k, k, entry).as_ref());
        Ok(Merged::Core(linalg::product(core.as_ref(), v.transpose())).into())
    }
}

/// Values with the same sum, more alike.
fn smooth(sigma: &[f64], how: &str) -> Vec<f64> {
    let (Some(first), Some(last), r) = (sigma.first(), sigma.last(), sigma.len()) else { return Vec::new() };
    let top = match how {
        "none" => return sigma.to_vec(),
        "linear" => (first / last).min(5.0),
        _ => 1.0,
    };
    let weight = |l: usize| top + (1.0 - top) * l as f64 / (r.max(2) - 1) as f64;
    let whole = sigma.iter().sum::<f64>() / (0..r).map(weight).sum::<f64>();
    (0..r).map(|l| weight(l) * whole).collect()
}
