//! Mutate: every singular value times one plus a draw.

use super::{Problem, Twin, assembled, svd};
use crate::dense::Matrix;
use rankweave_compute::rng::Stream;

pub const TWIN: Twin =
    Twin { id: "mutate", params: &["{}", r#"{"amount": 1}"#, r#"{"amount": 0.5, "direction": "both"}"#], merge };

fn merge(problem: &Problem) -> Vec<Matrix> {
    let amount = problem.number("amount", 0.1);
    problem.each(|module| {
        let mut sum = module.sum();
        for part in &module.parts {
            let (u, sigma, v) = svd(&part.tau(), 1e-6);
            let draw = |l: usize| {
                let drawn = Stream::new(problem.seed, &module.name, part.adapter as u64).uniform(l as u64);
                if problem.choice("direction", "up") == "both" { drawn + drawn - 1.0 } else { drawn }
            };
            let moved: Vec<f64> = sigma.iter().enumerate().map(|(l, s)| amount * draw(l) * s).collect();
            sum = sum.plus(1.0, &assembled(&u, &moved, &v));
        }
        sum
    })
}
