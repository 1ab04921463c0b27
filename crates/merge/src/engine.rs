//! Runs one task of a plan: reads the factors, merges, rounds, reports.

use crate::encode;
use crate::factors;
use crate::facts::{self, Facts};
use crate::form::Form;
use crate::kept;
use crate::method::{Merged, ModuleInputs, Outcome, failed};
use crate::plan::{Item, Plan};
use crate::planned::PlannedModule;
use crate::report::{ModuleReport, SourceShare};
use crate::scale;
use rankweave_adapter::dtype;
use rankweave_adapter::{Adapter, DialectId, Dtype, Error, Result, Source, Stored, read_modules, read_raw};
use rankweave_compute::norms::Sums;
use rankweave_compute::{Combination, FactorPair, Grams, Nulls, RankPolicy, combine};
use std::collections::BTreeMap;

/// What a task makes: a run of the output's tensor data.
#[derive(Clone, Debug)]
pub struct TaskOutput {
    /// The tensors' bytes, one after the other.
    pub bytes: Vec<u8>,
    /// One report per module.
    pub modules: Vec<ModuleReport>,
}

/// What the next round finds in task `task`, `facts` being those of the rounds before. The numbers of all tasks go to
/// [`Facts::add`], in the tasks' order. `sources` are the adapters' bytes, in their order.
///
/// # Errors
/// As [`run_task`].
pub fn survey_task(
    plan: &Plan,
    adapters: &[Adapter],
    sources: &[&dyn Source],
    task: usize,
    facts: &Facts,
) -> Result<Vec<f64>> {
    let items = plan.task(task);
    // Nothing is carried over where modules are looked at first.
    let mut pairs = read_inputs(plan, adapters, sources, items)?.pairs;
    let mut sums = Vec::new();
    for item in items {
        let Item::Module(m) = *item else { continue };
        let module = &plan.modules[m];
        let pairs = pairs.remove(&m).unwrap_or_default();
        let found = survey_module(plan, module, &pairs, facts).map_err(|e| place(e, module, adapters))?;
        facts::add(&mut sums, &found);
    }
    Ok(sums)
}

fn survey_module(plan: &Plan, module: &PlannedModule, pairs: &[FactorPair], facts: &Facts) -> Result<Vec<f64>> {
    let grams = Grams::new(pairs).map_err(failed)?;
    let name = module.key.id();
    let inputs = inputs(plan, module, &name, pairs, &grams, facts);
    let round = facts.rounds();
    if round < plan.method.rounds(&plan.params) {
        return plan.method.survey(round, &inputs, &plan.params);
    }
    scale::survey(&inputs, &plan.method.merge(&inputs, &plan.params)?.merged)
}

fn inputs<'a>(
    plan: &'a Plan,
    module: &'a PlannedModule,
    name: &'a str,
    pairs: &'a [FactorPair],
    grams: &'a Grams,
    facts: &'a Facts,
) -> ModuleInputs<'a> {
    let (weights, present) = (&module.weights, &module.adapters);
    ModuleInputs::new(name, pairs, weights, present, grams, &plan.labels, plan.rank, facts, plan.seed)
}

fn place(e: Error, module: &PlannedModule, adapters: &[Adapter]) -> Error {
    match module.sources[..] {
        [(a, _)] => e.module(module.key.id()).file(&adapters[a].label),
        _ => e.module(module.key.id()),
    }
}

/// Runs task `task` of `plan`, `facts` being those of all its rounds. `sources` are the adapters' bytes, in their
/// order, then those of the base's files, if there is a base.
///
/// Tasks are independent: any number of workers may run them in any order, and the
/// same task gives the same bytes. Memory: the task's input and output in f32.
///
/// # Errors
/// `Io` from a source, `Malformed` for NaN or infinity, `Limit` where a value does
/// not fit the output type.
pub fn run_task(
    plan: &Plan,
    adapters: &[Adapter],
    sources: &[&dyn Source],
    task: usize,
    facts: &Facts,
) -> Result<TaskOutput> {
    let items = plan.task(task);
    let Inputs { mut pairs, mut kept } = read_inputs(plan, adapters, sources, items)?;
    let mut output = TaskOutput { bytes: Vec::with_capacity(plan.bytes_bound(adapters, task)), modules: Vec::new() };
    for item in items {
        match *item {
            Item::Extra(a, t) => output.bytes.extend(read_raw(&adapters[a], sources[a], t)?),
            Item::Module(m) => {
                let module = &plan.modules[m];
                if let Some(stored) = kept.remove(&m) {
                    let report = kept::write(plan, module, &stored, &mut output.bytes);
                    output.modules.push(report.map_err(|e| place(e, module, adapters))?);
                    continue;
                }
                let pairs = pairs.remove(&m).unwrap_or_default();
                merge_module(plan, module, &pairs, facts, &mut output).map_err(|e| place(e, module, adapters))?;
            }
        }
    }
    Ok(output)
}

/// What the modules of a task are made of, by their number in the plan.
struct Inputs {
    pairs: BTreeMap<usize, Vec<FactorPair>>,
    /// Of modules that are carried over.
    kept: BTreeMap<usize, Stored>,
}

/// Reads every module of a task, adapter by adapter, so that neighbouring tensors
/// are read in one go.
fn read_inputs(plan: &Plan, adapters: &[Adapter], sources: &[&dyn Source], items: &[Item]) -> Result<Inputs> {
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

fn merge_module(
    plan: &Plan,
    module: &PlannedModule,
    pairs: &[FactorPair],
    facts: &Facts,
    output: &mut TaskOutput,
) -> Result<()> {
    let grams = Grams::new(pairs).map_err(failed)?;
    let name = module.key.id();
    let inputs = inputs(plan, module, &name, pairs, &grams, facts);
    let Outcome { mut merged, details, picture } = plan.method.merge(&inputs, &plan.params)?;
    let factor = scale::factor(&inputs, &merged, &plan.params, plan.method.rounds(&plan.params))?;
    if factor != 1.0 {
        merged.scale(factor);
    }
    let mut combination = combined(plan, module, &inputs, merged)?;
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
    let report = report(module, pairs, &grams, &combination, rounding, written.alpha);
    output.modules.push(ModuleReport { details, picture, ..report });
    Ok(())
}

/// What a method asks for, at the rank asked for.
fn combined(plan: &Plan, module: &PlannedModule, inputs: &ModuleInputs, merged: Merged) -> Result<Combination> {
    let (pairs, grams) = (inputs.pairs, inputs.grams);
    match (merged, pairs) {
        (Merged::Linear { coefficients, .. }, [pair])
            if plan.adapters == 1 && plan.rank == RankPolicy::Exact && coefficients == [1.0] =>
        {
            Ok(unchanged(pair, grams))
        }
        (Merged::Linear { coefficients, nulls }, _) => {
            combine(pairs, grams, &coefficients, plan.rank, nulls).map_err(failed)
        }
        // The header has room for no more than the plan's bound.
        (Merged::Core(delta), _) => {
            inputs.core()?.lift(delta.as_ref(), plan.rank.capped(module.rank_bound)).map_err(failed)
        }
        (Merged::Pair(own), _) => {
            let mut all = pairs.to_vec();
            all.push(own);
            let mut coefficients = vec![0.0; pairs.len()];
            coefficients.push(1.0);
            let grams = Grams::new(&all).map_err(failed)?;
            let policy = plan.rank.capped(module.rank_bound);
            let mut made = combine(&all, &grams, &coefficients, policy, Nulls::Drop).map_err(failed)?;
            made.inner.truncate(pairs.len());
            Ok(made)
        }
    }
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
    match f64::from(stored(plan.dtype, wanted)?) {
        // Readers take an alpha of 0 for none.
        0.0 => Ok(Written { alpha: rank, correction: pair.scale }),
        alpha => Ok(Written { alpha, correction: wanted / alpha }),
    }
}

/// An alpha as a tensor of type `dtype` holds it; one that is too large for it as far as every type goes.
fn stored(dtype: Dtype, alpha: f64) -> Result<f32> {
    const LARGEST: f64 = 256.0;
    let mut rounded = [0.0];
    for alpha in [alpha, alpha.clamp(-LARGEST, LARGEST)] {
        let mut bytes = Vec::new();
        if dtype::encode(dtype, &[alpha as f32], &mut bytes)? == 0 {
            dtype::decode(dtype, &bytes, &mut rounded)?;
            return Ok(rounded[0]);
        }
    }
    Ok(0.0)
}

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
        carried: false,
        details: Vec::new(),
        picture: None,
    }
}
