//! Core space: the adapters between the singular vectors of all their ups and all their downs.

use super::{Problem, Twin, beside, inner, svd};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin {
    id: "core",
    params: &[
        "{}",
        r#"{"gauge": "stored"}"#,
        r#"{"density": 0.3}"#,
        r#"{"density": 0.3, "scope": "file", "gauge": "stored"}"#,
        r#"{"inner": "dare-ties", "density": 0.5, "drop": 0.2, "scope": "file"}"#,
        r#"{"inner": "dare", "drop": 0.5}"#,
        r#"{"inner": "sum"}"#,
        r#"{"inner": "tsv"}"#,
    ],
    merge,
};

fn merge(problem: &Problem) -> Vec<Matrix> {
    let bases: Vec<(Matrix, Matrix)> = problem.modules.iter().map(|module| bases(problem, module)).collect();
    let seen = |(module, (u, v)): (&super::Module, &(Matrix, Matrix))| {
        module.taus().iter().map(|tau| u.transposed().times(tau).times(v)).collect::<Vec<_>>()
    };
    let spaces: Vec<Vec<Matrix>> = problem.modules.iter().zip(&bases).map(seen).collect();
    let merged = inner::merged(problem, &spaces);
    merged.iter().zip(&bases).map(|(merged, (u, v))| u.times(merged).times(&v.transposed())).collect()
}

fn bases(problem: &Problem, module: &super::Module) -> (Matrix, Matrix) {
    let (mut ups, mut downs) = (Vec::new(), Vec::new());
    for part in &module.parts {
        if problem.choice("gauge", "balanced") == "stored" {
            ups.push(part.pair.up.scaled(part.weight * part.pair.scale));
            downs.push(part.pair.down.transposed());
        } else {
            let (u, sigma, v) = svd(&part.tau(), 1e-12);
            let half = |x: Matrix| {
                let values = x.values.iter().enumerate().map(|(at, x)| x * sigma[at % sigma.len()].sqrt()).collect();
                Matrix { values, ..x }
            };
            ups.push(half(u));
            downs.push(half(v));
        }
    }
    (svd(&beside(&ups), 1e-6).0, svd(&beside(&downs), 1e-6).0)
}
