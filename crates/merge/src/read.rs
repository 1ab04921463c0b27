//! Reads what a task's modules are made of: factor pairs, or tensors that are carried over.

use crate::factors;
use crate::form::Form;
use crate::plan::{Item, Plan};
use rankweave_adapter::{Adapter, Result, Source, Stored, read_modules};
use rankweave_compute::FactorPair;
use std::collections::BTreeMap;

/// What the modules of a task are made of, by their number in the plan.
pub(crate) struct Inputs {
    pub pairs: BTreeMap<usize, Vec<FactorPair>>,
    /// Of modules that are carried over.
    pub kept: BTreeMap<usize, Stored>,
}

/// Reads every module of a task, adapter by adapter, so that neighbouring tensors
/// are read in one go.
pub(crate) fn read_inputs(
    plan: &Plan,
    adapters: &[Adapter],
    sources: &[&dyn Source],
    items: &[Item],
) -> Result<Inputs> {
    // (planned module, module in the adapter, which source it is) by adapter.
    let mut wanted: Vec<Vec<(usize, usize, usize)>> = vec![Vec::new(); adapters.len()];
    for item in items {
        if let Item::Module(m) = *item {
            for (i, &(a, index)) in plan.modules[m].sources.iter().enumerate() {
                wanted[a].push((m, index, i));
            }
        }
    }
    let mut pairs: BTreeMap<usize, Vec<FactorPair>> = BTreeMap::new();
    let mut kept = BTreeMap::new();
    for (a, wanted) in wanted.iter().enumerate() {
        let adapter = &adapters[a];
        let indices: Vec<usize> = wanted.iter().map(|(_, index, _)| *index).collect();
        let stored = read_modules(adapter, sources[a], &indices)?;
        let mut rest = wanted.iter().zip(stored).peekable();
        while let Some(((m, index, i), stored)) = rest.next() {
            let module = &plan.modules[*m];
            if module.form == Form::Kept {
                kept.insert(*m, stored);
                continue;
            }
            let pair = |index: usize, i: usize, stored| -> Result<FactorPair> {
                let own = &adapter.modules[index];
                let base = sources.get(adapters.len()..).unwrap_or_default();
                let weight = own.base.as_ref().map(|weight| weight.read(base)).transpose();
                let weight = weight.map_err(|e| e.module(own.key.id()))?;
                let given = factors::Given { weight, config: adapter.config.as_ref() };
                let mut pair = factors::pair(own, stored, given).map_err(|e| e.file(&adapter.label))?;
                pair.scale *= module.scales[i];
                Ok(match module.cuts.get(i) {
                    Some(rows) => factors::cut(pair, *rows, module.shape.out),
                    None => pair,
                })
            };
            let mut parts = vec![pair(*index, *i, stored)?];
            while let Some(((_, index, i), stored)) = rest.next_if(|((other, ..), _)| other == m) {
                parts.push(pair(*index, *i, stored)?);
            }
            pairs.entry(*m).or_default().push(factors::stack(parts));
        }
    }
    Ok(Inputs { pairs, kept })
}
