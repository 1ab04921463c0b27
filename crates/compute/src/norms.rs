//! Squared norms of a factor's columns or rows, and of their rounding errors.
//!
//! Sums run in f32 over short runs, which vectorises, and in f64 between them: a few
//! digits are enough for an error estimate, and every value is looked at once.

/// Per column of row-major `values` (rows×width): ‖x‖² and ‖y − x‖² with y the same
/// place in `rounded`.
pub fn by_column(values: &[f32], rounded: &[f32], width: usize) -> (Vec<f64>, Vec<f64>) {
    let (mut norms, mut errors) = (vec![0.0; width], vec![0.0; width]);
    if width == 0 {
        return (norms, errors);
    }
    let (mut norm, mut error) = (vec![0.0f32; width], vec![0.0f32; width]);
    for (block, rounded) in values.chunks(64 * width).zip(rounded.chunks(64 * width)) {
        norm.fill(0.0);
        error.fill(0.0);
        for (row, rounded) in block.chunks_exact(width).zip(rounded.chunks_exact(width)) {
            for l in 0..width {
                norm[l] += row[l] * row[l];
                let delta = rounded[l] - row[l];
                error[l] += delta * delta;
            }
        }
        for l in 0..width {
            norms[l] += f64::from(norm[l]);
            errors[l] += f64::from(error[l]);
        }
    }
    (norms, errors)
}

/// The same per row of row-major `values` (rows×width).
pub fn by_row(values: &[f32], rounded: &[f32], width: usize) -> (Vec<f64>, Vec<f64>) {
    if width == 0 {
        return (Vec::new(), Vec::new());
    }
    let rows = values.chunks_exact(width).zip(rounded.chunks_exact(width));
    rows.map(|(row, rounded)| sums(row, rounded)).unzip()
}

/// ‖x‖² and ‖y − x‖², summed in 16 f32 lanes over short runs and in f64 between.
fn sums(x: &[f32], y: &[f32]) -> (f64, f64) {
    const LANES: usize = 16;
    let (mut norm, mut error) = (0.0f64, 0.0f64);
    for (x, y) in x.chunks(64 * LANES).zip(y.chunks(64 * LANES)) {
        let (mut a, mut b) = ([0.0f32; LANES], [0.0f32; LANES]);
        let whole = x.len() - x.len() % LANES;
        for (x, y) in x[..whole].chunks_exact(LANES).zip(y[..whole].chunks_exact(LANES)) {
            for l in 0..LANES {
                a[l] += x[l] * x[l];
                b[l] += (y[l] - x[l]) * (y[l] - x[l]);
            }
        }
        for l in whole..x.len() {
            a[0] += x[l] * x[l];
            b[0] += (y[l] - x[l]) * (y[l] - x[l]);
        }
        norm += a.iter().map(|v| f64::from(*v)).sum::<f64>();
        error += b.iter().map(|v| f64::from(*v)).sum::<f64>();
    }
    (norm, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_columns_are_summed_apart() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let rounded = [1.0, 2.5, 3.0, 4.0, 5.0, 5.0];
        assert_eq!(by_row(&values, &rounded, 3), (vec![14.0, 77.0], vec![0.25, 1.0]));
        assert_eq!(by_column(&values, &rounded, 3), (vec![17.0, 29.0, 45.0], vec![0.0, 0.25, 1.0]));
    }

    #[test]
    fn long_rows_lose_no_tail() {
        let values = vec![1.0; 1043];
        let rounded = vec![1.5; 1043];
        assert_eq!(by_row(&values, &rounded, 1043), (vec![1043.0], vec![1043.0 / 4.0]));
        assert_eq!(by_column(&values, &rounded, 1), (vec![1043.0], vec![1043.0 / 4.0]));
    }
}
