//! Dense f64 matrices and their SVD, the plainest way: triple loops and one-sided Jacobi.

/// A dense matrix, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// rows × columns values.
    pub values: Vec<f64>,
}

impl Matrix {
    /// All zeros.
    pub fn zero(rows: usize, columns: usize) -> Matrix {
        Matrix { rows, columns, values: vec![0.0; rows * columns] }
    }

    /// A matrix of `values`, row-major.
    pub fn new(rows: usize, columns: usize, values: Vec<f64>) -> Matrix {
        assert_eq!(values.len(), rows * columns);
        Matrix { rows, columns, values }
    }

    /// self · other.
    pub fn times(&self, other: &Matrix) -> Matrix {
        assert_eq!(self.columns, other.rows);
        let mut product = Matrix::zero(self.rows, other.columns);
        for i in 0..self.rows {
            let row = &mut product.values[i * other.columns..(i + 1) * other.columns];
            for k in 0..self.columns {
                let factor = self.values[i * self.columns + k];
                for (sum, value) in row.iter_mut().zip(&other.values[k * other.columns..]) {
                    *sum += factor * value;
                }
            }
        }
        product
    }

    /// self + factor · other.
    pub fn plus(&self, factor: f64, other: &Matrix) -> Matrix {
        assert_eq!((self.rows, self.columns), (other.rows, other.columns));
        let values = self.values.iter().zip(&other.values).map(|(a, b)| a + factor * b).collect();
        Matrix { values, ..*self }
    }

    /// factor · self.
    pub fn scaled(&self, factor: f64) -> Matrix {
        Matrix { values: self.values.iter().map(|v| factor * v).collect(), ..*self }
    }

    /// Rows for columns.
    pub fn transposed(&self) -> Matrix {
        let mut turned = Matrix::zero(self.columns, self.rows);
        for i in 0..self.rows {
            for j in 0..self.columns {
                turned.values[j * self.rows + i] = self.values[i * self.columns + j];
            }
        }
        turned
    }

    /// ⟨self, other⟩, the sum of products of entries.
    pub fn inner(&self, other: &Matrix) -> f64 {
        self.values.iter().zip(&other.values).map(|(a, b)| a * b).sum()
    }

    /// The Frobenius norm.
    pub fn norm(&self) -> f64 {
        self.inner(self).sqrt()
    }

    /// ‖self − other‖ / ‖other‖; the norm of self where other is zero.
    pub fn distance(&self, other: &Matrix) -> f64 {
        let norm = other.norm();
        self.plus(-1.0, other).norm() / if norm == 0.0 { 1.0 } else { norm }
    }

    /// The singular values, descending, and for each the rank-one matrix σ·u·vᵀ as (σ·u, v).
    pub fn svd(&self) -> Vec<(f64, Vec<f64>, Vec<f64>)> {
        if self.columns > self.rows {
            let scaled = |(s, us, v): (f64, Vec<f64>, Vec<f64>)| {
                let u = us.iter().map(|x| if s == 0.0 { 0.0 } else { x / s }).collect();
                (s, v.iter().map(|x| x * s).collect(), u)
            };
            return self.transposed().svd().into_iter().map(scaled).collect();
        }
        jacobi(self)
    }

    /// The matrix nearest to this one among those of rank `rank`, and all singular values.
    pub fn truncated(&self, rank: usize) -> (Matrix, Vec<f64>) {
        let svd = self.svd();
        let mut kept = Matrix::zero(self.rows, self.columns);
        for (_, us, v) in svd.iter().take(rank) {
            kept =
                kept.plus(1.0, &Matrix::new(self.rows, 1, us.clone()).times(&Matrix::new(1, self.columns, v.clone())));
        }
        (kept, svd.into_iter().map(|(s, _, _)| s).collect())
    }
}

/// One-sided Jacobi: turn pairs of columns until all are orthogonal; their norms are the singular values.
/// Needs rows ≥ columns.
fn jacobi(matrix: &Matrix) -> Vec<(f64, Vec<f64>, Vec<f64>)> {
    let n = matrix.columns;
    let mut a: Vec<Vec<f64>> = (0..n).map(|j| (0..matrix.rows).map(|i| matrix.values[i * n + j]).collect()).collect();
    let mut v: Vec<Vec<f64>> = (0..n).map(|j| (0..n).map(|i| f64::from(u8::from(i == j))).collect()).collect();
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(a, b)| a * b).sum::<f64>();
    for _sweep in 0..60 {
        let mut turned = false;
        for p in 0..n {
            for q in p + 1..n {
                let (pp, qq, pq) = (dot(&a[p], &a[p]), dot(&a[q], &a[q]), dot(&a[p], &a[q]));
                if pq.abs() <= 1e-15 * (pp * qq).sqrt() || pq == 0.0 {
                    continue;
                }
                turned = true;
                let zeta = (qq - pp) / (2.0 * pq);
                let tangent = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
                let cosine = 1.0 / tangent.hypot(1.0);
                let sine = cosine * tangent;
                for set in [&mut a, &mut v] {
                    let (left, right) = set.split_at_mut(q);
                    for (x, y) in left[p].iter_mut().zip(&mut right[0]) {
                        (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
                    }
                }
            }
        }
        if !turned {
            break;
        }
    }
    let mut triplets: Vec<_> = a.into_iter().zip(v).map(|(us, v)| (dot(&us, &us).sqrt(), us, v)).collect();
    triplets.sort_by(|x, y| y.0.total_cmp(&x.0));
    triplets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    #[test]
    fn the_svd_of_a_known_matrix() {
        // [[3, 0], [4, 5]] has singular values √45 and √5.
        let (_, sigma) = Matrix::new(2, 2, vec![3.0, 0.0, 4.0, 5.0]).truncated(2);
        assert!((sigma[0] - 45f64.sqrt()).abs() < 1e-14 && (sigma[1] - 5f64.sqrt()).abs() < 1e-14, "{sigma:?}");
    }

    #[test]
    fn the_parts_of_an_svd_add_up_and_are_orthogonal() {
        for (rows, columns) in [(7, 4), (4, 7), (5, 5), (1, 3)] {
            let stream = Stream::new(rows as u64, columns as u64);
            let m = Matrix::new(rows, columns, (0..rows * columns).map(|i| stream.normal(i as u64)).collect());
            let (whole, sigma) = m.truncated(rows.min(columns));
            assert!(whole.distance(&m) < 1e-14);
            let (one, _) = m.truncated(1);
            let lost = sigma[1..].iter().map(|s| s * s).sum::<f64>().sqrt();
            assert!((one.plus(-1.0, &m).norm() - lost).abs() < 1e-13, "the tail is what is lost");
        }
    }

    #[test]
    fn a_deficient_matrix_has_zeros() {
        let (_, sigma) = Matrix::new(3, 3, vec![1.0, 2.0, 3.0, 2.0, 4.0, 6.0, 1.0, 2.0, 3.0]).truncated(1);
        assert!(sigma[1] < 1e-14 && sigma[2] < 1e-14, "{sigma:?}");
    }
}
