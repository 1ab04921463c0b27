//! The oracle for every kind of adapter: ΔW from the formula, entry by entry, in f64.
//!
//! ```text
//! LoRA        s·B·A                          Tucker: Σₘₙ up[o,m]·mid[m,n,k]·down[n,i]
//! sparse      s·(B·A + S)
//! embedding   s·(B·A)ᵀ
//! AdaLoRA     B·(A∘E)·alpha/(ranks + 1e-5)
//! LoHa        s·(W1a·W1b)∘(W2a·W2b)          Tucker halves: Σᵢⱼ t[i,j,k]·a[i,o]·b[j,c]
//! LoKr        s·kron(W1, W2)                 s = 1 where both are whole
//! VeRA        diag(b)·B·diag(d)·A
//! diff        as it is; vectors too
//! s           alpha/r, alpha/√r under rsLoRA, 1 without alpha or where an alpha tensor is 0
//! ```

use crate::dense::Matrix;
use crate::naive::{canonical, configured_alpha};
use crate::tensors::{Tensor, TensorFile};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Every ending, and what it stands for.
const ENDINGS: [(&str, &str); 40] = [
    (".lora_up.weight", "up"),
    (".lora_down.weight", "down"),
    (".lora_mid.weight", "mid"),
    (".lora_B.weight", "up"),
    (".lora_A.weight", "down"),
    (".lora_B", "up"),
    (".lora_A", "down"),
    (".lora_E", "e"),
    (".ranknum", "ranks"),
    (".lora_embedding_B", "emb_up"),
    (".lora_embedding_A", "emb_down"),
    (".alpha", "alpha"),
    (".hada_w1_a", "w1a"),
    (".hada_w1_b", "w1b"),
    (".hada_w2_a", "w2a"),
    (".hada_w2_b", "w2b"),
    (".hada_t1", "t1"),
    (".hada_t2", "t2"),
    (".lokr_w1", "k1"),
    (".lokr_w1_a", "k1a"),
    (".lokr_w1_b", "k1b"),
    (".lokr_w2", "k2"),
    (".lokr_w2_a", "k2a"),
    (".lokr_w2_b", "k2b"),
    (".lokr_t2", "kt2"),
    (".vera_lambda_b", "vb"),
    (".vera_lambda_d", "vd"),
    (".diff", "diff"),
    (".diff_b", "bias"),
    (".b_norm", "bias"),
    (".lora_B.bias", "up_bias"),
    (".lora_up.bias", "up_bias"),
    (".w_norm", "weight"),
    (".bias_indices", "indices"),
    (".bias_values", "values"),
    (".bias_size", "size"),
    ("_lora.up.weight", "up"),
    ("_lora.down.weight", "down"),
    (".lora.up.weight", "up"),
    (".lora.down.weight", "down"),
];

/// The dense ΔW of every module, by canonical name; a vector is out×1, named after what it changes.
pub fn deltas(file: &TensorFile, config: Option<&Value>) -> BTreeMap<String, Matrix> {
    let split = |name: &str| {
        let fits = ENDINGS.iter().filter_map(|(e, what)| Some((name.strip_suffix(e)?.to_string(), *what)));
        fits.min_by_key(|(base, _)| base.len())
    };
    let bases: BTreeSet<String> = file.tensors.keys().filter_map(|n| Some(split(n)?.0)).collect();
    let mut found = BTreeMap::new();
    for base in bases {
        let of = |(name, t): (&String, &Tensor)| Some((split(name).filter(|(b, _)| *b == base)?.1, t.clone()));
        let module = One { base: base.clone(), parts: file.tensors.iter().filter_map(of).collect(), config, file };
        for (suffix, delta) in module.deltas() {
            assert!(found.insert(canonical(&base) + suffix, delta).is_none(), "{base} twice");
        }
    }
    found
}

struct One<'a> {
    base: String,
    parts: BTreeMap<&'static str, Tensor>,
    config: Option<&'a Value>,
    file: &'a TensorFile,
}

/// Rows and the product of all other sizes.
fn flat(t: &Tensor) -> Matrix {
    Matrix::new(t.shape[0], t.values.len() / t.shape[0], t.values.clone())
}

fn column(t: &Tensor) -> Matrix {
    Matrix::new(t.values.len(), 1, t.values.clone())
}

/// Σᵢⱼ t[i,j,k]·a[i,o]·b[j,c] as o × (c, k).
fn tucker(t: &Tensor, a: &Matrix, b: &Matrix) -> Matrix {
    let size: usize = t.shape[2..].iter().product();
    let mut out = Matrix::zero(a.columns, b.columns * size);
    for o in 0..a.columns {
        for c in 0..b.columns {
            for k in 0..size {
                for i in 0..a.rows {
                    for j in 0..b.rows {
                        out.values[(o * b.columns + c) * size + k] += t.values[(i * b.rows + j) * size + k]
                            * a.values[i * a.columns + o]
                            * b.values[j * b.columns + c];
                    }
                }
            }
        }
    }
    out
}

/// The Kronecker product.
fn kron(a: &Matrix, b: &Matrix) -> Matrix {
    let mut out = Matrix::zero(a.rows * b.rows, a.columns * b.columns);
    for i in 0..out.rows {
        for j in 0..out.columns {
            out.values[i * out.columns + j] =
                a.values[i / b.rows * a.columns + j / b.columns] * b.values[i % b.rows * b.columns + j % b.columns];
        }
    }
    out
}

impl One<'_> {
    fn has(&self, part: &str) -> bool {
        self.parts.contains_key(part)
    }

    fn get(&self, part: &str) -> Matrix {
        flat(&self.parts[part])
    }

    fn alpha(&self) -> Option<f64> {
        let key = |c: &Value| configured_alpha(c, &self.base).or(c["alpha"].as_f64());
        let tensor = self.parts.get("alpha").map(|t| t.values[0]);
        if tensor == Some(0.0) { None } else { tensor.or(self.config.and_then(key)) }
    }

    fn scale(&self, r: usize) -> f64 {
        let root = self.config.is_some_and(|c| c["use_rslora"] == true);
        self.alpha().map_or(1.0, |alpha| alpha / if root { (r as f64).sqrt() } else { r as f64 })
    }

    /// `a·b`, or the Tucker form where there is a `t`.
    fn product(&self, t: &str, a: &str, b: &str) -> Matrix {
        match self.parts.get(t) {
            Some(t) => tucker(t, &self.get(a), &self.get(b)),
            None => self.get(a).times(&self.get(b)),
        }
    }

    fn deltas(&self) -> Vec<(&'static str, Matrix)> {
        let mut all = Vec::new();
        if self.has("e") {
            let mut down = self.get("down");
            let (r, e) = (down.rows, &self.parts["e"].values);
            down.values.iter_mut().enumerate().for_each(|(i, x)| *x *= e[i / down.columns]);
            let ranks = self.parts.get("ranks").map_or(r as f64, |t| t.values[0]);
            let scale = self.alpha().map_or(1.0, |alpha| alpha / (ranks + 1e-5));
            all.push(("", self.get("up").times(&down).scaled(scale)));
        } else if self.has("up") {
            let down = self.get("down");
            let up = self.get("up");
            let mut delta = match self.parts.get("mid") {
                Some(mid) => tucker(mid, &up.transposed(), &down),
                None => up.times(&down),
            };
            if self.has("values") {
                let (size, n) = (&self.parts["size"].values, self.parts["values"].values.len());
                for e in 0..n {
                    let position = |d: usize| self.parts["indices"].values[d * n + e];
                    let at = (0..size.len()).fold(0.0, |at, d| at * size[d] + position(d));
                    delta.values[at as usize] += self.parts["values"].values[e];
                }
            }
            all.push(("", delta.scaled(self.scale(down.rows))));
            if let Some(bias) = self.parts.get("up_bias") {
                all.push(("_bias", column(bias).scaled(self.scale(down.rows))));
            }
        } else if let Some(bias) = self.parts.get("up_bias") {
            all.push(("_bias", column(bias)));
        }
        if self.has("emb_up") {
            let (up, down) = (self.get("emb_up"), self.get("emb_down"));
            all.push(("", up.times(&down).transposed().scaled(self.scale(down.rows))));
        }
        if self.has("w1a") {
            let (one, two) = (self.product("t1", "w1a", "w1b"), self.product("t2", "w2a", "w2b"));
            let values = one.values.iter().zip(&two.values).map(|(a, b)| a * b).collect();
            all.push(("", Matrix { values, ..one }.scaled(self.scale(self.parts["w1b"].shape[0]))));
        }
        if self.has("k1") || self.has("k1a") {
            let one = if self.has("k1") { self.get("k1") } else { self.product("", "k1a", "k1b") };
            let two = if self.has("k2") { self.get("k2") } else { self.product("kt2", "k2a", "k2b") };
            let scale = match (self.parts.get("k2b"), self.parts.get("k1b"), self.config) {
                (Some(b), _, _) | (None, Some(b), _) => self.scale(b.shape[0]),
                (None, None, Some(config)) => self.scale(config["r"].as_u64().expect("a rank") as usize),
                (None, None, None) => 1.0,
            };
            all.push(("", kron(&one, &two).scaled(scale)));
        }
        if self.has("vb") {
            let shared = |end: &str| self.file.tensors.iter().find(|(n, _)| n.ends_with(end)).expect("projections").1;
            let (b, a) = (shared("vera_B"), shared("vera_A"));
            let (vb, vd) = (&self.parts["vb"].values, &self.parts["vd"].values);
            let (out, r, inp) = (vb.len(), vd.len(), a.shape[1]);
            let mut delta = Matrix::zero(out, inp);
            for (i, vb) in vb.iter().enumerate() {
                for j in 0..inp {
                    let at = |l: usize| vb * b.values[i * b.shape[1] + l] * vd[l] * a.values[l * inp + j];
                    delta.values[i * inp + j] = (0..r).map(at).sum();
                }
            }
            all.push(("", delta));
        }
        match self.parts.get("diff") {
            Some(diff) if diff.shape.len() == 1 => all.push(("_weight", column(diff))),
            Some(diff) => all.push(("", flat(diff))),
            None => {}
        }
        for (part, suffix) in [("bias", "_bias"), ("weight", "_weight")] {
            all.extend(self.parts.get(part).map(|t| (suffix, column(t))));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kronecker_product_by_hand() {
        let (a, b) = (Matrix::new(1, 2, vec![2.0, 3.0]), Matrix::new(2, 1, vec![5.0, 7.0]));
        assert_eq!(kron(&a, &b), Matrix::new(2, 2, vec![10.0, 15.0, 14.0, 21.0]));
    }

    #[test]
    fn a_tucker_form_without_a_kernel_is_three_products() {
        let (a, b) = (Matrix::new(2, 1, vec![1.0, 2.0]), Matrix::new(2, 2, vec![1.0, 3.0, 5.0, 7.0]));
        let t = Tensor::new("F64", &[2, 2], vec![1.0, -1.0, 2.0, 0.5]);
        assert_eq!(tucker(&t, &a, &b), a.transposed().times(&flat(&t)).times(&b));
    }
}
