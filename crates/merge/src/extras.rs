//! Tensors that are no factors: saved modules, embeddings, biases.
//!
//! No merge formula applies to them, so each is kept from one adapter, byte for
//! byte: the one with the largest weight (by size), the first among equals.

use crate::weights::Weight;
use rankweave_adapter::{Adapter, Place, Warning};
use std::collections::BTreeMap;

/// The tensors kept, as (adapter, tensor) in the order of their names, and what to
/// tell about it.
pub(crate) fn choose(adapters: &[Adapter], weights: &[Weight]) -> (Vec<(usize, usize)>, Vec<Warning>) {
    let mut by_name: BTreeMap<&str, Vec<(usize, usize)>> = BTreeMap::new();
    for (a, adapter) in adapters.iter().enumerate() {
        for extra in &adapter.extras {
            by_name.entry(&extra.name).or_default().push((a, extra.tensor));
        }
    }
    let mut kept = Vec::new();
    let mut warnings = Vec::new();
    for (name, owners) in by_name {
        let heaviest = owners.iter().map(|(a, _)| weights[*a].model.abs()).fold(0.0, f64::max);
        let Some(&(a, tensor)) = owners.iter().find(|(a, _)| weights[*a].model.abs() == heaviest) else {
            continue;
        };
        let dropped = heaviest == 0.0;
        let label = &adapters[a].label;
        let message = match (dropped, owners.len()) {
            (true, _) => "is left out: the weight of its adapter is 0".to_owned(),
            (false, 1) => format!("is no low-rank factor and is kept as it is in {label}"),
            (false, n) => format!(
                "is no low-rank factor and cannot be merged; of {n} adapters that have it, it is kept from {label}, \
                 whose weight is the largest"
            ),
        };
        warnings.push(Warning {
            code: if dropped { "extra-dropped" } else { "extra-kept" }.to_owned(),
            message: format!("{name} {message}"),
            place: Place { file: Some(label.clone()), key: Some(name.to_owned()), ..Place::default() },
        });
        if !dropped {
            kept.push((a, tensor));
        }
    }
    (kept, warnings)
}
