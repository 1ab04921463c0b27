//! Frequency: the sum of the adapters without their slowest waves.
//!
//! The 2-D Fourier transform of each τᵢ = wᵢ·ΔWᵢ (out×columns) has its block of lowest frequencies set to 0, those below
//! R = ⌊cutoff·min(out, columns)⌋ along the rows and along the columns, and is transformed back:
//!
//! ```text
//! M = Σᵢ (τᵢ − L·τᵢ·L')       L, L' keep the waves of frequency below R of out and of columns numbers
//! ```
//!
//! As ΔW = B·A, this is B·A − (L·B)·(A·L'): exact, of rank 2·Σrᵢ at most, without a dense matrix or an FFT. The rank asked
//! for is then cut from it; where all directions are, as many as the adapters have together.
//!
//! FR-Merging, whose filter this is, zeroes −R … R−1, of which it takes the real part, and adds small experts for each
//! task that have to be chosen at run time; here it is the filter alone, over frequencies −(R−1) … R−1. A wave along the
//! rows of a matrix is one over neurons in the order in which they happen to be stored: the same adapter with its neurons
//! renamed is filtered otherwise. For a convolution columns are in, kh, kw in a row.
//!
//! Costs 4·(out + columns)·R·Σrᵢ·2 operations, and the SVD of a pair of twice the rank.

use crate::lowpass::lowpass;
use crate::method::{MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{ANY, Law, ParamKind, ParamSpec, Params, Reference, Section, Spec};
use crate::stacked;
use rankweave_adapter::Result;
use rankweave_compute::{FactorPair, Mat};

pub(super) struct Frequency;

static SPEC: Spec = Spec {
    id: "frequency",
    title: "High-pass filter",
    summary: "Adds the adapters up without the slowest waves along the rows and columns of their deltas.",
    formula: "M = Σ τᵢ − L·(Σ τᵢ)·L',   L, L' = projections on the lowest frequencies,   τᵢ = wᵢ·ΔWᵢ",
    when: "Experimental: for comparison with FR-Merging, whose filter it is. It takes out what all neurons do alike, such as \
           a common shift. Frequencies depend on the order in which a model stores its neurons.",
    reference: Reference {
        title: "FREE-Merging: Fourier Transform for Efficient Model Merging (Zheng and Wang, ICCV 2025)",
        url: "https://arxiv.org/abs/2411.16815",
    },
    section: Section::Sparse,
    adapters: ANY,
    experimental: true,
    params: &[ParamSpec {
        name: "cutoff",
        title: "Cutoff",
        help: "Which frequencies go, as a share of the smaller side: 0 none, 0.1 as in the paper, 0.5 all that are slow in \
               both directions.",
        kind: ParamKind::Number { default: 0.1, min: 0.0, max: 0.5, step: 0.01 },
    }],
    laws: &[Law::OrderFree, Law::GaugeFree, Law::Cancels, Law::SingleAt(&[("cutoff", "0")])],
};

impl MergeMethod for Frequency {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn merge(&self, module: &ModuleInputs, params: &Params) -> Result<Outcome> {
        let sum = stacked::pair(module.pairs, &stacked::all(module));
        let radius = (params.number("cutoff") * sum.out.min(sum.columns) as f64).floor() as usize;
        let merged = if radius == 0 { sum } else { filtered(&sum, radius) };
        Ok(Outcome::from(Merged::Pair(merged)).with("frequencies", radius as f64))
    }

    fn full_rank(&self) -> bool {
        true
    }
}

/// X − L·X·L' of X = `sum`: \[B, −L·B]·\[A; A·L'].
fn filtered(sum: &FactorPair, radius: usize) -> FactorPair {
    let (out, columns, rank) = (sum.out, sum.columns, sum.rank);
    let up = Mat::from_fn(out, rank, |row, slot| f64::from(sum.up[row * rank + slot]));
    let down = Mat::from_fn(columns, rank, |column, slot| f64::from(sum.down[slot * columns + column]));
    let (slow_up, slow_down) = (lowpass(up.as_ref(), radius), lowpass(down.as_ref(), radius));
    let mut pair = FactorPair::zero(out, columns, 2 * rank);
    for row in 0..out {
        let to = &mut pair.up[row * 2 * rank..][..2 * rank];
        to[..rank].copy_from_slice(&sum.up[row * rank..][..rank]);
        (0..rank).for_each(|slot| to[rank + slot] = -slow_up[(row, slot)] as f32);
    }
    pair.down[..rank * columns].copy_from_slice(&sum.down);
    for slot in 0..rank {
        (0..columns).for_each(|column| pair.down[(rank + slot) * columns + column] = slow_down[(column, slot)] as f32);
    }
    pair
}
