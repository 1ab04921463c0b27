//! Directions of adapters as points on a sphere. A point is given by its coefficients: Σ xᵢ·uᵢ with uᵢ = τᵢ/‖τᵢ‖, so that
//! the Gram matrix is all that is needed.

use crate::gram::Gram;

/// Below this length a blend of directions has none.
const NOWHERE: f64 = 1e-12;

/// The directions of some adapters.
pub(crate) struct Sphere<'a> {
    gram: &'a Gram,
    /// ‖τᵢ‖.
    norms: Vec<f64>,
    /// Shares of the adapters that are not zero; they add up to 1.
    pub shares: Vec<f64>,
}

impl<'a> Sphere<'a> {
    /// Shares by the sizes of the weights, none for what is zero.
    pub fn new(gram: &'a Gram) -> Sphere<'a> {
        let norms = gram.norms();
        let weight = |(norm, weight): (&f64, &f64)| if *norm > 0.0 { *weight } else { 0.0 };
        let mut shares: Vec<f64> = norms.iter().zip(&gram.weights).map(weight).collect();
        let sum: f64 = shares.iter().sum();
        shares.iter_mut().for_each(|share| *share /= if sum > 0.0 { sum } else { 1.0 });
        Sphere { gram, norms, shares }
    }

    /// ⟨Σ xᵢuᵢ, Σ yᵢuᵢ⟩.
    fn inner(&self, x: &[f64], y: &[f64]) -> f64 {
        self.gram.between(&self.over_norms(x), &self.over_norms(y))
    }

    fn over_norms(&self, x: &[f64]) -> Vec<f64> {
        x.iter().zip(&self.norms).map(|(x, norm)| if *norm > 0.0 { x / norm } else { 0.0 }).collect()
    }

    fn length(&self, x: &[f64]) -> f64 {
        self.inner(x, x).max(0.0).sqrt()
    }

    /// Σ xᵢuᵢ at length 1; none where it is zero.
    pub fn direction(&self, x: &[f64]) -> Option<Vec<f64>> {
        let length = self.length(x);
        (length > NOWHERE).then(|| x.iter().map(|x| x / length).collect())
    }

    /// ⟨x, uᵢ⟩.
    pub fn cosine(&self, x: &[f64], i: usize) -> f64 {
        let mut unit = vec![0.0; x.len()];
        unit[i] = 1.0;
        self.inner(x, &unit).clamp(-1.0, 1.0)
    }

    /// uᵢ − cosine·x: the tangent at x that points to uᵢ.
    pub fn tangent(&self, x: &[f64], i: usize, cosine: f64) -> Vec<f64> {
        let mut tangent: Vec<f64> = x.iter().map(|x| -cosine * x).collect();
        tangent[i] += 1.0;
        tangent
    }

    /// Σ shareᵢ·`tangent`(i).
    pub fn blended(&self, tangent: impl Fn(usize) -> Vec<f64>) -> Vec<f64> {
        let mut sum = vec![0.0; self.shares.len()];
        for (i, share) in self.shares.iter().enumerate().filter(|(_, share)| **share > 0.0) {
            sum.iter_mut().zip(tangent(i)).for_each(|(sum, x)| *sum += share * x);
        }
        sum
    }

    /// Where one comes to from x along the tangent `step`, and how long the way was.
    pub fn walked(&self, x: &[f64], step: &[f64]) -> (Vec<f64>, f64) {
        let length = self.length(step);
        if length <= NOWHERE {
            return (x.to_vec(), length);
        }
        let (sine, cosine) = length.sin_cos();
        (x.iter().zip(step).map(|(x, step)| cosine * x + sine * step / length).collect(), length)
    }

    /// Coefficients of the τᵢ for the direction x with the adapters' mean norm.
    pub fn lengthened(&self, x: &[f64]) -> Vec<f64> {
        let mean: f64 = self.shares.iter().zip(&self.norms).map(|(share, norm)| share * norm).sum();
        self.over_norms(x).iter().map(|c| mean * c).collect()
    }
}
