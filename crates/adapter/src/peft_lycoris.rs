//! LoHa and LoKr as PEFT holds them: types of their own, one per file, whose tensors have shapes that PEFT computes from
//! the base weight and a few fields of adapter_config.json. A file of another trainer can be carried over only where
//! those fields exist.
//!
//! | | PEFT's tensors |
//! |---|---|
//! | LoHa | w_a `[out, r]`, w_b `[r, in·kernel]`; with `use_effective_conv2d` kernels larger than 1×1 as t `[r, r, kernel]`, w_a `[r, out]`, w_b `[r, in]` |
//! | LoKr | out = a·c, in = b·d by `decompose_factor`, the smaller factor first |
//! | W1 `[a, b]` | two factors where `decompose_both` and 2r < max(a, b), else whole |
//! | W2 `[c, d, kernel]` | whole where 2r ≥ max(c, d), else two factors, or three with `use_effective_conv2d` |
//! | scale | alpha/r, also of whole factors |
//!
//! Source: PEFT's tuners/loha/layer.py, tuners/lokr/layer.py and tuners/lycoris_utils.py.

use crate::kind::KindId;
use crate::module::Module;
use crate::part::Part;
use crate::safetensors::Header;

/// The fields of a LoHa's or LoKr's adapter_config.json that decide the shapes of its tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeftLycoris {
    /// LoHa or LoKr.
    pub kind: KindId,
    /// `use_effective_conv2d`: convolutions have a kernel between their factors.
    pub effective: bool,
    /// `decompose_both`: the first Kronecker factor may be a product too.
    pub both: bool,
    /// `decompose_factor`; -1 for as square as can be.
    pub factor: i64,
}

impl PeftLycoris {
    /// The fields with which PEFT gives every one of `modules` the tensors that it has; `None` where there are none, or
    /// the modules are not all LoHa or all LoKr.
    pub fn of<'a>(header: &Header, modules: impl Iterator<Item = &'a Module> + Clone) -> Option<PeftLycoris> {
        let kind = modules.clone().next()?.kind;
        let has = |part: Part| modules.clone().any(|m| m.part(part).is_some());
        let effective = has(Part::HadaT1) || has(Part::LokrT2);
        let found = PeftLycoris { kind, effective, both: has(Part::LokrW1A), factor: -1 };
        let fits = |fields: PeftLycoris| modules.clone().all(|m| m.kind == kind && fields.fits(header, m));
        match kind {
            KindId::Loha => fits(found).then_some(found),
            KindId::Lokr => {
                let first = |m: &Module| sizes(header, m, &[Part::LokrW1, Part::LokrW1A]).first().copied();
                let tried =
                    [-1, 4, 8, 16].into_iter().chain(modules.clone().filter_map(first).map(|n| n as i64).take(1));
                tried.map(|factor| PeftLycoris { factor, ..found }).find(|fields| fits(*fields))
            }
            _ => None,
        }
    }

    /// The rank that the configuration has to state for a module: what alpha is divided by. Where no factor tells it, the
    /// smallest one with which PEFT keeps both whole.
    pub fn rank(&self, module: &Module) -> usize {
        match (module.dim, self.split(module)) {
            (0, Some([_, _, c, d])) => c.max(d).div_ceil(2).max(1),
            (dim, _) => dim.max(1),
        }
    }

    /// The shape in which PEFT has a tensor that `module` stores as `shape`.
    pub fn shape(&self, part: Part, shape: &[u64]) -> Vec<u64> {
        let whole = matches!(part, Part::HadaT1 | Part::HadaT2 | Part::LokrT2 | Part::LokrW2);
        match shape {
            [rows, columns @ ..] if !whole => vec![*rows, columns.iter().product()],
            // A kernel of 1×1 is none.
            [rows, columns, kernel @ ..] if kernel.iter().all(|k| *k == 1) && part != Part::LokrW2 => {
                vec![*rows, *columns]
            }
            _ => shape.to_vec(),
        }
    }

    /// a, b, c, d of out = a·c, in = b·d.
    fn split(&self, module: &Module) -> Option<[usize; 4]> {
        let ((a, c), (b, d)) = (factors(module.shape.out, self.factor)?, factors(module.shape.inp, self.factor)?);
        Some([a, b, c, d])
    }

    /// Would PEFT give the module these tensors?
    fn fits(&self, header: &Header, module: &Module) -> bool {
        let size = |part: Part| sizes(header, module, &[part]);
        let kernel = &module.shape.kernel;
        let area: usize = kernel.iter().product();
        let big = area > 1;
        let (out, inp) = (module.shape.out, module.shape.inp);
        let r = self.rank(module);
        if self.kind == KindId::Loha {
            let halves = [(Part::HadaW1A, Part::HadaW1B, Part::HadaT1), (Part::HadaW2A, Part::HadaW2B, Part::HadaT2)];
            return halves.into_iter().all(|(a, b, t)| match big && self.effective {
                true => size(a) == [r, out] && size(b) == [r, inp] && size(t) == [&[r, r], &kernel[..]].concat(),
                false => size(t).is_empty() && size(a) == [out, r] && flat(&size(b)) == [r, inp * area],
            });
        }
        let Some([a, b, c, d]) = self.split(module) else { return false };
        let first = match self.both && 2 * r < a.max(b) {
            true => size(Part::LokrW1A) == [a, r] && size(Part::LokrW1B) == [r, b],
            false => flat(&size(Part::LokrW1)) == [a, b],
        };
        let whole = size(Part::LokrW2);
        let second = match (2 * r >= c.max(d), big && self.effective) {
            (true, _) if kernel.is_empty() => whole == [c, d],
            (true, _) => whole == [&[c, d], &kernel[..]].concat(),
            (false, true) => {
                size(Part::LokrT2) == [&[r, r], &kernel[..]].concat()
                    && size(Part::LokrW2A) == [r, c]
                    && size(Part::LokrW2B) == [r, d]
            }
            (false, false) => {
                size(Part::LokrT2).is_empty()
                    && size(Part::LokrW2A) == [c, r]
                    && flat(&size(Part::LokrW2B)) == [r, d * area]
            }
        };
        first && second
    }
}

/// The shape of the first of these parts that the module has; empty where it has none.
fn sizes(header: &Header, module: &Module, parts: &[Part]) -> Vec<usize> {
    let tensor = parts.iter().find_map(|part| module.part(*part)).and_then(|t| header.tensors.get(t));
    tensor.map(|t| t.shape.iter().map(|n| usize::try_from(*n).unwrap_or(0)).collect()).unwrap_or_default()
}

/// Rows, and everything else.
fn flat(shape: &[usize]) -> Vec<usize> {
    match shape {
        [rows, columns @ ..] => vec![*rows, columns.iter().fold(1, |n, k| n.saturating_mul(*k))],
        [] => Vec::new(),
    }
}

/// Two factors of `n`, the smaller first: by `factor` where it divides, else the most equal ones with the smaller at
/// most `factor` (-1: any). `None` for sizes that no layer has.
fn factors(n: usize, factor: i64) -> Option<(usize, usize)> {
    const LARGEST: usize = 1 << 20;
    if n == 0 || n > LARGEST {
        return None;
    }
    let most = usize::try_from(factor).unwrap_or(n);
    if most > 0 && factor > 0 && n.is_multiple_of(most) {
        return Some((most.min(n / most), most.max(n / most)));
    }
    let small = (1..=most.min(n)).take_while(|m| m * m <= n).filter(|m| n.is_multiple_of(*m)).last()?;
    Some((small, n / small))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_those_of_peft() {
        // The table in the documentation of LyCORIS' factorization().
        for (n, factor, expected) in [
            (127, -1, (1, 127)),
            (128, -1, (8, 16)),
            (250, -1, (10, 25)),
            (360, -1, (18, 20)),
            (512, -1, (16, 32)),
            (1024, -1, (32, 32)),
            (127, 4, (1, 127)),
            (128, 4, (4, 32)),
            (250, 4, (2, 125)),
            (360, 4, (4, 90)),
            (512, 16, (16, 32)),
            (320, 8, (8, 40)),
            (4, 8, (2, 2)),
        ] {
            assert_eq!(factors(n, factor), Some(expected), "{n} by {factor}");
        }
        assert_eq!((factors(0, -1), factors(usize::MAX, -1)), (None, None));
    }
}
