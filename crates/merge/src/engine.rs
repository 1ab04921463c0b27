//! Runs one task of a plan: reads the factors, merges, rounds, reports.

use crate::encode;
use crate::factors;
use crate::method::{Merged, ModuleInputs};
use crate::plan::{Item, Plan, PlannedModule};
use crate::report::{ModuleReport, SourceShare};
use rankweave_adapter::dtype::{self, Dtype};
use rankweave_adapter::{Adapter, Error, Kind, Result, Source, read_modules, read_raw};
use rankweave_compute::norms::Sums;
use rankweave_compute::{Combination, FactorPair, Grams, combine};
use std::collections::BTreeMap;

/// What a task makes: a run of the output's tensor data.
#[derive(Clone, Debug)]
pub struct TaskOutput {
    /// The tensors' bytes, one after the other.
    pub bytes: Vec<u8>,
    /// One report per module.
    pub modules: Vec<ModuleReport>,
}

/// Runs task `task` of `plan`. `sources` are the adapters' bytes, in their order.
///
/// Tasks are independent: any number of workers may run them in any order, and the
/// same task gives the same bytes. Memory: the task's input and output in f32.
///
/// # Errors
/// `Io` from a source, `Malformed` for NaN or infinity, `Limit` where a value does
/// not fit the output type.
pub fn run_task(plan: &Plan, adapters: &[Adapter], sources: &[&dyn Source], task: usize) -> Result<TaskOutput> {
    let items = plan.task(task);
    let mut pairs = read_pairs(plan, adapters, sources, items)?;
    let mut output = TaskOutput { bytes: Vec::with_capacity(plan.bytes_bound(adapters, task)), modules: Vec::new() };
    for item in items {
        match *item {
            Item::Extra(a, t) => output.bytes.extend(read_raw(&adapters[a], sources[a], t)?),
            Item::Module(m) => {
                let module = &plan.modules[m];
                let place = |e: Error| match module.sources[..] {
                    [(a, _)] => e.module(module.key.id()).file(&adapters[a].label),
                    _ => e.module(module.key.id()),
                };
                let pairs = pairs.remove(&m).unwrap_or_default();
                merge_module(plan, module, &pairs, &mut output).map_err(place)?;
            }
        }
    }
    Ok(output)
}

/// Reads every module of a task, adapter by adapter, so that neighbouring tensors
/// are read in one go.
fn read_pairs(
    plan: &Plan,
    adapters: &[Adapter],
    sources: &[&dyn Source],
    items: &[Item],
) -> Result<BTreeMap<usize, Vec<FactorPair>>> {
    let mut wanted: Vec<Vec<(usize, usize)>> = vec![Vec::new(); adapters.len()];
    for item in items {
        if let Item::Module(m) = *item {
            for &(a, index) in &plan.modules[m].sources {
                wanted[a].push((m, index));
            }
        }
    }
    let mut pairs: BTreeMap<usize, Vec<FactorPair>> = BTreeMap::new();
    for (a, wanted) in wanted.iter().enumerate() {
        let indices: Vec<usize> = wanted.iter().map(|(_, index)| *index).collect();
        let stored = read_modules(&adapters[a], sources[a], &indices)?;
        for (&(m, index), stored) in wanted.iter().zip(stored) {
            let pair = factors::pair(&adapters[a].modules[index], stored).map_err(|e| e.file(&adapters[a].label))?;
            pairs.entry(m).or_default().push(pair);
        }
    }
    Ok(pairs)
}

fn merge_module(plan: &Plan, module: &PlannedModule, pairs: &[FactorPair], output: &mut TaskOutput) -> Result<()> {
    let failed = |e: rankweave_compute::Error| Error::new(Kind::Malformed, e.to_string());
    let grams = Grams::new(pairs).map_err(failed)?;
    let inputs = ModuleInputs { pairs, weights: &module.weights, grams: &grams, adapters: plan.adapters };
    let Merged::Linear { coefficients, nulls } = plan.method.merge(&inputs, &plan.params);
    let mut combination = combine(pairs, &grams, &coefficients, plan.rank, nulls).map_err(failed)?;
    if combination.pair.rank == 0 {
        // Loaders want a pair even where nothing is left.
        combination.pair = FactorPair::zero(module.shape.out, module.shape.columns(), 1);
    }
    let rank = combination.pair.rank;
    if module.swapped {
        factors::swap_halves(&mut combination.pair.up, rank);
    }
    let alpha = stored_alpha(module, rank, plan.dtype)?;
    if let Some((_, correction)) = alpha.filter(|(_, correction)| *correction != 1.0) {
        combination.pair.up.iter_mut().for_each(|x| *x *= correction);
    }
    let (mut up, mut down) = (Sums::new(0), Sums::new(0));
    for tensor in module.tensors(rank, plan.dtype) {
        if tensor.key == module.keys.up {
            up = encode::up(&combination.pair.up, rank, plan.dtype, &mut output.bytes)?;
        } else if tensor.key == module.keys.down {
            down = encode::down(&combination.pair.down, module.shape.columns(), plan.dtype, &mut output.bytes)?;
        } else if let Some((alpha, _)) = alpha {
            dtype::encode(plan.dtype, &[alpha], &mut output.bytes)?;
        }
    }
    output.modules.push(report(module, pairs, &grams, &combination, encode::error(&up, &down)));
    Ok(())
}

/// The alpha that is written, and the factor that up needs so that the delta read
/// with it is right: alpha is the rank, rounded to the output type (bf16 holds few
/// integers above 256).
fn stored_alpha(module: &PlannedModule, rank: usize, dtype: Dtype) -> Result<Option<(f32, f32)>> {
    if module.keys.alpha.is_none() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    dtype::encode(dtype, &[rank as f32], &mut bytes)?;
    let mut alpha = [0.0];
    dtype::decode(dtype, &bytes, &mut alpha)?;
    Ok(Some((alpha[0], rank as f32 / alpha[0])))
}

fn report(
    module: &PlannedModule,
    pairs: &[FactorPair],
    grams: &Grams,
    combination: &Combination,
    rounding: f64,
) -> ModuleReport {
    let share = |i: usize| SourceShare {
        source: module.sources[i].0,
        rank: pairs[i].rank,
        weight: module.weights[i],
        inner: combination.inner[i],
    };
    ModuleReport {
        module: module.key.id(),
        key: module.keys.up.clone(),
        text_encoder: module.key.component.is_text_encoder(),
        out: module.shape.out,
        columns: module.shape.columns(),
        rank: combination.pair.rank,
        sources: (0..pairs.len()).map(share).collect(),
        inner_products: grams.inner_products(),
        total: combination.total,
        kept: combination.kept,
        lost: combination.lost,
        rounding,
    }
}
