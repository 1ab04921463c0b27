//! Crossover: an average at drawn weights.

use super::{Problem, Twin};
use crate::dense::Matrix;
use rankweave_compute::rng::Stream;

pub const TWIN: Twin = Twin { id: "crossover", params: &["{}", r#"{"spread": 1}"#, r#"{"spread": 0}"#], merge };

fn merge(problem: &Problem) -> Vec<Matrix> {
    let spread = problem.number("spread", 0.1);
    let omegas: Vec<f64> = (0..problem.adapters as u64)
        .map(|i| {
            let mut n = 0;
            loop {
                let omega = 1.0 + spread * Stream::new(problem.seed, "", i).normal(n);
                if omega > 0.0 {
                    break omega;
                }
                n += 1;
            }
        })
        .collect();
    problem.each(|module| {
        let first = module.parts[0].tau();
        let (mut sum, mut whole) = (Matrix::zero(first.rows, first.columns), 0.0);
        for part in &module.parts {
            sum = sum.plus(omegas[part.adapter], &part.tau());
            whole += omegas[part.adapter];
        }
        sum.scaled(1.0 / whole)
    })
}
