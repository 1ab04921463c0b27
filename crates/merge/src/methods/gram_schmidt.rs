//! Gram–Schmidt: the sum without what adapters have in common with earlier ones, as whole deltas.
//!
//! Each delta is one vector, so all that happens to it is a coefficient: M = Σ cᵢ·τᵢ, from the Gram matrix G of the τᵢ.
//!
//! ```text
//! sequential   τ_t' = τ_t − Σ_{j<t} ⟨τ_t, τⱼ'⟩/‖τⱼ'‖²·τⱼ'      M = Σ τ_t'
//! symmetric    [e₁ … e_T] = [τ₁ … τ_T]·G^(−1/2)               M = Σ ‖τᵢ‖·eᵢ     (Löwdin)
//! ```
//!
//! Sequential keeps the first adapter of the mix whole, and copies give the adapter itself; symmetric treats all alike
//! and keeps their norms, T copies give √T times the adapter. Adapters at right angles give the plain sum either way. Deltas of
//! different adapters are nearly at right angles as vectors even where they disturb each other: this is the mildest of
//! its family. A sum, not a mean. Costs a Gram matrix per module.

use crate::gram::{Gram, Scalar, from};
use crate::spec::{ANY, Law, Option, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use rankweave_compute::{Mat, linalg};

static SPEC: Spec = Spec {
    id: "gram-schmidt",
    title: "Gram–Schmidt",
    summary: "Makes the adapters orthogonal as whole deltas, then adds them up.",
    formula: "M = Σ τ_t',   τ_t' = τ_t − Σ_{j<t} ⟨τ_t, τⱼ'⟩/‖τⱼ'‖²·τⱼ'   (or Löwdin: [τ]·G^(−1/2)·diag‖τᵢ‖)",
    when: "For adapters that are alike as a whole, such as stages of one training, where a sum would count the common part \
           several times. Of adapters that have little in common it changes next to nothing.",
    reference: Reference {
        title: "On the non-orthogonality problem (Löwdin, 1950)",
        url: "https://doi.org/10.1063/1.1747632",
    },
    section: Section::Orthogonal,
    adapters: ANY,
    experimental: false,
    params: &[
        ParamSpec {
            name: "variant",
            title: "Who gives way",
            help: "The later adapter to the earlier ones, in the mix's order, or all alike.",
            kind: ParamKind::Choice {
                default: "sequential",
                options: &[
                    Option { id: "sequential", title: "later ones" },
                    Option { id: "symmetric", title: "all alike" },
                ],
            },
        },
        from("module"),
    ],
    laws: &[Law::Single, Law::GaugeFree, Law::Idempotent],
};

pub(super) static METHOD: Scalar = Scalar { spec: &SPEC, rule };

/// Least squared sine between an adapter and those before it: below, it is one of them.
const DEPENDENT: f64 = 1e-10;

fn rule(gram: &Gram, params: &Params) -> Vec<f64> {
    if params.choice("variant") == "symmetric" { symmetric(gram) } else { sequential(gram) }
}

fn sequential(gram: &Gram) -> Vec<f64> {
    let count = gram.count;
    let (mut apart, mut sum): (Vec<(Vec<f64>, f64)>, _) = (Vec::new(), vec![0.0; count]);
    for t in 0..count {
        let mut own = vec![0.0; count];
        own[t] = 1.0;
        for (earlier, square) in &apart {
            // Against what is left of it, which loses less than against the whole.
            let share = gram.between(&own, earlier) / square;
            own.iter_mut().zip(earlier).for_each(|(x, e)| *x -= share * e);
        }
        let square = gram.between(&own, &own);
        if square > DEPENDENT * gram.inner(t, t) {
            sum.iter_mut().zip(&own).for_each(|(sum, x)| *sum += x);
            apart.push((own, square));
        }
    }
    sum
}

/// G^(−1/2)·(‖τ₁‖, …, ‖τ_T‖), without null directions.
fn symmetric(gram: &Gram) -> Vec<f64> {
    let (count, norms) = (gram.count, gram.norms());
    let matrix = Mat::from_fn(count, count, |i, j| gram.inner(i, j));
    // For a symmetric matrix without negative eigenvalues this is its eigendecomposition.
    let Ok(svd) = linalg::svd(matrix.as_ref()) else { return vec![0.0; count] };
    let rank = linalg::rank(&svd.sigma, DEPENDENT);
    let mut sum = vec![0.0; count];
    for l in 0..rank {
        let along = (0..count).map(|i| svd.v[(i, l)] * norms[i]).sum::<f64>() / svd.sigma[l].sqrt();
        sum.iter_mut().enumerate().for_each(|(i, x)| *x += svd.u[(i, l)] * along);
    }
    sum
}
