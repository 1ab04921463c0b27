//! Which modules of different adapters are the same module.
//!
//! Modules go together by [`ModuleKey::matching`]: the part of the model and the
//! path, dots and underscores counting as equal, since kohya's names have lost
//! their dots. Names that no layout knows match as they are spelled.

use rankweave_adapter::{Adapter, Error, Family, Kind, ModuleShape, Result};
use std::borrow::Borrow;
use std::collections::BTreeMap;

/// One module of the output: (adapter, module) indices of those that have it, in
/// the adapters' order.
pub type Group = Vec<(usize, usize)>;

/// The family of a merge of `adapters` (at least one): that of the first whose family is known. A file with text
/// encoders alone may not tell which model they belong to.
pub fn family<A: Borrow<Adapter>>(adapters: &[A]) -> &Family {
    let known = adapters.iter().map(Borrow::borrow).find(|a| a.family.id != "unknown");
    &known.unwrap_or_else(|| adapters[0].borrow()).family
}

/// Groups the modules of all adapters by name, in the names' order, whatever their shapes.
pub fn aligned(adapters: &[&Adapter]) -> Vec<Group> {
    let mut by_name: BTreeMap<String, Group> = BTreeMap::new();
    for (a, adapter) in adapters.iter().enumerate() {
        for (m, module) in adapter.modules.iter().enumerate() {
            by_name.entry(module.key.matching()).or_default().push((a, m));
        }
    }
    by_name.into_values().collect()
}

/// The first neighbours in `group` that disagree about the module's shape.
pub fn disagreement(adapters: &[&Adapter], group: &Group) -> Option<[(usize, usize); 2]> {
    let shape = |(a, m): (usize, usize)| &adapters[a].modules[m].shape;
    group.windows(2).map(|pair| [pair[0], pair[1]]).find(|[a, b]| !same(shape(*a), shape(*b)))
}

/// As [`aligned`].
///
/// Errors (`Mismatch`) where adapters disagree about a module's shape, which means
/// that they were made for different base models.
pub(crate) fn groups(adapters: &[Adapter]) -> Result<Vec<Group>> {
    let adapters: Vec<&Adapter> = adapters.iter().collect();
    let groups = aligned(&adapters);
    match groups.iter().find_map(|group| disagreement(&adapters, group)) {
        Some([a, b]) => Err(mismatch(&adapters, a, b)),
        None => Ok(groups),
    }
}

fn mismatch(adapters: &[&Adapter], a: (usize, usize), b: (usize, usize)) -> Error {
    let (first, second) = (&adapters[a.0].modules[a.1], &adapters[b.0].modules[b.1]);
    let (first_file, second_file) = (adapters[a.0], adapters[b.0]);
    let what = format!("{} and {} disagree about the size of a module", first_file.label, second_file.label);
    Error::new(Kind::Mismatch, what)
        .file(&second_file.label)
        .module(second.key.id())
        .expected(format!("{} ({})", first.shape, first_file.family.title))
        .found(format!("{} ({})", second.shape, second_file.family.title))
        .hint("These adapters were made for different base models. Remove one of them.")
}

/// A 1×1 kernel is a linear layer written differently, and some files store a convolution flat.
fn same(a: &ModuleShape, b: &ModuleShape) -> bool {
    let kernel = |s: &ModuleShape| -> Vec<usize> {
        if s.kernel.iter().all(|k| *k == 1) { Vec::new() } else { s.kernel.clone() }
    };
    let flat = a.kernel.is_empty() || b.kernel.is_empty();
    // What only the base model knows is no disagreement.
    let known = |s: &ModuleShape| s.out > 0 && s.inp > 0;
    !known(a)
        || !known(b)
        || a.out == b.out && a.columns() == b.columns() && (flat || a.inp == b.inp && kernel(a) == kernel(b))
}
