//! KnOTS: the deltas side by side, merged in their left singular vectors.

use super::{Problem, Twin, beside, inner, svd};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin {
    id: "knots",
    params: &[
        "{}",
        r#"{"density": 0.3}"#,
        r#"{"density": 0.3, "scope": "file"}"#,
        r#"{"inner": "dare", "drop": 0.5}"#,
        r#"{"inner": "dare-ties", "density": 0.5, "drop": 0.2}"#,
        r#"{"inner": "mean"}"#,
        r#"{"inner": "iso"}"#,
    ],
    merge,
};

fn merge(problem: &Problem) -> Vec<Matrix> {
    let bases: Vec<Matrix> = problem.modules.iter().map(|module| svd(&beside(&module.taus()), 1e-6).0).collect();
    let seen = |(module, u): (&super::Module, &Matrix)| {
        module.taus().iter().map(|tau| u.transposed().times(tau)).collect::<Vec<_>>()
    };
    let spaces: Vec<Vec<Matrix>> = problem.modules.iter().zip(&bases).map(seen).collect();
    inner::merged(problem, &spaces).iter().zip(&bases).map(|(merged, u)| u.times(merged)).collect()
}
