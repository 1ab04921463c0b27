//! Mosaic: masks of ones and zeros that add up to one.

use super::{Module, Problem, Twin};
use crate::dense::Matrix;
use rankweave_compute::rng::Stream;

pub const TWIN: Twin = Twin {
    id: "mosaic",
    params: &[
        r#"{}"#,
        r#"{"units": 5}"#,
        r#"{"units": 6, "pick": "random", "rescale": true}"#,
        r#"{"units": 7, "shares": "equal"}"#,
        r#"{"of": "rows"}"#,
        r#"{"of": "columns", "rescale": true, "shares": "equal"}"#,
        r#"{"of": "elements"}"#,
        r#"{"of": "elements", "rescale": true}"#,
    ],
    merge,
};

fn merge(problem: &Problem) -> Vec<Matrix> {
    problem.each(|module| {
        let equal = problem.choice("shares", "weights") == "equal";
        let sizes: Vec<f64> = module.parts.iter().map(|part| if equal { 1.0 } else { part.weight.abs() }).collect();
        let shares: Vec<f64> = sizes.iter().map(|size| size / sizes.iter().sum::<f64>()).collect();
        match problem.choice("of", "units") {
            "units" => units(problem, module, &shares),
            of => places(problem, module, &shares, of),
        }
    })
}

/// Rows, columns or elements by the words of one stream.
fn places(problem: &Problem, module: &Module, shares: &[f64], of: &str) -> Matrix {
    let taus = module.taus();
    let mut merged = Matrix::zero(taus[0].rows, taus[0].columns);
    let stream = Stream::new(problem.seed, &module.name, 0);
    let mut words = vec![0; merged.values.len().max(merged.rows).max(merged.columns)];
    stream.words(0, &mut words);
    for at in 0..merged.values.len() {
        let place = match of {
            "rows" => at / merged.columns,
            "columns" => at % merged.columns,
            _ => at,
        };
        let chance = f64::from(words[place]) / 2f64.powi(32);
        let above = |i: &usize| chance < shares[..=*i].iter().sum::<f64>();
        let owner = (0..shares.len()).find(above).unwrap_or(shares.len() - 1);
        let factor = if problem.flag("rescale", false) { 1.0 / shares[owner] } else { 1.0 };
        merged.values[at] = factor * taus[owner].values[at];
    }
    merged
}

fn units(problem: &Problem, module: &Module, shares: &[f64]) -> Matrix {
    let ranks: Vec<usize> = module.parts.iter().map(|part| part.pair.down.rows).collect();
    let count = match problem.number("units", 0.0) as usize {
        0 => problem.rank.unwrap_or_else(|| ranks.iter().copied().max().unwrap_or(0)),
        count => count,
    };
    let mut kept = vec![0; ranks.len()];
    for _ in 0..count {
        let behind = |i: &usize| shares[*i] * count as f64 - kept[*i] as f64;
        let mut open: Vec<usize> = (0..ranks.len()).filter(|i| kept[*i] < ranks[*i]).collect();
        open.sort_by(|a, b| behind(b).total_cmp(&behind(a)));
        if let Some(next) = open.first() {
            kept[*next] += 1;
        }
    }
    let mut sum = module.taus()[0].scaled(0.0);
    for ((part, kept), rank) in module.parts.iter().zip(kept).zip(ranks) {
        let unit = |slot: usize| {
            let up = (0..part.pair.up.rows).map(|row| part.pair.up.values[row * rank + slot]).collect();
            let columns = part.pair.down.columns;
            let down = part.pair.down.values[slot * columns..(slot + 1) * columns].to_vec();
            Matrix::new(part.pair.up.rows, 1, up).times(&Matrix::new(1, columns, down))
        };
        let mut slots: Vec<usize> = (0..rank).collect();
        if problem.choice("pick", "energy") == "energy" {
            slots.sort_by(|a, b| unit(*b).norm().total_cmp(&unit(*a).norm()));
        } else {
            let stream = Stream::new(problem.seed, &module.name, 1 + part.adapter as u64);
            slots.sort_by_key(|slot| stream.bits(*slot as u64));
        }
        let grown = if problem.flag("rescale", false) { rank as f64 / kept.max(1) as f64 } else { 1.0 };
        for slot in &slots[..kept] {
            sum = sum.plus(grown * part.weight * part.pair.scale, &unit(*slot));
        }
    }
    sum
}
