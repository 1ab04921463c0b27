//! Points in a plane as far apart as a plane can show: classical scaling of their Gram matrix.

use crate::rng::Stream;
use crate::{Error, linalg};
use faer::{Mat, MatRef};

/// Steps of the subspace iteration: a picture needs no more.
const STEPS: usize = 40;

/// Width of its subspace.
const WIDTH: usize = 4;

/// The two coordinates of every point along the directions in which the points, seen from their mean, spread most; the
/// largest of each is positive. `gram` is N×N. Costs O(N²).
pub fn plane(gram: MatRef<'_, f64>) -> Result<[Vec<f64>; 2], Error> {
    let n = gram.nrows();
    if n < 2 {
        return Ok([vec![0.0; n], vec![0.0; n]]);
    }
    let means: Vec<f64> = (0..n).map(|j| (0..n).map(|i| gram[(i, j)]).sum::<f64>() / n as f64).collect();
    let mean = means.iter().sum::<f64>() / n as f64;
    let centred = Mat::from_fn(n, n, |i, j| gram[(i, j)] - means[i] - means[j] + mean);
    let mut basis = Mat::from_fn(n, WIDTH.min(n), |i, j| Stream::new(0, "plane", j as u64).normal(i as u64));
    for _ in 0..STEPS {
        basis = linalg::thin_qr(linalg::product(centred.as_ref(), basis.as_ref()).as_ref()).0;
    }
    let seen = linalg::product(centred.as_ref(), basis.as_ref());
    let svd = linalg::svd(linalg::product(basis.transpose(), seen.as_ref()).as_ref())?;
    let axes = linalg::product(basis.as_ref(), svd.u.as_ref());
    Ok([0, 1].map(|axis| {
        let size = svd.sigma.get(axis).map_or(0.0, |sigma| sigma.sqrt());
        let along: Vec<f64> = (0..n).map(|i| axes[(i, axis)] * size).collect();
        let largest = along.iter().fold(0.0, |far: f64, x| if x.abs() > far.abs() { *x } else { far });
        along.iter().map(|x| if largest < 0.0 { -x } else { *x }).collect()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_of_a_plane_keep_their_distances() {
        let points = [[3.0, 1.0], [-1.0, 0.5], [0.0, -2.0], [7.0, 1.0], [3.0, 3.0]];
        let gram = Mat::from_fn(5, 5, |i, j| points[i][0] * points[j][0] + points[i][1] * points[j][1]);
        let [x, y] = plane(gram.as_ref()).unwrap();
        for i in 0..5 {
            for j in 0..5 {
                let wanted = (points[i][0] - points[j][0]).hypot(points[i][1] - points[j][1]);
                assert!(((x[i] - x[j]).hypot(y[i] - y[j]) - wanted).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn equal_points_are_one() {
        let [x, y] = plane(Mat::from_fn(3, 3, |_, _| 4.0).as_ref()).unwrap();
        assert!(x.iter().chain(&y).all(|v| v.abs() < 1e-7), "{x:?} {y:?}");
        assert_eq!(plane(Mat::zeros(1, 1).as_ref()).unwrap(), [vec![0.0], vec![0.0]]);
    }
}
