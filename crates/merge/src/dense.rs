//! Modules that are written as whole differences: ΔW itself in one tensor `diff`, `[out, in, kernel…]`.
//!
//! Nothing is truncated, so all that is lost is the rounding to the output's type. The matrix is made row by row and
//! rounded as it comes; only its rounded bytes are ever in memory as a whole, once.
//!
//! | the method answers | rows come from |
//! |---|---|
//! | a linear rule | Σ cᵢ·ΔWᵢ in f64 |
//! | a matrix in core space, a pair | that pair's product in f64 |
//! | a rule by entry | the rule, on the CPU: only it hands out rows |

use crate::encode::{self, Rows};
use crate::engine::Made;
use crate::method::{Merged, ModuleInputs, failed};
use crate::plan::Plan;
use crate::planned::PlannedModule;
use rankweave_adapter::{DialectId, Error, Kind, OutTensor, OutputKeys, Result};
use rankweave_compute::entries::{Cpu, Entries};
use rankweave_compute::{RankPolicy, rows};

/// ‖Σ‖ at or below this share of Σ‖·‖ is what rounding leaves of deltas that cancel.
const DUST: f64 = 1e-12;

/// The names of a module's whole difference in `dialect`, `keys` being those of its pair.
///
/// # Errors
/// `Parameter` where the spelling has no name for one.
pub(crate) fn keys(dialect: DialectId, keys: &OutputKeys) -> Result<OutputKeys> {
    keys.whole().ok_or_else(|| {
        Error::new(Kind::Parameter, "The output's spelling has no name for whole differences")
            .key(&keys.up)
            .expected(OutputKeys::WHOLE)
            .found(dialect.title())
            .hint("Choose one of these spellings (in the terminal --keys kohya), or another rank than dense.")
    })
}

/// Makes room for a module's bytes, so that they are there once and no more.
fn room(plan: &Plan, module: &PlannedModule, out: &mut Vec<u8>) -> Result<()> {
    let bytes = module.tensors(module.rank_bound, plan.dtype).iter().map(OutTensor::bytes).fold(0, u64::saturating_add);
    let made = usize::try_from(bytes).ok().and_then(|bytes| out.try_reserve_exact(bytes).ok());
    made.ok_or_else(|| {
        Error::new(Kind::Limit, "A module's whole difference does not fit in memory")
            .found(format!("{bytes} bytes"))
            .hint("Choose a rank instead of whole differences, or a smaller number type.")
    })
}

/// Writes a module; answers its numbers.
///
/// # Errors
/// `Malformed` where a decomposition does not converge; `Limit` where a value leaves the type's range.
pub(crate) fn write(
    plan: &Plan,
    module: &PlannedModule,
    inputs: &ModuleInputs,
    merged: Merged,
    out: &mut Vec<u8>,
) -> Result<Made> {
    room(plan, module, out)?;
    let start = out.len();
    let mut writer = Rows::new(plan.dtype, out);
    let mut put = |row: &[f32]| writer.write(row);
    let (pairs, grams) = (inputs.pairs, inputs.grams);
    let (total, lost, inner) = match merged {
        Merged::Linear { coefficients, .. } => {
            let of = |i| coefficients.iter().enumerate().map(|(j, by)| by * grams.inner(j, i)).sum();
            let size: f64 = coefficients.iter().enumerate().map(|(i, by)| by.abs() * grams.inner(i, i).sqrt()).sum();
            let total = rows(pairs, &coefficients, &mut put);
            if total.sqrt() <= DUST * size {
                (0.0, 0.0, vec![0.0; pairs.len()])
            } else {
                (total, 0.0, (0..pairs.len()).map(of).collect())
            }
        }
        Merged::Core(delta) => {
            let lifted = inputs.core()?.lift(delta.as_ref(), RankPolicy::Exact).map_err(failed)?;
            rows(&[lifted.pair], &[1.0], &mut put);
            (lifted.total, lifted.lost, lifted.inner)
        }
        Merged::Pair(own) => {
            let inner = pairs.iter().map(|pair| own.inner(pair)).collect();
            (rows(&[own], &[1.0], &mut put), 0.0, inner)
        }
        Merged::Entries(rule) => {
            let sums = Cpu.rows_and_sums(Entries { pairs, rule: &rule }, &mut put);
            (sums.total, 0.0, sums.parts.iter().map(|part| part.inner).collect())
        }
    };
    let rounding = writer.finish()?;
    if !total.is_finite() {
        return Err(encode::too_large("the result's values are too large for f32"));
    }
    if total == 0.0 {
        out[start..].fill(0);
    }
    if module.swapped {
        let half = (out.len() - start) / 2;
        out[start..].rotate_left(half);
    }
    let rank = module.rank_bound;
    let rounding = if total == 0.0 { 0.0 } else { rounding };
    Ok(Made { rank, total, kept: total - lost, lost, inner, rounding, alpha: rank as f64 })
}
