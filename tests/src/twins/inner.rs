//! The rules inside a common space, on coordinates of every module: what `knots`, `core` and `ctm` share.

use super::{Module, Problem, assembled, beside, polar, svd};
use crate::dense::Matrix;
use rankweave_compute::rng::Stream;

/// C' of every module; `spaces[m]` holds the coordinates of module m's parts, of one size.
pub fn merged(problem: &Problem, spaces: &[Vec<Matrix>]) -> Vec<Matrix> {
    let rule = problem.choice("inner", "ties");
    let spaces: Vec<Vec<Matrix>> = match rule {
        "dare" | "dare-ties" => {
            problem.modules.iter().zip(spaces).map(|(m, parts)| thinned(problem, m, parts)).collect()
        }
        _ => spaces.to_vec(),
    };
    let least = thresholds(problem, &spaces);
    let one = |(module, parts): (&Module, &Vec<Matrix>)| {
        let sum = || parts.iter().cloned().reduce(|a, b| a.plus(1.0, &b)).expect("a part");
        match rule {
            "mean" => sum().scaled(1.0 / parts.len() as f64),
            "sum" | "dare" => sum(),
            "tsv" => orthogonal(parts),
            "iso" => {
                let (u, sigma, v) = svd(&sum(), 1e-6);
                let mean = sigma.iter().sum::<f64>() / sigma.len().max(1) as f64;
                assembled(&u, &vec![mean; sigma.len()], &v)
            }
            _ => {
                let trim = |(part, own): (&super::Part, &Matrix)| match &least {
                    Some(least) => Matrix {
                        values: own
                            .values
                            .iter()
                            .map(|x| if x.abs() as f32 >= least[part.adapter] { *x } else { 0.0 })
                            .collect(),
                        ..own.clone()
                    },
                    None => largest(own, problem.number("density", 1.0)),
                };
                elected(&module.parts.iter().zip(parts).map(trim).collect::<Vec<_>>())
            }
        }
    };
    problem.modules.iter().zip(&spaces).map(one).collect()
}

fn thinned(problem: &Problem, module: &Module, parts: &[Matrix]) -> Vec<Matrix> {
    let drop = problem.number("drop", 0.1);
    let one = |(part, own): (&super::Part, &Matrix)| {
        let stream = Stream::new(problem.seed, &module.name, part.adapter as u64);
        let keep = |(at, x): (usize, &f64)| if stream.uniform(at as u64) < drop { 0.0 } else { x / (1.0 - drop) };
        Matrix { values: own.values.iter().enumerate().map(keep).collect(), ..*own }
    };
    module.parts.iter().zip(parts).map(one).collect()
}

/// Each adapter's least |x| that stays, over all modules, if that is asked for.
fn thresholds(problem: &Problem, spaces: &[Vec<Matrix>]) -> Option<Vec<f32>> {
    let density = problem.number("density", 1.0);
    if problem.choice("scope", "module") != "file" || density == 1.0 {
        return None;
    }
    let mut all = vec![Vec::new(); problem.adapters];
    for (module, parts) in problem.modules.iter().zip(spaces) {
        for (part, own) in module.parts.iter().zip(parts) {
            all[part.adapter].extend(own.values.iter().map(|x| x.abs() as f32));
        }
    }
    let least = |mut sizes: Vec<f32>| {
        sizes.sort_by(|a, b| b.total_cmp(a));
        let keep = (density * sizes.len() as f64).round() as usize;
        sizes.get(keep.max(1) - 1).copied().unwrap_or(0.0)
    };
    Some(all.into_iter().map(least).collect())
}

fn largest(x: &Matrix, density: f64) -> Matrix {
    let mut order: Vec<usize> = (0..x.values.len()).collect();
    order.sort_by(|a, b| x.values[*b].abs().total_cmp(&x.values[*a].abs()).then(a.cmp(b)));
    let keep = ((density * order.len() as f64).round() as usize).max(1);
    let mut out = x.scaled(0.0);
    order.iter().take(keep).for_each(|at| out.values[*at] = x.values[*at]);
    out
}

/// The mean of what has the sign of the sum; nothing where the parts cancel.
fn elected(parts: &[Matrix]) -> Matrix {
    let mut out = parts[0].scaled(0.0);
    let top = parts.iter().flat_map(|part| &part.values).fold(0.0, |most: f64, x| most.max(x.abs()));
    for at in 0..out.values.len() {
        let entries: Vec<f64> = parts.iter().map(|part| part.values[at]).filter(|x| x.abs() > 1e-9 * top).collect();
        let (sum, size) = (entries.iter().sum::<f64>(), entries.iter().map(|x| x.abs()).sum::<f64>());
        if sum.abs() > 1e-7 * size {
            let agreeing: Vec<f64> = entries.into_iter().filter(|x| x * sum > 0.0).collect();
            out.values[at] = agreeing.iter().sum::<f64>() / agreeing.len() as f64;
        }
    }
    out
}

fn orthogonal(parts: &[Matrix]) -> Matrix {
    let (mut us, mut vs, mut sigmas) = (Vec::new(), Vec::new(), Vec::new());
    for part in parts {
        let (u, sigma, v) = svd(part, 1e-6);
        us.push(u);
        vs.push(v);
        sigmas.extend(sigma);
    }
    assembled(&polar(&beside(&us)), &sigmas, &polar(&beside(&vs)))
}
