//! VeRA: ΔW = diag(b)·B·diag(d)·A, with vectors b `[out]`, d `[r]` of the module's own and projections A, B that all
//! modules of the file share. They are as large as the largest module needs; each takes their first rows and columns.
//!
//! How many inputs a module has is not in the file: it is taken to be the width of A.

use super::{Entry, KindId, Measured, Parts};
use crate::error::{Error, Kind, Result};
use crate::module::ModuleShape;
use crate::part::Part::{VeraB, VeraD, VeraDown, VeraUp};

pub(super) const ENTRY: Entry =
    Entry { id: KindId::Vera, title: "VeRA", marks: &[VeraB, VeraD], others: &[VeraUp, VeraDown], measure, base: None };

fn measure(parts: &Parts) -> Result<Measured> {
    let (b, d) = (parts.tensor(VeraB)?, parts.tensor(VeraD)?);
    if parts.find(VeraUp).is_none() || parts.find(VeraDown).is_none() {
        let what = "This is a VeRA adapter without its projections (vera_A, vera_B), which only PEFT can make again";
        let hint = "Load it in PEFT, set save_projection to true in its configuration, and save it again.";
        return Err(Error::new(Kind::Unsupported, what).key(parts.name(VeraB)).hint(hint));
    }
    match (&*b, &*d, &*parts.matrix(VeraUp)?, &*parts.matrix(VeraDown)?) {
        (&[out], &[rank], &[rows, up_rank], &[down_rank, inp])
            if out <= rows && rank <= up_rank && rank <= down_rank =>
        {
            Ok(Measured::new(ModuleShape { out, inp, kernel: Vec::new() }, rank, 0))
        }
        _ => Err(parts.misfit(
            VeraB,
            "The parts of a VeRA module do not fit together",
            "vera_lambda_b [out], vera_lambda_d [r], vera_B [out, r] or larger, vera_A [r, in] or larger",
        )),
    }
}
