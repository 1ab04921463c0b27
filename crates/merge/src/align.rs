//! Which modules of different adapters are the same module.
//!
//! Modules go together by [`ModuleKey::matching`]: the part of the model and the
//! path, dots and underscores counting as equal, since kohya's names have lost
//! their dots. Names that no layout knows match as they are spelled.

use rankweave_adapter::{Adapter, Error, Kind, ModuleShape, Result};
use std::collections::BTreeMap;

/// One module of the output: (adapter, module) indices of those that have it, in
/// the adapters' order.
pub(crate) type Group = Vec<(usize, usize)>;

/// Groups the modules of all adapters by name, in the names' order.
///
/// Errors (`Mismatch`) where adapters disagree about a module's shape, which means
/// that they were made for different base models.
pub(crate) fn groups(adapters: &[Adapter]) -> Result<Vec<Group>> {
    let mut by_name: BTreeMap<String, Group> = BTreeMap::new();
    for (a, adapter) in adapters.iter().enumerate() {
        for (m, module) in adapter.modules.iter().enumerate() {
            by_name.entry(module.key.matching()).or_default().push((a, m));
        }
    }
    for group in by_name.values() {
        for pair in group.windows(2) {
            check_shapes(adapters, pair[0], pair[1])?;
        }
    }
    Ok(by_name.into_values().collect())
}

fn check_shapes(adapters: &[Adapter], a: (usize, usize), b: (usize, usize)) -> Result<()> {
    let (first, second) = (&adapters[a.0].modules[a.1], &adapters[b.0].modules[b.1]);
    if same(&first.shape, &second.shape) {
        return Ok(());
    }
    let (first_file, second_file) = (&adapters[a.0], &adapters[b.0]);
    Err(Error::new(
        Kind::Mismatch,
        format!("{} and {} disagree about the size of a module", first_file.label, second_file.label),
    )
    .file(&second_file.label)
    .module(second.key.id())
    .expected(format!("{} ({})", first.shape, first_file.family.title))
    .found(format!("{} ({})", second.shape, second_file.family.title))
    .hint("These adapters were made for different base models. Remove one of them."))
}

/// A 1×1 kernel is a linear layer written differently, and some files store a convolution flat.
fn same(a: &ModuleShape, b: &ModuleShape) -> bool {
    let kernel = |s: &ModuleShape| -> Vec<usize> {
        if s.kernel.iter().all(|k| *k == 1) { Vec::new() } else { s.kernel.clone() }
    };
    let flat = a.kernel.is_empty() || b.kernel.is_empty();
    a.out == b.out && a.columns() == b.columns() && (flat || a.inp == b.inp && kernel(a) == kernel(b))
}
