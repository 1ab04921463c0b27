//! Products of two factors, or of two with a kernel between them, in f64: what LoHa and LoKr are made of.

use super::{identity, lacking, transposed};
use rankweave_adapter::{Module, Result, Tensor};

/// up·down: rows×rank and rank×columns, row-major.
pub(super) struct Half {
    pub rows: usize,
    pub columns: usize,
    pub rank: usize,
    pub up: Vec<f64>,
    pub down: Vec<f64>,
}

impl Half {
    /// The product a·b, of a `[rows, r]` and b `[r, columns…]`; with a middle t `[r, q, kernel…]` the sum over r and q of
    /// a[r, row]·t[r, q, ·]·b[q, column], of a `[r, rows]` and b `[q, columns]`.
    pub(super) fn of(module: &Module, a: &Tensor, t: Option<&Tensor>, b: &Tensor) -> Result<Half> {
        let (&[first, second, ..], &[inner, inp, ..]) = (&*a.shape, &*b.shape) else { return Err(lacking(module)) };
        let (up, down) = (f64s(a), f64s(b));
        Ok(match t {
            Some(t) => {
                let down = contracted(t, &down, inner, inp);
                Half { rows: second, columns: down.len() / first, rank: first, up: transposed(&up, second), down }
            }
            None => Half { rows: first, columns: down.len() / inner, rank: second, up, down },
        })
    }

    /// A whole matrix `[rows, columns…]`, with the identity on its smaller side.
    pub(super) fn whole(module: &Module, w: &Tensor) -> Result<Half> {
        let rows = *w.shape.first().ok_or_else(|| lacking(module))?;
        Ok(Half::dense(rows, w.values.len() / rows, f64s(w)))
    }

    fn dense(rows: usize, columns: usize, values: Vec<f64>) -> Half {
        let rank = rows.min(columns);
        let identity = identity(rank).into_iter().map(f64::from).collect();
        let (up, down) = if rows <= columns { (identity, values) } else { (values, identity) };
        Half { rows, columns, rank, up, down }
    }

    /// The same product with no larger rank than its size allows.
    pub(super) fn thin(self) -> Half {
        if self.rank <= self.rows.min(self.columns) {
            self
        } else {
            Half::dense(self.rows, self.columns, self.product())
        }
    }

    /// The matrix itself, rows×columns.
    pub(super) fn product(&self) -> Vec<f64> {
        let mut product = vec![0.0; self.rows * self.columns];
        product.chunks_exact_mut(self.columns).enumerate().for_each(|(i, to)| self.row(i, to));
        product
    }

    /// Row `i` of the matrix.
    pub(super) fn row(&self, i: usize, to: &mut [f64]) {
        to.fill(0.0);
        for (by, row) in self.up[i * self.rank..].iter().zip(self.down.chunks_exact(self.columns)) {
            to.iter_mut().zip(row).for_each(|(to, x)| *to += by * x);
        }
    }
}

/// The down factor `[r, in, kernel…]` of a middle t `[r, q, kernel…]` and a factor b `[q, in]`.
pub(super) fn contracted(t: &Tensor, b: &[f64], inner: usize, inp: usize) -> Vec<f64> {
    let size: usize = t.shape[2..].iter().product();
    let mut down = vec![0.0; t.values.len() / inner * inp];
    for (down, t) in down.chunks_exact_mut(inp * size).zip(t.values.chunks_exact(inner * size)) {
        for (t, b) in t.chunks_exact(size).zip(b.chunks_exact(inp)) {
            for (to, b) in down.chunks_exact_mut(size).zip(b) {
                to.iter_mut().zip(t).for_each(|(to, t)| *to += b * f64::from(*t));
            }
        }
    }
    down
}

pub(super) fn f64s(tensor: &Tensor) -> Vec<f64> {
    tensor.values.iter().map(|x| f64::from(*x)).collect()
}
