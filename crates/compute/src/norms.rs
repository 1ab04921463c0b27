//! Squared norms of a factor's columns or rows, and of their rounding errors.
//!
//! Sums run in f32 over short runs, which vectorises, and in f64 between them: a few
//! digits are enough for an error estimate, and every value is looked at once.

/// Rows of a matrix that [`Sums::add_rows`] should get at once.
pub const ROWS: usize = 64;

/// ‖x‖² and ‖y − x‖² of several vectors x, with y their rounded values.
#[derive(Clone, Debug, PartialEq)]
pub struct Sums {
    /// ‖x‖², one per vector.
    pub norms: Vec<f64>,
    /// ‖y − x‖², one per vector.
    pub errors: Vec<f64>,
}

impl Sums {
    /// Sums of `count` empty vectors.
    pub fn new(count: usize) -> Self {
        Sums { norms: vec![0.0; count], errors: vec![0.0; count] }
    }

    /// Adds some rows of the row-major matrix whose columns are the vectors; best [`ROWS`] of them.
    // Kept apart from its callers, which are compiled for size: it would lose its vector code.
    #[inline(never)]
    pub fn add_rows(&mut self, values: &[f32], rounded: &[f32]) {
        let width = self.norms.len();
        if width == 0 {
            return;
        }
        let (mut norm, mut error) = (vec![0.0f32; width], vec![0.0f32; width]);
        for (row, rounded) in values.chunks_exact(width).zip(rounded.chunks_exact(width)) {
            for l in 0..width {
                norm[l] += row[l] * row[l];
                let delta = rounded[l] - row[l];
                error[l] += delta * delta;
            }
        }
        for l in 0..width {
            self.norms[l] += f64::from(norm[l]);
            self.errors[l] += f64::from(error[l]);
        }
    }

    /// Adds a run of entries of vector `l`.
    pub fn add_run(&mut self, l: usize, values: &[f32], rounded: &[f32]) {
        let (norm, error) = sums(values, rounded);
        self.norms[l] += norm;
        self.errors[l] += error;
    }
}

// Kept apart as above.
/// ‖x‖² and ‖y − x‖², summed in 16 f32 lanes over short runs and in f64 between.
#[inline(never)]
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

    fn columns(values: &[f32], rounded: &[f32], width: usize) -> (Vec<f64>, Vec<f64>) {
        let mut sums = Sums::new(width);
        for (values, rounded) in values.chunks(ROWS * width).zip(rounded.chunks(ROWS * width)) {
            sums.add_rows(values, rounded);
        }
        (sums.norms, sums.errors)
    }

    #[test]
    fn rows_and_columns_are_summed_apart() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let rounded = [1.0, 2.5, 3.0, 4.0, 5.0, 5.0];
        assert_eq!(columns(&values, &rounded, 3), (vec![17.0, 29.0, 45.0], vec![0.0, 0.25, 1.0]));
        let mut rows = Sums::new(2);
        rows.add_run(0, &values[..3], &rounded[..3]);
        rows.add_run(1, &values[3..5], &rounded[3..5]);
        rows.add_run(1, &values[5..], &rounded[5..]);
        assert_eq!(rows, Sums { norms: vec![14.0, 77.0], errors: vec![0.25, 1.0] });
    }

    #[test]
    fn long_rows_lose_no_tail() {
        let values = vec![1.0; 1043];
        let rounded = vec![1.5; 1043];
        let mut row = Sums::new(1);
        row.add_run(0, &values, &rounded);
        assert_eq!((row.norms, row.errors), (vec![1043.0], vec![1043.0 / 4.0]));
        assert_eq!(columns(&values, &rounded, 1), (vec![1043.0], vec![1043.0 / 4.0]));
    }
}
