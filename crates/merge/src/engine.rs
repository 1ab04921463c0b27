//! Runs one task of a plan: reads the factors, merges, rounds, reports.

use crate::encode;
use crate::factors;
use crate::method::{Merged, ModuleInputs};
use crate::plan::{Item, Plan, PlannedModule};
use crate::report::{ModuleReport, SourceShare};
use rankweave_adapter::dtype;
use rankweave_adapter::{Adapter, DialectId, Error, Kind, Result, Source, read_modules, read_raw};
use rankweave_compute::norms::Sums;
use rankweave_compute::{Combination, FactorPair, Grams, RankPolicy, combine};
use std::collections::BTreeMap;

/// What a task makes: a run of the output's tensor data.
#[derive(Clone, Debug)]
pub struct TaskOutput {
    /// The tensors' bytes, one after the other.
    pub bytes: Vec<u8>,
    /// One report per module.
    pub modules: Vec<ModuleReport>,
}

/// Runs task `task` of `plan`. `sources` are the adapters' bytes, in their order, then those of the base's files, if there is
/// a base.
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
    for (a, wanted) in wanted.iter().enumerate() {
        let adapter = &adapters[a];
        let indices: Vec<usize> = wanted.iter().map(|(_, index, _)| *index).collect();
        let stored = read_modules(adapter, sources[a], &indices)?;
        let mut rest = wanted.iter().zip(stored).peekable();
        while let Some(((m, index, i), stored)) = rest.next() {
            let module = &plan.modules[*m];
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
    Ok(pairs)
}

fn merge_module(plan: &Plan, module: &PlannedModule, pairs: &[FactorPair], output: &mut TaskOutput) -> Result<()> {
    let failed = |e: rankweave_compute::Error| Error::new(Kind::Malformed, e.to_string());
    let grams = Grams::new(pairs).map_err(failed)?;
    let inputs = ModuleInputs { pairs, weights: &module.weights, grams: &grams, adapters: plan.adapters };
    let Merged::Linear { coefficients, nulls } = plan.method.merge(&inputs, &plan.params);
    let carried = plan.adapters == 1 && plan.rank == RankPolicy::Exact && coefficients == [1.0];
    let mut combination = match pairs {
        [pair] if carried => unchanged(pair, &grams),
        _ => combine(pairs, &grams, &coefficients, plan.rank, nulls).map_err(failed)?,
    };
    if combination.pair.rank == 0 {
        // Loaders want a pair even where nothing is left.
        combination.pair = FactorPair::zero(module.shape.out, module.shape.columns(), 1);
    }
    combination.pair = module.formed(combination.pair);
    let rank = combination.pair.rank;
    if module.swapped {
        factors::swap_halves(&mut combination.pair.up, rank);
    }
    let written = written_scale(plan, module, &combination.pair)?;
    if written.correction != 1.0 {
        combination.pair.up.iter_mut().for_each(|x| *x = (f64::from(*x) * written.correction) as f32);
    }
    // A vector's down factor is 1 and is not written.
    let (mut up, mut down) = (Sums::new(0), Sums { norms: vec![1.0], errors: vec![0.0] });
    for tensor in module.tensors(rank, plan.dtype) {
        if tensor.key == module.keys.up {
            up = encode::up(&combination.pair.up, rank, plan.dtype, &mut output.bytes)?;
        } else if tensor.key == module.keys.down {
            down = encode::down(&combination.pair.down, combination.pair.columns, plan.dtype, &mut output.bytes)?;
        } else {
            dtype::encode(plan.dtype, &[written.alpha as f32], &mut output.bytes)?;
        }
    }
    let scale = written.alpha / rank as f64;
    let rounding = encode::error(&up, &down) * scale * scale;
    output.modules.push(report(module, pairs, &grams, &combination, rounding, written.alpha));
    Ok(())
}

/// One adapter that is left as it is: its own factors and scale, so that a file which is only rewritten keeps its
/// deltas bit for bit.
fn unchanged(pair: &FactorPair, grams: &Grams) -> Combination {
    let total = grams.inner(0, 0);
    Combination { pair: pair.clone(), total, kept: total, lost: 0.0, inner: vec![total] }
}

/// How a pair's scale is written.
struct Written {
    /// The alpha that a reader will see, or the rank where there is none: scale times rank.
    alpha: f64,
    /// What up is multiplied by so that the delta read with it is right.
    correction: f64,
}

/// A tensor for alpha holds it rounded to the output's type (bf16 holds few integers above 256, F8 nothing above 448);
/// PEFT's configuration holds any; everywhere else the scale has to be 1.
fn written_scale(plan: &Plan, module: &PlannedModule, pair: &FactorPair) -> Result<Written> {
    let rank = pair.rank as f64;
    let wanted = pair.scale * rank;
    if plan.dialect == DialectId::Peft && plan.keep_alpha {
        return Ok(Written { alpha: wanted, correction: 1.0 });
    }
    if module.keys.alpha.is_none() {
        return Ok(Written { alpha: rank, correction: pair.scale });
    }
    let mut bytes = Vec::new();
    dtype::encode(plan.dtype, &[wanted.clamp(-LARGEST_ALPHA, LARGEST_ALPHA) as f32], &mut bytes)?;
    let mut alpha = [0.0];
    dtype::decode(plan.dtype, &bytes, &mut alpha)?;
    match f64::from(alpha[0]) {
        // Readers take an alpha of 0 for none.
        0.0 => Ok(Written { alpha: rank, correction: pair.scale }),
        alpha => Ok(Written { alpha, correction: wanted / alpha }),
    }
}

/// What every type that is written can hold.
const LARGEST_ALPHA: f64 = 256.0;

fn report(
    module: &PlannedModule,
    pairs: &[FactorPair],
    grams: &Grams,
    combination: &Combination,
    rounding: f64,
    alpha: f64,
) -> ModuleReport {
    let share = |i: usize| SourceShare {
        source: module.adapters[i],
        rank: pairs[i].rank,
        weight: module.weights[i],
        factor: module.factors[i],
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
        alpha,
    }
}
