//! DC-Merge: smoothed spectra, TIES in the basis that covers all adapters.

use super::{Problem, Twin, assembled, beside, polar, svd};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin {
    id: "dc-merge",
    params: &[
        "{}",
        r#"{"smoothing": "mean"}"#,
        r#"{"smoothing": "none", "keep": 0.3}"#,
        r#"{"keep": 0.4, "mask": false}"#,
        r#"{"smoothing": "none", "keep": 1, "mask": false}"#,
    ],
    merge,
};

fn smoothed(sigma: &[f64], how: &str) -> Vec<f64> {
    let (r, all) = (sigma.len(), sigma.iter().sum::<f64>());
    let weights: Vec<f64> = match how {
        "none" => sigma.to_vec(),
        "linear" if r > 1 => {
            let ratio = (sigma[0] / sigma[r - 1]).min(5.0);
            (0..r).map(|l| ratio - (ratio - 1.0) * l as f64 / (r as f64 - 1.0)).collect()
        }
        _ => vec![1.0; r],
    };
    weights.iter().map(|w| w / weights.iter().sum::<f64>() * all).collect()
}

fn merge(problem: &Problem) -> Vec<Matrix> {
    let (how, keep) = (problem.choice("smoothing", "linear"), problem.number("keep", 0.001));
    let mask = problem.flag("mask", true);
    problem.each(|module| {
        let parts: Vec<_> = module.taus().iter().map(|tau| svd(tau, 1e-6)).collect();
        let u = polar(&beside(&parts.iter().map(|p| p.0.clone()).collect::<Vec<_>>()));
        let v = polar(&beside(&parts.iter().map(|p| p.2.clone()).collect::<Vec<_>>()));
        let k = u.columns;
        let mut all = Vec::new();
        for (us, sigma, vs) in &parts {
            let small = u.transposed().times(&assembled(us, &smoothed(sigma, how), vs)).times(&v);
            // What differs by rounding alone is equal: a grid of 2⁻³⁰ of the largest entry's power of two.
            let top = small.values.iter().fold(0.0f64, |top, x| top.max(x.abs()));
            let grid = 2f64.powi(top.log2().ceil() as i32 - 30);
            let entries: Vec<f64> =
                small.values.iter().map(|x| if top > 0.0 { (x / grid).round() * grid } else { 0.0 }).collect();
            let count = ((keep * (k * k) as f64).round() as usize).max(sigma.len());
            let mut order: Vec<usize> = (0..k * k).collect();
            order.sort_by(|a, b| entries[*b].abs().total_cmp(&entries[*a].abs()).then(a.cmp(b)));
            let mut trimmed = vec![0.0; k * k];
            order.iter().take(count).for_each(|at| trimmed[*at] = entries[*at]);
            all.push(trimmed);
        }
        let owner: Vec<usize> = parts.iter().enumerate().flat_map(|(i, p)| vec![i; p.1.len()]).collect();
        let mut merged = Matrix::zero(k, k);
        for (at, entry) in merged.values.iter_mut().enumerate() {
            let sign = if all.iter().map(|part| part[at]).sum::<f64>() < 0.0 { -1.0 } else { 1.0 };
            let agreeing: Vec<f64> = all.iter().map(|part| part[at]).filter(|x| x * sign > 0.0).collect();
            if !agreeing.is_empty() && (!mask || owner[at / k] == owner[at % k]) {
                *entry = agreeing.iter().sum::<f64>() / agreeing.len() as f64;
            }
        }
        u.times(&merged).times(&v.transposed())
    })
}
