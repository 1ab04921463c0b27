//! What a merge is worth: the accuracy of merged adapters on a small trained model, domain by domain.
//!
//! A set is a folder with `base.npz` (layers fc1, fc2, fc3 with GELU, and head), `test.npz` (labels `y`, and images of
//! every domain), `experts.json` (each expert's accuracy on its own domain) and one PEFT folder per expert. A score is
//! the merged model's accuracy as a share of that domain's expert.

use crate::dense::Matrix;
use crate::engine::{File, Job, Merged};
use rankweave_compute::{Mat, MatRef, linalg};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Error, Read, Result};
use std::path::Path;

/// A set, loaded.
pub struct Set {
    layers: BTreeMap<String, Mat<f64>>,
    labels: Vec<usize>,
    /// Domain → images (one per row).
    images: BTreeMap<String, Mat<f64>>,
    experts: BTreeMap<String, f64>,
    /// The experts' adapters, by domain, weight 1.
    pub adapters: Vec<File>,
}

/// Shares of the experts' accuracies.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Domain → share.
    pub domains: BTreeMap<String, f64>,
}

impl Score {
    /// Over the domains.
    pub fn mean(&self) -> f64 {
        self.domains.values().sum::<f64>() / self.domains.len() as f64
    }

    /// The domain that fares worst.
    pub fn worst(&self) -> f64 {
        self.domains.values().copied().fold(f64::INFINITY, f64::min)
    }
}

impl Set {
    /// Reads a set.
    ///
    /// # Errors
    /// Where a file is missing or is not what it should be.
    pub fn open(folder: &Path) -> Result<Set> {
        let text = std::fs::read_to_string(folder.join("experts.json"))?;
        let experts: BTreeMap<String, Value> = serde_json::from_str(&text)?;
        let experts: BTreeMap<String, f64> =
            experts.into_iter().filter_map(|(domain, facts)| Some((domain, facts["expert"].as_f64()?))).collect();
        let mut adapters = Vec::new();
        for domain in experts.keys() {
            let own = folder.join(domain);
            let config = std::fs::read_to_string(own.join("adapter_config.json"))?;
            let bytes = std::fs::read(own.join("adapter_model.safetensors"))?;
            adapters.push(File { config: Some(config), ..File::new(domain, bytes, 1.0) });
        }
        let mut images = arrays(&folder.join("test.npz"))?;
        let labels = images.remove("y").ok_or_else(|| Error::other("no labels"))?;
        let labels = (0..labels.nrows()).map(|i| labels[(i, 0)] as usize).collect();
        images.retain(|domain, _| experts.contains_key(domain));
        Ok(Set { layers: arrays(&folder.join("base.npz"))?, labels, images, experts, adapters })
    }

    /// Merges all experts and scores the result.
    pub fn merge(&self, method: &Value, rank: &Value) -> std::result::Result<(Score, Merged), String> {
        let mut job = Job::new("sum", self.adapters.clone());
        job.method = method.clone();
        job.rank = rank.clone();
        let merged = job.run().map_err(|errors| errors[0].to_string())?;
        Ok((self.score(&merged), merged))
    }

    /// How good the model with this adapter is.
    pub fn score(&self, merged: &Merged) -> Score {
        let deltas: BTreeMap<String, Matrix> = merged.modules().into_iter().map(|(n, p)| (n, p.delta())).collect();
        self.score_of(|layer| deltas.iter().find(|(name, _)| name.ends_with(layer)).map(|(_, delta)| delta))
    }

    /// The same for deltas by layer.
    pub fn score_of<'a>(&self, delta: impl Fn(&str) -> Option<&'a Matrix>) -> Score {
        let weight = |layer: &str| {
            let mut weight = self.layers[&format!("{layer}.weight")].clone();
            if let Some(delta) = delta(layer) {
                linalg::add(&mut weight, 1.0, MatRef::from_row_major_slice(&delta.values, delta.rows, delta.columns));
            }
            weight
        };
        let layers = ["fc1", "fc2", "fc3", "head"].map(|layer| (layer, weight(layer)));
        let share = |(domain, images): (&String, &Mat<f64>)| {
            let mut x = images.clone();
            for (layer, weight) in &layers {
                let bias = &self.layers[&format!("{layer}.bias")];
                x = linalg::product(x.as_ref(), weight.transpose());
                x = Mat::from_fn(x.nrows(), x.ncols(), |i, j| {
                    let y = x[(i, j)] + bias[(j, 0)];
                    if *layer == "head" { y } else { gelu(y) }
                });
            }
            let guess = |i: usize| (0..x.ncols()).max_by(|a, b| x[(i, *a)].total_cmp(&x[(i, *b)]));
            let right = self.labels.iter().enumerate().filter(|(i, label)| guess(*i) == Some(**label)).count();
            (domain.clone(), right as f64 / self.labels.len() as f64 / self.experts[domain])
        };
        Score { domains: self.images.iter().map(share).collect() }
    }
}

/// x·Φ(x), with the usual tanh approximation.
fn gelu(x: f64) -> f64 {
    0.5 * x * (1.0 + (0.797_884_560_8 * (x + 0.044_715 * x * x * x)).tanh())
}

/// The arrays of an npz file, of one or two dimensions, in f64.
fn arrays(path: &Path) -> Result<BTreeMap<String, Mat<f64>>> {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(path)?).map_err(Error::other)?;
    let mut arrays = BTreeMap::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(Error::other)?;
        let name = entry.name().map_err(Error::other)?.trim_end_matches(".npy").to_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        arrays.insert(name, array(&bytes).ok_or_else(|| Error::other("not a numpy array that is known"))?);
    }
    Ok(arrays)
}

/// An npy file of version 1: magic, header length, a Python dictionary, numbers.
fn array(bytes: &[u8]) -> Option<Mat<f64>> {
    let length = usize::from(u16::from_le_bytes(bytes.get(8..10)?.try_into().ok()?));
    let header = std::str::from_utf8(bytes.get(10..10 + length)?).ok()?;
    let data = bytes.get(10 + length..)?;
    let shape = header.split_once("'shape': (")?.1.split_once(')')?.0;
    let shape: Vec<usize> = shape.split(',').filter_map(|n| n.trim().parse().ok()).collect();
    let (rows, columns) = (*shape.first()?, shape.get(1).copied().unwrap_or(1));
    let values: Vec<f64> = if header.contains("'<f4'") {
        data.as_chunks().0.iter().map(|c| f64::from(f32::from_le_bytes(*c))).collect()
    } else {
        data.as_chunks().0.iter().map(|c| i64::from_le_bytes(*c) as f64).collect()
    };
    (values.len() == rows * columns).then(|| Mat::from_fn(rows, columns, |i, j| values[i * columns + j]))
}

/// The settings that a table of methods goes through: every method's defaults, and task arithmetic at its best scale.
pub fn settings() -> Vec<(String, Value)> {
    let mut all: Vec<(String, Value)> = rankweave_merge::registry()
        .iter()
        .map(|method| method.spec())
        // Sets have four experts.
        .filter(|spec| (spec.adapters.0..=spec.adapters.1).contains(&4))
        .map(|spec| (spec.id.to_owned(), json!({"id": spec.id})))
        .collect();
    for lambda in [0.25, 0.3, 0.4] {
        all.push((format!("sum, λ = {lambda}"), json!({"id": "sum", "params": {"lambda": lambda}})));
    }
    all
}
