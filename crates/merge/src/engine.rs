//! Runs one task of a plan: merges, rounds and reports its modules.

use crate::dense;
use crate::device::Device;
use crate::encode;
use crate::factors;
use crate::facts::Facts;
use crate::form::Form;
use crate::kept;
use crate::method::{Merged, ModuleInputs, Outcome, failed};
use crate::plan::{Item, Plan};
use crate::planned::PlannedModule;
use crate::read::{Inputs, read_inputs};
use crate::report::{ModuleReport, SourceShare};
use crate::rounds::look;
use crate::scale;
use crate::written::written_scale;
use rankweave_adapter::dtype;
use rankweave_adapter::{Adapter, Error, Result, Source, read_raw};
use rankweave_compute::entries::{Backend, Entries, truncated};
use rankweave_compute::norms::Sums;
use rankweave_compute::rng::Stream;
use rankweave_compute::{Combination, FactorPair, Grams, Nulls, RankPolicy, combine};
use std::cell::OnceCell;

/// What a task makes: a run of the output's tensor data.
#[derive(Clone, Debug)]
pub struct TaskOutput {
    /// The tensors' bytes, one after the other.
    pub bytes: Vec<u8>,
    /// One report per module.
    pub modules: Vec<ModuleReport>,
}

/// Nothing looked at yet.
static NOTHING: Facts = Facts::none();

pub(crate) fn inputs<'a>(
    plan: &'a Plan,
    module: &'a PlannedModule,
    name: &'a str,
    pairs: &'a [FactorPair],
    grams: &'a Grams,
    facts: &'a Facts,
) -> ModuleInputs<'a> {
    ModuleInputs {
        name,
        pairs,
        weights: &module.weights,
        present: &module.adapters,
        grams,
        labels: &plan.labels,
        adapters: plan.adapters,
        rank: plan.rank,
        facts,
        looked: &NOTHING,
        seed: plan.seed,
        core: OnceCell::new(),
    }
}

pub(crate) fn place(e: Error, module: &PlannedModule, adapters: &[Adapter]) -> Error {
    match module.sources[..] {
        [(a, _)] => e.module(module.key.id()).file(&adapters[a].label),
        _ => e.module(module.key.id()),
    }
}

/// Runs task `task` of `plan`, `facts` being those of all its rounds. `sources` are the adapters' bytes, in their
/// order, then those of the base's files, if there is a base. `backend` works on entries; with the CPU the work never
/// waits, see [`rankweave_compute::entries::now`].
///
/// Tasks are independent: any number of workers may run them in any order, and the
/// same task gives the same bytes. Memory: the task's input and output in f32.
///
/// # Errors
/// `Io` from a source, `Malformed` for NaN or infinity, `Limit` where a value does
/// not fit the output type.
pub async fn run_task(
    plan: &Plan,
    adapters: &[Adapter],
    sources: &[&dyn Source],
    task: usize,
    facts: &Facts,
    backend: &dyn Backend,
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
                let device = Device::new(backend);
                let merged = merge_module(plan, module, &pairs, facts, &device, &mut output).await;
                merged.map_err(|e| place(e, module, adapters))?;
            }
        }
    }
    Ok(output)
}

async fn merge_module(
    plan: &Plan,
    module: &PlannedModule,
    pairs: &[FactorPair],
    facts: &Facts,
    device: &Device<'_>,
    output: &mut TaskOutput,
) -> Result<()> {
    let grams = Grams::new(pairs).map_err(failed)?;
    let name = module.key.id();
    let mut inputs = inputs(plan, module, &name, pairs, &grams, facts);
    let looked = look(plan, &mut inputs, device).await?;
    inputs.looked = &looked;
    let Outcome { mut merged, details, picture } = plan.method.merge(&inputs, &plan.params)?;
    let factor = scale::factor(&inputs, &merged, &plan.params, plan.method.rounds(&plan.params), device).await?;
    if factor != 1.0 {
        merged.scale(factor);
    }
    if module.form == Form::Dense {
        let made = dense::write(plan, module, &inputs, merged, &mut output.bytes)?;
        let report = report(module, pairs, &grams, made);
        output.modules.push(ModuleReport { details, picture, device: device.line(), ..report });
        return Ok(());
    }
    let mut combination = combined(plan, module, &inputs, merged, device).await?;
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
    let Combination { total, kept, lost, inner, .. } = combination;
    let made = Made { rank, total, kept, lost, inner, rounding, alpha: written.alpha };
    let report = report(module, pairs, &grams, made);
    output.modules.push(ModuleReport { details, picture, device: device.line(), ..report });
    Ok(())
}

/// What a method asks for, at the rank asked for.
async fn combined(
    plan: &Plan,
    module: &PlannedModule,
    inputs: &ModuleInputs<'_>,
    merged: Merged,
    device: &Device<'_>,
) -> Result<Combination> {
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
            let own = [own];
            let grams = Grams::new(&own).map_err(failed)?;
            let policy = plan.rank.capped(module.rank_bound);
            let made = combine(&own, &grams, &[1.0], policy, Nulls::Drop).map_err(failed)?;
            let inner = pairs.iter().map(|pair| made.pair.inner(pair)).collect();
            Ok(Combination { inner, ..made })
        }
        (Merged::Entries(rule), _) => {
            let entries = Entries { pairs, rule: &rule };
            let policy = plan.rank.capped(module.rank_bound);
            let stream = Stream::new(0, inputs.name, 0);
            let work =
                async |backend: &dyn Backend| truncated(backend, entries, grams, inputs.weights, policy, stream).await;
            Ok(device.run(entries, work).await.map_err(failed)?.combination)
        }
    }
}

/// One adapter that is left as it is: its own factors and scale, so that a file which is only rewritten keeps its
/// deltas bit for bit.
fn unchanged(pair: &FactorPair, grams: &Grams) -> Combination {
    let total = grams.inner(0, 0);
    Combination { pair: pair.clone(), total, kept: total, lost: 0.0, inner: vec![total] }
}

/// The numbers of a module that is written; see [`ModuleReport`].
pub(crate) struct Made {
    pub rank: usize,
    pub total: f64,
    pub kept: f64,
    pub lost: f64,
    /// ⟨M, ΔWᵢ⟩ of every source.
    pub inner: Vec<f64>,
    pub rounding: f64,
    pub alpha: f64,
}

fn report(module: &PlannedModule, pairs: &[FactorPair], grams: &Grams, made: Made) -> ModuleReport {
    let share = |i: usize| SourceShare {
        source: module.adapters[i],
        rank: pairs[i].rank,
        weight: module.weights[i],
        factor: module.factors[i],
        inner: made.inner[i],
    };
    ModuleReport {
        module: module.key.id(),
        key: module.keys.up.clone(),
        text_encoder: module.key.component.is_text_encoder(),
        out: module.shape.out,
        columns: module.shape.columns(),
        rank: made.rank,
        sources: (0..pairs.len()).map(share).collect(),
        inner_products: grams.inner_products(),
        total: made.total,
        kept: made.kept,
        lost: made.lost,
        rounding: made.rounding,
        alpha: made.alpha,
        carried: false,
        details: Vec::new(),
        picture: None,
        device: None,
    }
}
