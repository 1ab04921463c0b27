//! What an adapter reads and writes: orthonormal bases of the row and column spaces of core matrices.

use crate::method::failed;
use crate::spec::{Option as Choice, ParamKind, ParamSpec};
use rankweave_adapter::Result;
use rankweave_compute::linalg::{self, Svd};
use rankweave_compute::{Mat, MatRef, NULL};

/// The SVD of a core matrix without its null directions.
///
/// # Errors
/// `Malformed` where it does not converge.
pub(crate) fn thin(delta: MatRef<'_, f64>) -> Result<Svd> {
    let (p, q) = (delta.nrows(), delta.ncols());
    if p.min(q) == 0 {
        return Ok(Svd { u: Mat::zeros(p, 0), sigma: Vec::new(), v: Mat::zeros(q, 0) });
    }
    let Svd { u, mut sigma, v } = linalg::svd(delta).map_err(failed)?;
    let rank = linalg::rank(&sigma, NULL);
    sigma.truncate(rank);
    Ok(Svd { u: u.subcols(0, rank).to_owned(), sigma, v: v.subcols(0, rank).to_owned() })
}

/// An orthonormal basis of all that `frames`, each with orthonormal columns, span together; `rows` is their length.
///
/// # Errors
/// As [`thin`].
pub(crate) fn joint(rows: usize, frames: &[&Mat<f64>]) -> Result<Mat<f64>> {
    match frames {
        [] => Ok(Mat::zeros(rows, 0)),
        [one] => Ok((*one).clone()),
        more => Ok(thin(linalg::beside(&more.iter().map(|frame| frame.as_ref()).collect::<Vec<_>>()).as_ref())?.u),
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
