//! Löwdin: all adapters give way alike, until none reads (or writes) what another does.
//!
//! Of τᵢ = wᵢ·ΔWᵢ = Uᵢ·Σᵢ·Vᵢᵀ, the frames of all adapters side by side are replaced by the nearest ones at right angles:
//! \[W₁|…|W_T] = polar(\[V₁|…|V_T]) (columns×K), and
//!
//! ```text
//! adapters   M = Σᵢ Uᵢ·Σᵢ·Wᵢᵀ                            singular values and outputs of each adapter stay
//! units      M = Σᵢ sᵢwᵢ·Bᵢ·Aᵢ'   A' = D·polar(A)         rows of A = [A₁;…;A_T], of their former lengths D
//! ```
//!
//! `side` = columns does the same to the Uᵢ, or to the columns of B. Doing both to frames is TSV-M. `apart` = units is
//! Löwdin's orthogonalisation of the factors as they are stored: an adapter's own rows are set apart too, so that one
//! adapter is not itself, and the answer depends on how a delta is split into factors. Null directions of a stack (copies) stay null: T
//! copies give √T times the adapter under `adapters`. A sum, not a mean. For adapters none of which has priority; see
//! NP-LoRA for those of which one has. Weights set an adapter's strength, not how far it gives way.
//!
//! Costs T + 1 SVDs of matrices of Σrᵢ.

use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome, failed};
use crate::spec::{ANY, Law, Option, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::spectra;
use rankweave_adapter::Result;
use rankweave_compute::linalg::{self, Svd};
use rankweave_compute::{Mat, MatRef};

pub(super) struct Lowdin;

static SPEC: Spec = Spec {
    id: "lowdin",
    title: "Löwdin",
    summary: "Turns what the adapters read (or write) until they are at right angles, each as little as possible.",
    formula: "M = Σ Uᵢ·Σᵢ·Wᵢᵀ,   [W₁|…|W_T] = polar([V₁|…|V_T])",
    when: "For several adapters of equal rank that disturb each other on one side only. Near copies become stronger than \
           one of them (√T).",
    reference: Reference {
        title: "On the non-orthogonality problem (Löwdin, 1950)",
        url: "https://doi.org/10.1063/1.1747632",
    },
    section: Section::Orthogonal,
    adapters: ANY,
    experimental: false,
    params: &[
        ParamSpec {
            name: "side",
            title: "Set apart",
            help: "What adapters read (rows of ΔW), or what they write (columns).",
            kind: ParamKind::Choice {
                default: "rows",
                options: &[
                    Option { id: "rows", title: "inputs (rows)" },
                    Option { id: "columns", title: "outputs (columns)" },
                ],
            },
        },
        ParamSpec {
            name: "apart",
            title: "At right angles",
            help: "Adapters to each other, or every single row of the stored factors to every other.",
            kind: ParamKind::Choice {
                default: "adapters",
                options: &[Option { id: "adapters", title: "adapters" }, Option { id: "units", title: "every row" }],
            },
        },
    ],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree],
};

impl MergeMethod for Lowdin {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let rows = params.choice("side") == "rows";
        // What is turned (columns of frames) and what stays, so that τᵢ = fixed·turnedᵀ or its transpose.
        let (mut turned, mut fixed) = (Vec::new(), Vec::new());
        if params.choice("apart") == "units" {
            let core = module.core()?;
            for (i, pair) in module.pairs.iter().enumerate() {
                let by = pair.scale * module.weights[i];
                let (own, other) = if rows { (core.down(i), core.up(i)) } else { (core.up(i), core.down(i)) };
                let lengths: Vec<f64> = (0..own.ncols()).map(|l| own.col(l).norm_l2()).collect();
                // Weightless adapters push nobody away.
                let there = if by == 0.0 { 0 } else { own.ncols() };
                turned.push(own.subcols(0, there).to_owned());
                fixed.push(scaled(other.subcols(0, there), |l| by * lengths[l]));
            }
        } else {
            for delta in module.deltas()? {
                let Svd { u, sigma, v } = spectra::thin(delta.as_ref(), 0.0)?;
                let (own, other) = if rows { (v, u) } else { (u, v) };
                turned.push(own);
                fixed.push(scaled(other.as_ref(), |l| sigma[l]));
            }
        }
        let (turned, fixed) = (beside(&turned), beside(&fixed));
        let (p, q) = module.core()?.size();
        if turned.nrows().min(turned.ncols()) == 0 {
            return Ok(Merged::Core(Mat::zeros(p, q)).into());
        }
        let frame = linalg::polar(turned.as_ref()).map_err(failed)?;
        let merged = if rows {
            linalg::product(fixed.as_ref(), frame.transpose())
        } else {
            linalg::product(frame.as_ref(), fixed.transpose())
        };
        Ok(Merged::Core(merged).into())
    }
}

fn beside(parts: &[Mat<f64>]) -> Mat<f64> {
    linalg::beside(&parts.iter().map(|part| part.as_ref()).collect::<Vec<_>>())
}

fn scaled(x: MatRef<'_, f64>, by: impl Fn(usize) -> f64) -> Mat<f64> {
    Mat::from_fn(x.nrows(), x.ncols(), |i, l| x[(i, l)] * by(l))
}
