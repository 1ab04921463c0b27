//! LoKr: ΔW = s·W1⊗W2, a Kronecker product. Each factor is whole or a product of two; the second may be a convolution:
//! whole with its kernel, in Tucker form (`t2`), or flat.
//!
//! s = alpha/r, where r is the rows of W2b, else those of W1b; with two whole factors s = 1, whatever alpha says.
//! The rank is that of W1 times that of W2.

use super::{Entry, KindId, Measured, Parts, Product};
use crate::error::Result;
use crate::module::ModuleShape;
use crate::part::Part::{self, LokrT2, LokrW1, LokrW1A, LokrW1B, LokrW2, LokrW2A, LokrW2B};

pub(super) const ENTRY: Entry = Entry {
    id: KindId::Lokr,
    title: "LoKr",
    marks: &[LokrW1, LokrW1A, LokrW1B, LokrW2, LokrW2A, LokrW2B, LokrT2],
    others: &[],
    measure,
    base: None,
};

fn measure(parts: &Parts) -> Result<Measured> {
    let one = factor(parts, LokrW1, [LokrW1A, LokrW1B], None)?;
    let two = factor(parts, LokrW2, [LokrW2A, LokrW2B], Some(LokrT2))?;
    if !one.kernel.is_empty() && one.kernel.iter().any(|n| *n != 1) {
        return Err(parts.misfit(LokrW1, "The first factor of a LoKr module has a kernel", "lokr_w1 [a, b]"));
    }
    let size = |a: usize, b: usize| {
        a.checked_mul(b).ok_or_else(|| parts.misfit(LokrW1, "A Kronecker product is too large", "a weight's size"))
    };
    let shape = ModuleShape { out: size(one.out, two.out)?, inp: size(one.inp, two.inp)?, kernel: two.kernel };
    let rank = size(one.rank, two.rank)?;
    Ok(Measured::new(shape, rank, if two.dim > 0 { two.dim } else { one.dim }))
}

/// A factor's size, its rank, and what alpha is divided by: 0 where it is whole.
fn factor(parts: &Parts, whole: Part, halves: [Part; 2], middle: Option<Part>) -> Result<Product> {
    let [a, b] = halves;
    if parts.find(whole).is_none() {
        let product = parts.product(a, b, middle)?;
        let most = product.out.min(product.columns());
        return Ok(Product { rank: product.rank.min(most), ..product });
    }
    if let Some(other) = [Some(a), Some(b), middle].into_iter().flatten().find(|p| parts.find(*p).is_some()) {
        return Err(parts.misfit(other, "A factor of a LoKr module is stored twice", "either whole or as a product"));
    }
    let shape = parts.matrix(whole)?;
    let mut product = Product { out: shape[0], inp: shape[1], kernel: shape[2..].to_vec(), rank: 0, dim: 0 };
    product.rank = product.out.min(product.columns());
    Ok(product)
}
