//! Gram–Schmidt and Löwdin on flattened deltas.

use super::{Problem, Twin, polar};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin {
    id: "gram-schmidt",
    params: &[
        "{}",
        r#"{"variant": "symmetric"}"#,
        r#"{"from": "file"}"#,
        r#"{"variant": "symmetric", "from": "file"}"#,
    ],
    merge,
};

/// The merge of vectors, one per column.
fn merged(vectors: &[Matrix], variant: &str) -> Matrix {
    let rows = vectors[0].rows;
    if variant == "symmetric" {
        let lengths = vectors.iter().map(Matrix::norm).collect();
        return polar(&super::beside(vectors)).times(&Matrix::new(vectors.len(), 1, lengths));
    }
    let (mut apart, mut sum) = (Vec::<Matrix>::new(), Matrix::zero(rows, 1));
    for vector in vectors {
        let mut left = vector.clone();
        for earlier in &apart {
            left = left.plus(-vector.inner(earlier) / earlier.inner(earlier), earlier);
        }
        if left.norm() > 1e-5 * vector.norm() {
            sum = sum.plus(1.0, &left);
            apart.push(left);
        }
    }
    sum
}

fn merge(problem: &Problem) -> Vec<Matrix> {
    let variant = problem.choice("variant", "sequential");
    let flat = |m: &Matrix| Matrix::new(m.values.len(), 1, m.values.clone());
    if problem.choice("from", "module") == "module" {
        return problem.each(|module| {
            let taus = module.taus();
            let vectors: Vec<Matrix> = taus.iter().map(flat).collect();
            Matrix { values: merged(&vectors, variant).values, ..taus[0].clone() }
        });
    }
    let vector = |adapter: usize| {
        let values = problem.modules.iter().flat_map(|module| {
            let own = module.parts.iter().find(|part| part.adapter == adapter);
            own.map_or_else(|| module.sum().scaled(0.0), super::Part::tau).values
        });
        let values: Vec<f64> = values.collect();
        Matrix::new(values.len(), 1, values)
    };
    let vectors: Vec<Matrix> = (0..problem.adapters).map(vector).collect();
    let mut left = merged(&vectors, variant).values.into_iter();
    let cut = |module: &super::Module| {
        let like = module.sum();
        Matrix { values: left.by_ref().take(like.values.len()).collect(), ..like }
    };
    problem.modules.iter().map(cut).collect()
}
