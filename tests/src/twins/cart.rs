//! CART: the mean and truncated differences from it.

use super::{Problem, Twin, svd};
use crate::dense::Matrix;

pub const TWIN: Twin =
    Twin { id: "cart", params: &["{}", r#"{"delta": 0.3}"#, r#"{"directions": 1}"#, r#"{"directions": 256}"#], merge };

fn merge(problem: &Problem) -> Vec<Matrix> {
    let (k, delta) = (problem.number("directions", 0.0) as usize, problem.number("delta", 1.0));
    problem.each(|module| {
        let taus = module.taus();
        let mean = module.sum().scaled(1.0 / taus.len() as f64);
        let mut merged = mean.clone();
        for tau in &taus {
            let k = if k == 0 { svd(tau, 1e-6).1.len().div_ceil(2) } else { k };
            merged = merged.plus(delta, &tau.plus(-1.0, &mean).truncated(k).0);
        }
        merged
    })
}
