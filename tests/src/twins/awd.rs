//! AWD: gradient descent on the dense common part δ.

use super::{Problem, Twin};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin {
    id: "awd",
    params: &["{}", r#"{"from": "module"}"#, r#"{"alpha": 0, "steps": 50}"#, r#"{"steps": 0}"#],
    merge,
};

/// δ of vectors of root mean square norm 1.
fn common_part(vectors: &[Matrix], alpha: f64, beta: f64, steps: usize) -> Matrix {
    let count = vectors.len();
    let mut delta = vectors[0].scaled(0.0);
    for _ in 0..steps {
        let rest: Vec<Matrix> = vectors.iter().map(|x| x.plus(-1.0, &delta)).collect();
        let mut gradient = delta.scaled(if delta.norm() > 1e-9 { alpha / delta.norm() } else { 0.0 });
        for i in 0..count {
            for j in (0..count).filter(|j| *j != i) {
                let (x, y) = (&rest[i], &rest[j]);
                if x.norm() <= 1e-12 || y.norm() <= 1e-12 {
                    continue;
                }
                let cosine = x.inner(y) / (x.norm() * y.norm());
                let sign = if cosine.abs() <= 1e-9 { 0.0 } else { cosine.signum() };
                let by_x = y.scaled(1.0 / (x.norm() * y.norm())).plus(-cosine / x.inner(x), x);
                let by_y = x.scaled(1.0 / (x.norm() * y.norm())).plus(-cosine / y.inner(y), y);
                let share = sign / (count * (count - 1)) as f64;
                gradient = gradient.plus(-share, &by_x).plus(-share, &by_y);
            }
        }
        delta = delta.plus(-beta, &gradient);
    }
    delta
}

/// M of τ, each one long vector.
fn disentangled(taus: &[Matrix], problem: &Problem) -> Matrix {
    let there: Vec<&Matrix> = taus.iter().filter(|tau| tau.norm() > 0.0).collect();
    let sum = taus.iter().skip(1).fold(taus[0].clone(), |sum, tau| sum.plus(1.0, tau));
    if there.is_empty() {
        return sum;
    }
    let size = (there.iter().map(|tau| tau.inner(tau)).sum::<f64>() / there.len() as f64).sqrt();
    let unit: Vec<Matrix> = there.iter().map(|tau| tau.scaled(1.0 / size)).collect();
    let steps = problem.number("steps", 300.0) as usize;
    let delta = common_part(&unit, problem.number("alpha", 0.1), problem.number("beta", 0.01), steps);
    sum.plus(-(there.len() as f64) * size, &delta)
}

fn merge(problem: &Problem) -> Vec<Matrix> {
    if problem.choice("from", "file") == "module" {
        return problem.each(|module| disentangled(&module.taus(), problem));
    }
    // One long vector per adapter, zeros where it lacks a module.
    let flat = |adapter: usize| {
        let one = |module: &super::Module| {
            let own = module.parts.iter().find(|part| part.adapter == adapter);
            own.map_or(module.sum().scaled(0.0), |part| part.tau()).values
        };
        let values: Vec<f64> = problem.modules.iter().flat_map(one).collect();
        Matrix::new(1, values.len(), values)
    };
    let taus: Vec<Matrix> = (0..problem.adapters).map(flat).collect();
    let merged = disentangled(&taus, problem).values;
    let mut at = 0;
    let mut out = Vec::new();
    for module in &problem.modules {
        let size = module.sum();
        let own = merged[at..at + size.values.len()].to_vec();
        at += own.len();
        out.push(Matrix::new(size.rows, size.columns, own));
    }
    out
}
