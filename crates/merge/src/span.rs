//! What an adapter reads and writes: orthonormal bases of the row and column spaces of core matrices.

use crate::spec::{Option as Choice, ParamKind, ParamSpec};
use crate::spectra;
use rankweave_adapter::Result;
use rankweave_compute::{Mat, MatRef, linalg};

/// An orthonormal basis of all that `frames`, each with orthonormal columns, span together; `rows` is their length.
///
/// # Errors
/// As [`spectra::thin`].
pub(crate) fn joint(rows: usize, frames: &[&Mat<f64>]) -> Result<Mat<f64>> {
    match frames {
        [] => Ok(Mat::zeros(rows, 0)),
        [one] => Ok((*one).clone()),
        more => {
            let all = linalg::beside(&more.iter().map(|frame| frame.as_ref()).collect::<Vec<_>>());
            Ok(spectra::thin(all.as_ref(), 0.0)?.u)
        }
    }
}

/// Takes the share `by` of what lies in the columns of `basis` out of the columns of `x`.
pub(crate) fn take_out(x: &mut Mat<f64>, by: f64, basis: MatRef<'_, f64>) {
    let along = linalg::product(basis.transpose(), x.as_ref());
    linalg::add(x, -by, linalg::product(basis, along.as_ref()).as_ref());
}

/// Which side of a delta a method works on: its inputs (rows of ΔW), its outputs (columns), or both.
pub(crate) const fn side(default: &'static str) -> ParamSpec {
    ParamSpec {
        name: "side",
        title: "Kept apart",
        help: "What adapters read (rows of ΔW), what they write (columns), or both.",
        kind: ParamKind::Choice {
            default,
            options: &[
                Choice { id: "rows", title: "inputs (rows)" },
                Choice { id: "columns", title: "outputs (columns)" },
                Choice { id: "both", title: "both" },
            ],
        },
    }
}
