//! k-means where points are known by their inner products alone.
//!
//! With the points' Gram matrix K and weights ω, a cluster c of weight Ω = Σ ω has its mean μ at distance
//!
//! ```text
//! ‖x − μ‖² = K_xx − 2·g + h      g = Σ_{y∈c} ω_y·K_xy / Ω      h = Σ_{y,z∈c} ω_y·ω_z·K_yz / Ω²
//! ```
//!
//! so no step depends on how long the points are, and no mean is ever formed: O(N²) per round. Centres are drawn by
//! greedy k-means++ (Arthur and Vassilvitskii, 2007; 2 + ⌊ln k⌋ candidates each, the best of which stays), Lloyd's rounds
//! follow, the best of some restarts is kept. Points are drawn from in their order: who wants the same answer for the
//! same points in another order sorts them first.

use crate::rng::Stream;
use faer::MatRef;

/// Most rounds of a restart.
const ROUNDS: usize = 300;

/// A round that gains a smaller share of the inertia is the last.
const LEAST_GAIN: f64 = 1e-10;

/// Points nearer to each other than this share of their squared lengths are one point.
const SAME: f64 = 1e-12;

/// Points in groups.
#[derive(Clone, Debug, PartialEq)]
pub struct Clusters {
    /// Cluster of every point, numbered in the order of their first points.
    pub of: Vec<usize>,
    /// How many clusters there are; none is empty.
    pub count: usize,
    /// Σ ω·‖x − μ‖² over all points, μ their cluster's mean.
    pub inertia: f64,
}

/// Squared distance of two points, 0 where they are one.
fn distance(gram: MatRef<'_, f64>, i: usize, j: usize) -> f64 {
    let (ends, between) = (gram[(i, i)] + gram[(j, j)], gram[(i, j)]);
    let square = ends - 2.0 * between;
    if square > SAME * ends { square } else { 0.0 }
}

/// The best of `restarts` groupings of the points into `count` clusters (at most as many as there are points).
/// `gram` is N×N, `weights` are N and positive; restart i draws from the stream of (`seed`, `name`, i).
pub fn cluster(
    gram: MatRef<'_, f64>,
    weights: &[f64],
    count: usize,
    restarts: usize,
    seed: u64,
    name: &str,
) -> Clusters {
    let count = count.clamp(1, weights.len().max(1));
    let mut best: Option<Clusters> = None;
    for restart in 0..restarts.max(1) {
        let centres = drawn(gram, weights, count, Stream::new(seed, name, restart as u64));
        let found = settled(gram, weights, count, nearest(gram, weights.len(), &centres));
        // The same groups found again differ by rounding.
        if best.as_ref().is_none_or(|best| found.inertia < best.inertia * (1.0 - LEAST_GAIN)) {
            best = Some(found);
        }
    }
    let mut best = best.unwrap_or(Clusters { of: Vec::new(), count: 0, inertia: 0.0 });
    renumber(&mut best.of, count);
    best
}

/// Σ ω·‖x − μ‖² with one mean for all points.
pub fn total(gram: MatRef<'_, f64>, weights: &[f64]) -> f64 {
    inertia(gram, weights, &vec![0; weights.len()], 1)
}

/// The mean silhouette of the points: 1 where every cluster is far from the others for its size, 0 where a point is as
/// near to the next cluster as to its own, which alone in its cluster it counts as. Costs O(N²).
pub fn silhouette(gram: MatRef<'_, f64>, of: &[usize], count: usize) -> f64 {
    let mut sizes = vec![0usize; count];
    of.iter().for_each(|c| sizes[*c] += 1);
    let one = |(i, own): (usize, &usize)| {
        let mut sums = vec![0.0; count];
        of.iter().enumerate().for_each(|(j, c)| sums[*c] += distance(gram, i, j).sqrt());
        let others = (0..count).filter(|c| c != own).map(|c| sums[c] / sizes[c] as f64);
        let (inside, outside) = (sums[*own] / (sizes[*own] as f64 - 1.0), others.fold(f64::INFINITY, f64::min));
        let larger = inside.max(outside);
        if sizes[*own] < 2 || !outside.is_finite() || larger == 0.0 { 0.0 } else { (outside - inside) / larger }
    };
    of.iter().enumerate().map(one).sum::<f64>() / of.len().max(1) as f64
}

/// Greedy k-means++: points to start from.
fn drawn(gram: MatRef<'_, f64>, weights: &[f64], count: usize, stream: Stream) -> Vec<usize> {
    let n = weights.len();
    let tries = 2 + (count as f64).ln() as u64;
    let mut centres = vec![pick(weights, stream.uniform(0))];
    let mut squares: Vec<f64> = (0..n).map(|i| distance(gram, i, centres[0])).collect();
    for step in 1..count as u64 {
        let chances: Vec<f64> = squares.iter().zip(weights).map(|(square, weight)| square * weight).collect();
        if chances.iter().all(|chance| *chance == 0.0) {
            // No point is left but copies of centres.
            centres.extend((0..n).find(|i| !centres.contains(i)));
            continue;
        }
        let (mut best, mut least) = (0, f64::INFINITY);
        for candidate in 0..tries {
            let point = pick(&chances, stream.uniform(1 + (step - 1) * tries + candidate));
            let left = |i: usize| weights[i] * squares[i].min(distance(gram, i, point));
            let potential: f64 = (0..n).map(left).sum();
            if potential < least {
                (best, least) = (point, potential);
            }
        }
        centres.push(best);
        squares.iter_mut().enumerate().for_each(|(i, square)| *square = square.min(distance(gram, i, best)));
    }
    centres
}

/// The first index at which the running sum of `chances` exceeds `share` of the whole.
fn pick(chances: &[f64], share: f64) -> usize {
    let mut left = share * chances.iter().sum::<f64>();
    let mut last = 0;
    for (i, chance) in chances.iter().enumerate().filter(|(_, chance)| **chance > 0.0) {
        last = i;
        left -= chance;
        if left < 0.0 {
            break;
        }
    }
    last
}

fn nearest(gram: MatRef<'_, f64>, n: usize, centres: &[usize]) -> Vec<usize> {
    let of = |i: usize| {
        let squares: Vec<f64> = centres.iter().map(|centre| distance(gram, i, *centre)).collect();
        (0..centres.len()).fold(0, |best, c| if squares[c] < squares[best] { c } else { best })
    };
    (0..n).map(of).collect()
}

/// Lloyd's rounds, until nothing moves or next to nothing is gained.
fn settled(gram: MatRef<'_, f64>, weights: &[f64], count: usize, mut of: Vec<usize>) -> Clusters {
    let n = weights.len();
    fill_empty(&mut of, &mut vec![1.0; n], count);
    let mut before = inertia(gram, weights, &of, count);
    for _ in 0..ROUNDS {
        let (means, norms) = means(gram, weights, &of, count);
        let mut next = vec![0; n];
        let mut squares = vec![0.0; n];
        for i in 0..n {
            let row = &means[i * count..(i + 1) * count];
            let square = |c: usize| gram[(i, i)] - 2.0 * row[c] + norms[c];
            next[i] = (0..count).fold(0, |best, c| if square(c) < square(best) { c } else { best });
            squares[i] = square(next[i]);
        }
        fill_empty(&mut next, &mut squares, count);
        if next == of {
            break;
        }
        of = next;
        let now = inertia(gram, weights, &of, count);
        if now >= before * (1.0 - LEAST_GAIN) {
            before = now;
            break;
        }
        before = now;
    }
    Clusters { of, count, inertia: before }
}

/// g of every point and cluster (N×count), h of every cluster.
fn means(gram: MatRef<'_, f64>, weights: &[f64], of: &[usize], count: usize) -> (Vec<f64>, Vec<f64>) {
    let n = weights.len();
    let (mut g, mut h, mut mass) = (vec![0.0; n * count], vec![0.0; count], vec![0.0; count]);
    of.iter().zip(weights).for_each(|(c, weight)| mass[*c] += weight);
    for i in 0..n {
        let row = &mut g[i * count..(i + 1) * count];
        (0..n).for_each(|j| row[of[j]] += weights[j] * gram[(j, i)]);
        row.iter_mut().zip(&mass).for_each(|(sum, mass)| *sum /= mass);
    }
    (0..n).for_each(|i| h[of[i]] += weights[i] * g[i * count + of[i]]);
    h.iter_mut().zip(&mass).for_each(|(sum, mass)| *sum /= mass);
    (g, h)
}

fn inertia(gram: MatRef<'_, f64>, weights: &[f64], of: &[usize], count: usize) -> f64 {
    let (g, _) = means(gram, weights, of, count);
    // Σ ω·K_xx − Ω·h, with Ω·h = Σ ω·g.
    (0..weights.len()).map(|i| weights[i] * (gram[(i, i)] - g[i * count + of[i]])).sum::<f64>().max(0.0)
}

/// Gives every empty cluster the point that is farthest from its mean and not alone.
fn fill_empty(of: &mut [usize], squares: &mut [f64], count: usize) {
    let mut sizes = vec![0usize; count];
    of.iter().for_each(|c| sizes[*c] += 1);
    for empty in 0..count {
        if sizes[empty] > 0 {
            continue;
        }
        let movable = (0..of.len()).filter(|i| sizes[of[*i]] > 1);
        if let Some(point) = movable.reduce(|far, i| if squares[i] > squares[far] { i } else { far }) {
            sizes[of[point]] -= 1;
            sizes[empty] = 1;
            of[point] = empty;
            squares[point] = 0.0;
        }
    }
}

/// Numbers clusters in the order of their first points.
fn renumber(of: &mut [usize], count: usize) {
    let (mut names, mut next) = (vec![usize::MAX; count], 0);
    for c in of {
        if names[*c] == usize::MAX {
            names[*c] = next;
            next += 1;
        }
        *c = names[*c];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use faer::Mat;

    fn gram(points: &[Vec<f64>]) -> Mat<f64> {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum();
        Mat::from_fn(points.len(), points.len(), |i, j| dot(&points[i], &points[j]))
    }

    /// Σ ω·‖x − μ‖² from the points themselves.
    fn spread(points: &[Vec<f64>], weights: &[f64], of: &[usize], count: usize) -> f64 {
        let cluster = |c: usize| {
            let own: Vec<usize> = (0..points.len()).filter(|i| of[*i] == c).collect();
            let mass: f64 = own.iter().map(|i| weights[*i]).sum();
            let axis = |d: usize| {
                let mean = own.iter().map(|i| weights[*i] * points[*i][d]).sum::<f64>() / mass;
                own.iter().map(|i| weights[*i] * (points[*i][d] - mean).powi(2)).sum::<f64>()
            };
            if own.is_empty() { f64::INFINITY } else { (0..points[0].len()).map(axis).sum() }
        };
        (0..count).map(cluster).sum()
    }

    #[test]
    fn small_sets_get_the_best_of_all_groupings() {
        for case in 0..30u64 {
            let chance = Stream::new(case, "points", 0);
            let (n, count) = (4 + case as usize % 4, 1 + case as usize % 3);
            let points: Vec<Vec<f64>> =
                (0..n as u64).map(|i| (0..3).map(|d| chance.normal(3 * i + d)).collect()).collect();
            let weights: Vec<f64> = (0..n as u64).map(|i| 0.5 + chance.uniform(100 + i)).collect();
            let groupings = (0..count.pow(n as u32)).map(|code| {
                let of: Vec<usize> = (0..n as u32).map(|i| code / count.pow(i) % count).collect();
                spread(&points, &weights, &of, count)
            });
            let least = groupings.fold(f64::INFINITY, f64::min);
            let found = cluster(gram(&points).as_ref(), &weights, count, 20, case, "test");
            assert!((found.inertia - spread(&points, &weights, &found.of, count)).abs() < 1e-9, "case {case}");
            assert!(found.inertia <= least * (1.0 + 1e-9), "case {case}: {} for {least}", found.inertia);
        }
    }

    #[test]
    fn copies_meet_and_no_cluster_is_empty() {
        let points: Vec<Vec<f64>> = (0..8).map(|i| (0..4).map(|d| f64::from(u8::from(i % 4 == d))).collect()).collect();
        let found = cluster(gram(&points).as_ref(), &[1.0; 8], 4, 1, 0, "copies");
        assert_eq!(found.of, [0, 1, 2, 3, 0, 1, 2, 3]);
        assert!(found.inertia < 1e-15 && (silhouette(gram(&points).as_ref(), &found.of, 4) - 1.0).abs() < 1e-12);
        let found = cluster(gram(&points).as_ref(), &[1.0; 8], 6, 3, 0, "copies");
        assert!((0..6).all(|c| found.of.contains(&c)), "{:?}", found.of);
    }

    #[test]
    fn vectors_at_right_angles_have_no_groups() {
        let gram = Mat::<f64>::identity(12, 12);
        let found = cluster(gram.as_ref(), &[1.0; 12], 4, 10, 3, "right angles");
        // Each cluster of n unit vectors spreads by n − 1.
        assert!((found.inertia - 8.0).abs() < 1e-12 && (total(gram.as_ref(), &[1.0; 12]) - 11.0).abs() < 1e-12);
        assert!(silhouette(gram.as_ref(), &found.of, 4).abs() < 1e-12);
    }

    #[test]
    fn one_cluster_and_no_point_are_no_trouble() {
        let gram = Mat::<f64>::zeros(3, 3);
        assert_eq!(cluster(gram.as_ref(), &[1.0; 3], 1, 2, 0, "").of, [0, 0, 0]);
        assert_eq!(silhouette(gram.as_ref(), &[0, 0, 0], 1), 0.0);
    }
}
