//! What a file is, as data: the facts that a card or a table shows.

use rankweave_adapter::{Adapter, Alpha, Described, Family, KindId, Result, Source, Warning, describe, read_alphas};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Facts about one adapter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// File name.
    pub file: String,
    /// Bytes.
    pub size: u64,
    /// Model family, with the evidence.
    pub family: Family,
    /// Spelling of the keys: stable id.
    pub dialect: String,
    /// Spelling of the keys, for people.
    pub dialect_title: String,
    /// How the deltas are stored, and how many modules so.
    pub kinds: BTreeMap<String, usize>,
    /// Number of modules.
    pub modules: usize,
    /// How many of them are in text encoders.
    pub text_encoder_modules: usize,
    /// Rank of the factor pair that a module becomes, of DoRA that of its direction → number of modules; vectors, and kinds
    /// whose size only the base model knows, have none.
    pub ranks: BTreeMap<usize, usize>,
    /// Alphas.
    pub alpha: AlphaFacts,
    /// Type of the factors → number of tensors.
    pub dtypes: BTreeMap<String, usize>,
    /// Tensors that are no factors, with the reason.
    pub extras: BTreeMap<String, String>,
    /// What is odd.
    pub warnings: Vec<Warning>,
    /// What the file says of itself, for people.
    pub described: Described,
    /// The file's own metadata.
    pub metadata: BTreeMap<String, String>,
}

/// Where alpha stands and what it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlphaFacts {
    /// `tensors`, `config` (adapter_config.json), `metadata` or `none` (scale 1).
    pub from: String,
    /// Value → number of modules.
    pub values: BTreeMap<String, usize>,
    /// Least and largest scale of the modules.
    pub scale: (f64, f64),
}

/// Collects the facts. Reads the header (already done) and the alpha tensors.
pub fn inspect(adapter: &Adapter, source: &dyn Source) -> Result<Inspection> {
    let mut dtypes = BTreeMap::new();
    for module in &adapter.modules {
        for (_, tensor) in &module.parts {
            *dtypes.entry(format!("{:?}", adapter.header.tensors[*tensor].dtype)).or_insert(0) += 1;
        }
    }
    let text_encoder_modules = adapter.modules.iter().filter(|m| m.key.component.is_text_encoder()).count();
    Ok(Inspection {
        file: adapter.label.clone(),
        size: adapter.size,
        family: adapter.family.clone(),
        dialect: adapter.dialect.id().to_owned(),
        dialect_title: adapter.dialect.title().to_owned(),
        kinds: kinds(adapter),
        modules: adapter.modules.len(),
        text_encoder_modules,
        ranks: ranks(adapter),
        alpha: alpha(adapter, source)?,
        dtypes,
        extras: adapter.extras.iter().map(|e| (e.name.clone(), e.reason.clone())).collect(),
        warnings: adapter.warnings.clone(),
        described: describe(&adapter.header.metadata),
        metadata: adapter.header.metadata.clone(),
    })
}

/// How the deltas are stored, and how many modules so.
pub(crate) fn kinds(adapter: &Adapter) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    adapter.modules.iter().for_each(|module| *kinds.entry(module.kind.id()).or_insert(0) += 1);
    kinds
}

/// Rank → number of modules; of DoRA that of its direction. Vectors, factors and rotations have none.
pub(crate) fn ranks(adapter: &Adapter) -> BTreeMap<usize, usize> {
    let mut ranks = BTreeMap::new();
    let matrices = adapter.modules.iter().filter(|module| module.kind != KindId::Vector);
    let known = matrices.map(|module| module.direction.map_or(module.rank, |(_, rank)| rank)).filter(|rank| *rank > 0);
    known.for_each(|rank| *ranks.entry(rank).or_insert(0) += 1);
    ranks
}

/// Where alpha stands, see [`AlphaFacts::from`].
pub(crate) fn alpha_from(adapter: &Adapter) -> &'static str {
    let any = |is: fn(&Alpha) -> bool| adapter.modules.iter().any(|m| is(&m.alpha));
    match () {
        () if any(|a| matches!(a, Alpha::Tensor(_))) => "tensors",
        () if any(|a| matches!(a, Alpha::Value(_))) && adapter.config.is_some() => "config",
        () if any(|a| matches!(a, Alpha::Value(_))) => "metadata",
        () => "none",
    }
}

fn alpha(adapter: &Adapter, source: &dyn Source) -> Result<AlphaFacts> {
    let alphas = read_alphas(adapter, source)?;
    let mut values = BTreeMap::new();
    let (mut least, mut largest) = (f64::INFINITY, 0.0f64);
    for (module, alpha) in adapter.modules.iter().zip(&alphas) {
        if let Some(alpha) = alpha {
            *values.entry(alpha.to_string()).or_insert(0) += 1;
        }
        if module.kind == KindId::Vector {
            continue;
        }
        let scale = module.scale(*alpha);
        least = least.min(scale);
        largest = largest.max(scale);
    }
    let scale = if least.is_finite() { (least, largest) } else { (1.0, 1.0) };
    Ok(AlphaFacts { from: alpha_from(adapter).to_owned(), values, scale })
}
