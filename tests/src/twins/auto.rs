//! Auto: sum, mean or TSV-M of leading directions, by what the adapters are like.

use super::{Problem, Twin, assembled, beside, polar, svd};
use crate::dense::Matrix;

pub const TWIN: Twin = Twin { id: "auto", params: &["{}", "{}"], merge };

fn merge(p: &Problem) -> Vec<Matrix> {
    // The adapters as vectors over the whole file.
    let vector = |adapter: usize| -> Vec<f64> {
        let values = p.modules.iter().flat_map(|m| match m.parts.iter().find(|part| part.adapter == adapter) {
            Some(part) => part.tau().values,
            None => vec![0.0; m.parts[0].pair.up.rows * m.parts[0].pair.down.columns],
        });
        values.collect()
    };
    let vectors: Vec<Vec<f64>> = (0..p.adapters).map(vector).collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let norms: Vec<f64> = vectors.iter().map(|v| dot(v, v).sqrt()).collect();
    if p.adapters == 1 || p.modules.iter().any(|m| m.parts.iter().any(|part| part.weight < 0.0)) {
        return p.each(super::Module::sum);
    }
    let (mut cosines, mut pairs) = (0.0, 0.0);
    for i in 0..p.adapters {
        for j in 0..i {
            cosines += dot(&vectors[i], &vectors[j]) / norms[i] / norms[j];
            pairs += 1.0;
        }
    }
    if cosines / pairs > 0.5 {
        return p.each(|m| m.sum().scaled(1.0 / m.parts.len() as f64));
    }
    let merged = p.each(|m| {
        let (mut us, mut sigmas, mut vs) = (Vec::new(), Vec::new(), Vec::new());
        for tau in m.taus() {
            let (u, sigma, v) = svd(&tau, 1e-6);
            let all: f64 = sigma.iter().map(|s| s * s).sum();
            let k = (1..=sigma.len()).find(|k| sigma[..*k].iter().map(|s| s * s).sum::<f64>() >= 0.99 * all);
            let k = k.expect("all directions hold all energy");
            let first = |x: &Matrix| {
                let rows = x.values.chunks_exact(x.columns).flat_map(|row| row[..k].to_vec());
                Matrix::new(x.rows, k, rows.collect())
            };
            us.push(first(&u));
            vs.push(first(&v));
            sigmas.extend_from_slice(&sigma[..k]);
        }
        assembled(&polar(&beside(&us)), &sigmas, &polar(&beside(&vs)))
    });
    let own = merged.iter().map(|m| m.inner(m)).sum::<f64>().sqrt();
    let factor = norms.iter().sum::<f64>() / p.adapters as f64 / own;
    merged.iter().map(|m| m.scaled(factor)).collect()
}
