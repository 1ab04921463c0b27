//! LoRA-LEGO: k-means over units as plain vectors.

use super::{Module, Problem, Twin};
use crate::dense::Matrix;
use rankweave_compute::rng::Stream;

pub const TWIN: Twin = Twin {
    id: "lego",
    params: &[
        "{}",
        r#"{"k": 3, "reweighting": false, "output": "units"}"#,
        r#"{"k": 5, "gauge": "balanced", "pull": "size", "output": "none"}"#,
        r#"{"k": 6, "restarts": 1, "pull": "size"}"#,
        r#"{"k": 400}"#,
    ],
    merge,
};

/// A unit: b, a, and how much it counts.
struct Unit {
    b: Vec<f64>,
    a: Vec<f64>,
    pull: f64,
}

impl Unit {
    fn distance(&self, other: &Unit) -> f64 {
        let square = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| (x - y).powi(2)).sum::<f64>();
        square(&self.b, &other.b) + square(&self.a, &other.a)
    }

    fn largest(&self) -> f64 {
        self.a.iter().chain(&self.b).fold(0.0, |m: f64, x| m.max(x.abs()))
    }
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn units(problem: &Problem, module: &Module) -> Vec<Unit> {
    let mut units = Vec::new();
    for part in &module.parts {
        if problem.choice("gauge", "raw") == "balanced" {
            let svd = part.tau().svd();
            let top = svd.first().map_or(0.0, |t| t.0);
            for (sigma, us, v) in svd.iter().filter(|t| t.0 > 1e-6 * top) {
                let turn = us.iter().fold(0.0, |far: f64, x| if x.abs() > far.abs() { *x } else { far }).signum();
                let b = us.iter().map(|x| turn * x / sigma.sqrt()).collect();
                units.push(Unit { b, a: v.iter().map(|x| turn * x * sigma.sqrt()).collect(), pull: *sigma });
            }
            continue;
        }
        let (up, down, factor) = (&part.pair.up, &part.pair.down, part.pair.scale * part.weight);
        for slot in 0..down.rows {
            let root = factor.abs().sqrt();
            let b: Vec<f64> = (0..up.rows).map(|i| root * up.values[i * up.columns + slot]).collect();
            let a: Vec<f64> =
                (0..down.columns).map(|j| factor.signum() * root * down.values[slot * down.columns + j]).collect();
            let pull = norm(&a) * norm(&b);
            units.push(Unit { b, a, pull });
        }
    }
    units.retain(|unit| unit.pull > 0.0);
    let square = |unit: &Unit| norm(&unit.a).powi(2) + norm(&unit.b).powi(2);
    units.sort_by(|x, y| square(y).total_cmp(&square(x)));
    if problem.choice("pull", "equal") == "equal" {
        units.iter_mut().for_each(|unit| unit.pull = 1.0);
    }
    units
}

fn mean(units: &[Unit], of: &[usize], c: usize) -> Unit {
    let mut sum = Unit { b: vec![0.0; units[0].b.len()], a: vec![0.0; units[0].a.len()], pull: 0.0 };
    for (unit, _) in units.iter().zip(of).filter(|(_, of)| **of == c) {
        sum.pull += unit.pull;
        sum.b.iter_mut().zip(&unit.b).for_each(|(sum, x)| *sum += unit.pull * x);
        sum.a.iter_mut().zip(&unit.a).for_each(|(sum, x)| *sum += unit.pull * x);
    }
    let pull = sum.pull;
    sum.b.iter_mut().chain(&mut sum.a).for_each(|x| *x /= pull);
    sum
}

fn draw(chances: &[f64], share: f64) -> usize {
    let target = share * chances.iter().sum::<f64>();
    let mut sum = 0.0;
    let beyond = |chance: &f64| {
        sum += chance;
        sum > target
    };
    let last = chances.iter().rposition(|c| *c > 0.0).unwrap_or(0);
    chances.iter().position(beyond).unwrap_or(last)
}

fn start(units: &[Unit], k: usize, stream: Stream) -> Vec<usize> {
    let pulls: Vec<f64> = units.iter().map(|unit| unit.pull).collect();
    let mut centres = vec![draw(&pulls, stream.uniform(0))];
    let tries = 2 + (k as f64).ln().floor() as u64;
    let near = |unit: &Unit, centres: &[usize]| {
        let least = centres.iter().map(|c| unit.distance(&units[*c])).fold(f64::INFINITY, f64::min);
        if least < 1e-12 { 0.0 } else { unit.pull * least }
    };
    while centres.len() < k {
        let chances: Vec<f64> = units.iter().map(|unit| near(unit, &centres)).collect();
        if chances.iter().sum::<f64>() == 0.0 {
            centres.push((0..units.len()).find(|i| !centres.contains(i)).expect("a unit is no centre"));
            continue;
        }
        let first = 1 + (centres.len() as u64 - 1) * tries;
        let candidates = (first..first + tries).map(|at| draw(&chances, stream.uniform(at)));
        let potential = |point: &usize| {
            let with: Vec<usize> = centres.iter().copied().chain([*point]).collect();
            units.iter().map(|unit| near(unit, &with)).sum::<f64>()
        };
        let scored: Vec<(f64, usize)> = candidates.map(|point| (potential(&point), point)).collect();
        centres.push(scored.iter().fold(scored[0], |best, next| if next.0 < best.0 { *next } else { best }).1);
    }
    centres
}

fn nearest(units: &[Unit], centres: &[Unit]) -> Vec<usize> {
    let of = |unit: &Unit| {
        let squares: Vec<f64> = centres.iter().map(|centre| unit.distance(centre)).collect();
        (0..squares.len()).fold(0, |best, c| if squares[c] < squares[best] - 1e-13 { c } else { best })
    };
    units.iter().map(of).collect()
}

/// Groups and inertia of one restart.
fn lloyd(units: &[Unit], k: usize, stream: Stream) -> (Vec<usize>, f64) {
    let copy = |i: &usize| Unit { b: units[*i].b.clone(), a: units[*i].a.clone(), pull: 1.0 };
    let mut centres: Vec<Unit> = start(units, k, stream).iter().map(copy).collect();
    let mut of = vec![usize::MAX; units.len()];
    loop {
        let mut next = nearest(units, &centres);
        let size = |of: &[usize], c: usize| of.iter().filter(|own| **own == c).count();
        for c in 0..k {
            if size(&next, c) == 0 {
                let far = |i: usize| units[i].distance(&centres[next[i]]);
                let alone = |i: &usize| size(&next, next[*i]) > 1;
                let point = (0..units.len()).filter(alone).reduce(|best, i| if far(i) > far(best) { i } else { best });
                next[point.expect("more units than groups")] = c;
            }
        }
        if next == of {
            break;
        }
        of = next;
        centres = (0..k).map(|c| mean(units, &of, c)).collect();
    }
    let inertia = units.iter().zip(&of).map(|(unit, c)| unit.pull * unit.distance(&centres[*c])).sum();
    (of, inertia)
}

fn merge(problem: &Problem) -> Vec<Matrix> {
    problem.each(|module| {
        let units = units(problem, module);
        let largest = module.parts.iter().map(|part| part.pair.down.rows).max().unwrap_or(0);
        let k = match problem.number("k", 0.0) as usize {
            0 => largest,
            k => k,
        };
        if k >= units.len() {
            return module.sum();
        }
        let restarts = problem.number("restarts", 10.0) as u64;
        let tried = (0..restarts).map(|lane| lloyd(&units, k, Stream::new(problem.seed, &module.name, lane)));
        let (of, _) =
            tried.reduce(|best, next| if next.1 < best.1 * (1.0 - 1e-10) { next } else { best }).expect("one");
        let mut merged = Matrix::zero(units[0].b.len(), units[0].a.len());
        for c in 0..k {
            let centre = mean(&units, &of, c);
            let members = units.iter().zip(&of).filter(|(_, of)| **of == c);
            let large = members.map(|(unit, _)| unit.pull * unit.largest()).sum::<f64>() / centre.pull;
            let grow = if problem.flag("reweighting", true) { (large / centre.largest()).powi(2) } else { 1.0 };
            let (rows, columns) = (centre.b.len(), centre.a.len());
            merged = merged.plus(grow, &Matrix::new(rows, 1, centre.b).times(&Matrix::new(1, columns, centre.a)));
        }
        let rank = match problem.choice("output", "source") {
            "source" => largest,
            "units" => units.len(),
            _ => k,
        };
        merged.scaled((rank as f64 / k as f64).sqrt())
    })
}
