//! Methods that give every adapter one coefficient, on dense deltas: per module, or over the whole file at once.

use super::{Module, Problem, Twin};
use crate::dense::Matrix;

pub const NORM_EQUALISE: Twin = Twin {
    id: "norm-equalise",
    params: &[
        "{}",
        r#"{"target": "mean", "gamma": 0.5, "from": "module"}"#,
        r#"{"target": "geometric", "raise": false, "from": "module"}"#,
    ],
    merge: |p| {
        scalar(p, "file", |vectors| {
            let norms = norms(vectors);
            let target = match p.choice("target", "median") {
                "mean" => norms.iter().sum::<f64>() / norms.len() as f64,
                "geometric" => norms.iter().product::<f64>().powf(1.0 / norms.len() as f64),
                _ => median(norms.clone()),
            };
            let c = norms.iter().map(|norm| (target / norm).powf(p.number("gamma", 1.0)));
            c.map(|c| if p.flag("raise", true) { c } else { c.min(1.0) }).collect()
        })
    },
};

pub const CAP_OUTLIERS: Twin = Twin {
    id: "cap-outliers",
    params: &["{}", r#"{"k": 0.5}"#, r#"{"k": 0, "from": "file"}"#],
    merge: |p| {
        scalar(p, "module", |vectors| {
            let norms = norms(vectors);
            let middle = median(norms.clone());
            let spread = median(norms.iter().map(|n| (n - middle).abs()).collect());
            norms.iter().map(|n| ((middle + p.number("k", 3.0) * spread) / n).min(1.0)).collect()
        })
    },
};

pub const NAN: Twin = Twin {
    id: "nan",
    params: &["{}", r#"{"total": "sum", "from": "file"}"#],
    merge: |p| {
        scalar(p, "module", |vectors| {
            let inverse: Vec<f64> = norms(vectors).iter().map(|n| 1.0 / n).collect();
            let total = if p.choice("total", "mean") == "sum" { inverse.len() as f64 } else { 1.0 };
            inverse.iter().map(|x| total * x / inverse.iter().sum::<f64>()).collect()
        })
    },
};

pub const FROM: Twin = Twin {
    id: "from",
    params: &["{}", r#"{"k": 2.5}"#, r#"{"k": 0, "from": "file"}"#],
    merge: |p| scalar(p, "module", |vectors| powers(vectors, p.number("k", 1.0))),
};

pub const METAGPT: Twin = Twin {
    id: "metagpt",
    params: &["{}", r#"{"from": "module"}"#],
    merge: |p| scalar(p, "file", |vectors| powers(vectors, 2.0)),
};

pub const MODEL_STOCK: Twin = Twin {
    id: "model-stock",
    params: &["{}", r#"{"from": "file"}"#],
    merge: |p| {
        scalar(p, "module", |vectors| {
            let count = vectors.len() as f64;
            let (mut sum, mut pairs) = (0.0, 0.0);
            for i in 0..vectors.len() {
                for j in i + 1..vectors.len() {
                    sum += cosine(&vectors[i].0, &vectors[j].0);
                    pairs += 1.0;
                }
            }
            let mean = if pairs > 0.0 { (sum / pairs).max(0.0) } else { 1.0 };
            vec![mean / (1.0 + (count - 1.0) * mean); vectors.len()]
        })
    },
};

pub const LEAST_SQUARES: Twin = Twin {
    id: "least-squares",
    params: &["{}", r#"{"from": "module"}"#],
    merge: |p| {
        scalar(p, "file", |vectors| {
            // The pseudo-inverse of the Gram matrix of unit vectors, by its SVD.
            let (n, norms) = (vectors.len(), norms(vectors));
            let entry = |at: usize| cosine(&vectors[at / n].0, &vectors[at % n].0);
            let gram = Matrix::new(n, n, (0..n * n).map(entry).collect());
            let (u, sigma, v) = super::svd(&gram, 1e-10);
            let inverse = super::assembled(&v, &sigma.iter().map(|s| 1.0 / s).collect::<Vec<_>>(), &u);
            let c = inverse.times(&Matrix::new(n, 1, norms.clone()));
            c.values.iter().zip(&norms).map(|(c, norm)| c / norm).collect()
        })
    },
};

pub const SLERP: Twin = Twin {
    id: "slerp",
    params: &["{}", r#"{"t": 0.2}"#, r#"{"t": 1, "from": "file"}"#],
    merge: |p| {
        let t = p.number("t", 0.5);
        if p.choice("from", "module") == "file" {
            return scalar(p, "file", |vectors| arc(cosine(&vectors[0].0, &vectors[1].0), t).to_vec());
        }
        p.each(|m| match &m.parts[..] {
            [a, b] => {
                let [c, d] = arc(cosine(&a.tau().values, &b.tau().values), t);
                a.tau().scaled(c).plus(d, &b.tau())
            }
            [one] => one.tau().scaled(if one.adapter == 0 { 1.0 - t } else { t }),
            _ => unreachable!("two adapters"),
        })
    },
};

pub const NUSLERP: Twin = Twin {
    id: "nuslerp",
    params: &["{}", r#"{"rows": true}"#],
    merge: |p| {
        p.each(|m| {
            let [a, b] = &m.parts[..] else { return m.parts[0].pair.delta().scaled(0.5) };
            let t = b.weight / (a.weight + b.weight);
            let (x, y) = (a.pair.delta(), b.pair.delta());
            let width = if p.flag("rows", false) { x.columns } else { x.values.len() };
            let rows = x.values.chunks(width).zip(y.values.chunks(width)).flat_map(|(x, y)| {
                let [c, d] = arc(cosine(x, y), t);
                x.iter().zip(y).map(move |(x, y)| c * x + d * y).collect::<Vec<_>>()
            });
            Matrix::new(x.rows, x.columns, rows.collect())
        })
    },
};

pub const MULTI_SLERP: Twin = Twin {
    id: "multi-slerp",
    params: &["{}", r#"{"from": "file"}"#],
    merge: |p| {
        whole(p, "module", |vectors| {
            let (units, shares, length) = sphere(vectors);
            let middle = unit(&blend(&units, &shares));
            let tangents: Vec<Vec<f64>> = units.iter().map(|u| plus(u, -dot(u, &middle), &middle)).collect();
            let v = blend(&tangents, &shares);
            let angle = dot(&v, &v).sqrt();
            let turned = if angle < 1e-12 { v } else { v.iter().map(|x| x * angle.sin() / angle).collect() };
            plus(&turned, angle.cos(), &middle).iter().map(|x| length * x).collect()
        })
    },
};

pub const KARCHER: Twin = Twin {
    id: "karcher",
    params: &[r#"{"steps": 100}"#, r#"{"from": "file", "steps": 2}"#],
    merge: |p| {
        whole(p, "module", |vectors| {
            let (units, shares, length) = sphere(vectors);
            let mut x = unit(&blend(&units, &shares));
            for _ in 0..p.number("steps", 10.0) as usize {
                let logarithms: Vec<Vec<f64>> = units
                    .iter()
                    .map(|u| {
                        let angle = dot(u, &x).clamp(-1.0, 1.0).acos();
                        let factor = if angle.sin() > 1e-9 { angle / angle.sin() } else { 1.0 };
                        plus(u, -angle.cos(), &x).iter().map(|t| factor * t).collect()
                    })
                    .collect();
                let step = blend(&logarithms, &shares);
                let angle = dot(&step, &step).sqrt();
                if angle < 1e-12 {
                    break;
                }
                let turned: Vec<f64> = step.iter().map(|s| s * angle.sin() / angle).collect();
                x = plus(&turned, angle.cos(), &x);
            }
            x.iter().map(|x| length * x).collect()
        })
    },
};

/// One adapter over some modules as one vector, with the size of its weight.
type Vector = (Vec<f64>, f64);

/// Σ cᵢ·τᵢ with c from the τᵢ as vectors.
fn scalar(p: &Problem, default: &str, rule: impl Fn(&[Vector]) -> Vec<f64>) -> Vec<Matrix> {
    whole(p, default, |vectors| {
        let c = rule(vectors);
        blend(&vectors.iter().map(|v| v.0.clone()).collect::<Vec<_>>(), &c)
    })
}

/// A rule on vectors, module by module or on the whole file. Adapters that have nothing there do not take part.
fn whole(p: &Problem, default: &str, rule: impl Fn(&[Vector]) -> Vec<f64>) -> Vec<Matrix> {
    let shape = |m: &Module| (m.parts[0].pair.up.rows, m.parts[0].pair.down.columns);
    if p.choice("from", default) == "module" {
        return p.each(|m| {
            let vectors: Vec<Vector> = m.parts.iter().map(|part| (part.tau().values, part.weight.abs())).collect();
            let (rows, columns) = shape(m);
            Matrix::new(rows, columns, rule(&vectors))
        });
    }
    let vector = |adapter: usize| -> Vector {
        let mut values = Vec::new();
        let (mut weighed, mut plain) = (0.0, 0.0);
        for m in &p.modules {
            let (rows, columns) = shape(m);
            match m.parts.iter().find(|part| part.adapter == adapter) {
                Some(part) => {
                    values.extend(part.tau().values);
                    weighed += part.tau().norm().powi(2);
                    plain += part.pair.delta().norm().powi(2);
                }
                None => values.resize(values.len() + rows * columns, 0.0),
            }
        }
        (values, (weighed / plain).sqrt())
    };
    let mut merged = rule(&(0..p.adapters).map(vector).collect::<Vec<_>>());
    let cut = |m: &Module| {
        let (rows, columns) = shape(m);
        let rest = merged.split_off(rows * columns);
        Matrix::new(rows, columns, std::mem::replace(&mut merged, rest))
    };
    p.modules.iter().map(cut).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    (dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()).clamp(-1.0, 1.0)
}

fn norms(vectors: &[Vector]) -> Vec<f64> {
    vectors.iter().map(|v| dot(&v.0, &v.0).sqrt()).collect()
}

fn powers(vectors: &[Vector], k: f64) -> Vec<f64> {
    let powers: Vec<f64> = norms(vectors).iter().map(|n| n.powf(k)).collect();
    powers.iter().map(|x| x / powers.iter().sum::<f64>()).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    if n % 2 == 1 { values[n / 2] } else { (values[n / 2 - 1] + values[n / 2]) / 2.0 }
}

fn arc(cosine: f64, t: f64) -> [f64; 2] {
    let angle = cosine.acos();
    match cosine.abs() > 0.9995 {
        true => [1.0 - t, t],
        false => [((1.0 - t) * angle).sin() / angle.sin(), (t * angle).sin() / angle.sin()],
    }
}

fn unit(x: &[f64]) -> Vec<f64> {
    let length = dot(x, x).sqrt();
    x.iter().map(|x| x / length).collect()
}

/// a + factor·b.
fn plus(a: &[f64], factor: f64, b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + factor * b).collect()
}

fn blend(vectors: &[Vec<f64>], shares: &[f64]) -> Vec<f64> {
    let zero = vec![0.0; vectors[0].len()];
    vectors.iter().zip(shares).fold(zero, |sum, (v, share)| plus(&sum, *share, v))
}

/// Unit vectors, shares by weight, mean length.
fn sphere(vectors: &[Vector]) -> (Vec<Vec<f64>>, Vec<f64>, f64) {
    let total: f64 = vectors.iter().map(|v| v.1).sum();
    let shares: Vec<f64> = vectors.iter().map(|v| v.1 / total).collect();
    let length = norms(vectors).iter().zip(&shares).map(|(n, s)| n * s).sum();
    (vectors.iter().map(|v| unit(&v.0)).collect(), shares, length)
}
