//! OFT: ΔW = R·W − W or W·R − W, block by block along the diagonal.
//!
//! | | Q of a block | block R | W' |
//! |---|---|---|---|
//! | kohya, LyCORIS | X − Xᵀ, all blocks' norm together at most alpha·out | (I + Q)(I − Q)⁻¹ | ρ·Rᵀ·W |
//! | PEFT | the upper triangle; with `coft` its norm at most eps/√count | (I − Q)(I + Q)⁻¹ | W·Rᵀ |
//! | PEFT, `use_cayley_neumann` with n terms | the same | I + 2Q + 2Q² + … + 2Qⁿ⁻² + Qⁿ⁻¹ | W·Rᵀ |
//!
//! ρ is `rescale`. ComfyUI takes alpha itself for the bound, without the number of outputs, which is not what was trained.

use super::{Given, dense, lacking, need};
use rankweave_adapter::{Error, Kind, Module, Part, PeftConfig, Result, Stored, Tensor};
use rankweave_compute::FactorPair;
use rankweave_compute::linalg::{Square, cayley};

pub(super) fn pair_of(module: &Module, mut stored: Stored, given: Given) -> Result<FactorPair> {
    let config = given.config;
    let mut weight = given.weight(module)?;
    match stored.take(Part::OftInputs) {
        Some(triangles) => inputs(module, &triangles, config, &mut weight)?,
        None => outputs(module, stored, &mut weight)?,
    }
    Ok(dense(module, 1.0, weight))
}

/// Turns blocks of rows.
fn outputs(module: &Module, mut stored: Stored, weight: &mut [f32]) -> Result<()> {
    let bound = stored.alpha * module.shape.out as f64;
    let blocks = need(module, &mut stored, Part::OftBlocks)?;
    let rescale = stored.take(Part::OftRescale);
    let b = *blocks.shape.last().ok_or_else(|| lacking(module))?;
    let columns = module.shape.columns();
    let at = |block: &[f32], i: usize, j: usize| f64::from(block[i * b + j]) - f64::from(block[j * b + i]);
    let skew = blocks.values.chunks_exact(b * b);
    let squares = skew.clone().flat_map(|x| (0..b * b).map(move |n| at(x, n / b, n % b).powi(2)));
    let norm = if bound > 0.0 { squares.sum::<f64>().sqrt() } else { 0.0 };
    let by = if norm > bound { bound / norm } else { 1.0 };
    for (block, (x, rows)) in skew.zip(weight.chunks_exact_mut(b * columns)).enumerate() {
        let r = cayley(&Square::from_fn(b, |i, j| at(x, i, j) * by)).ok_or_else(|| degenerate(module))?;
        let before: Vec<f64> = rows.iter().map(|w| f64::from(*w)).collect();
        let mut turned = vec![0.0; columns];
        for (m, row) in rows.chunks_exact_mut(columns).enumerate() {
            turned.fill(0.0);
            for (n, before) in before.chunks_exact(columns).enumerate() {
                let r = r.at(n, m);
                turned.iter_mut().zip(before).for_each(|(t, w)| *t += r * w);
            }
            let rho = rescale.as_ref().map_or(1.0, |rho| f64::from(rho.values[block * b + m]));
            row.iter_mut().zip(&turned).for_each(|(w, t)| *w = (t * rho - f64::from(*w)) as f32);
        }
    }
    Ok(())
}

/// Turns blocks of columns.
fn inputs(module: &Module, triangles: &Tensor, config: Option<&PeftConfig>, weight: &mut [f32]) -> Result<()> {
    let number = |key: &str, default: f64| {
        let value = config.and_then(|c| c.fields.get(key));
        value.and_then(|v| v.as_f64().or(v.as_bool().map(|on| f64::from(u8::from(on))))).unwrap_or(default)
    };
    let (&[count, n], columns) = (&*triangles.shape, module.shape.columns()) else { return Err(lacking(module)) };
    let b = (2 * n).isqrt() + 1;
    let terms = (number("use_cayley_neumann", 0.0) > 0.0).then_some(number("num_cayley_neumann_terms", 5.0));
    let bound = (number("coft", 0.0) > 0.0).then(|| number("eps", 6e-5) / (count as f64).sqrt());
    let mut blocks = Vec::with_capacity(count);
    for values in triangles.values.chunks_exact(n) {
        let norm = (2.0 * values.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>()).sqrt();
        let by = bound.filter(|bound| norm > *bound).map_or(1.0, |bound| bound / norm);
        // Row i of the triangle begins behind those above it: (b − 1) + (b − 2) + ….
        let upper = |i: usize, j: usize| by * f64::from(values[i * (2 * b - i - 1) / 2 + j - i - 1]);
        let q = |i: usize, j: usize| match i.cmp(&j) {
            std::cmp::Ordering::Less => upper(i, j),
            std::cmp::Ordering::Equal => 0.0,
            std::cmp::Ordering::Greater => -upper(j, i),
        };
        blocks.push(match terms {
            Some(terms) => neumann(&Square::from_fn(b, q), terms),
            None => cayley(&Square::from_fn(b, |i, j| q(j, i))).ok_or_else(|| degenerate(module))?,
        });
    }
    for row in weight.chunks_exact_mut(columns) {
        for (k, part) in row.chunks_exact_mut(b).enumerate() {
            let r = &blocks[if count == 1 { 0 } else { k }];
            let before: Vec<f64> = part.iter().map(|w| f64::from(*w)).collect();
            for (i, w) in part.iter_mut().enumerate() {
                let turned: f64 = before.iter().enumerate().map(|(j, before)| r.at(i, j) * before).sum();
                *w = (turned - f64::from(*w)) as f32;
            }
        }
    }
    Ok(())
}

/// I + 2Q + 2Q² + … + 2Qⁿ⁻² + Qⁿ⁻¹.
fn neumann(q: &Square, terms: f64) -> Square {
    // More make no difference: training keeps Q small. PEFT's series of three terms is the one of four.
    let terms = match terms.clamp(1.0, 64.0) as usize {
        3 => 4,
        terms => terms,
    };
    let mut r = Square::from_fn(q.size(), |i, j| f64::from(u8::from(i == j)));
    let mut power: Option<Square> = None;
    for term in 1..terms {
        let next = power.map_or_else(|| q.clone(), |power| power.times(q));
        r.add(if term + 1 < terms || terms == 2 { 2.0 } else { 1.0 }, &next);
        power = Some(next);
    }
    r
}

fn degenerate(module: &Module) -> Error {
    let error = Error::new(Kind::Malformed, "A block of a rotation has numbers that are too large");
    error.module(module.key.id()).hint("Training diverged or the file is damaged; use another checkpoint.")
}
