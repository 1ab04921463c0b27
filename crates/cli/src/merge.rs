//! `rankweave merge` and `rankweave convert`.

use crate::args::{Based, Convert, DtypeArg, GpuArg, KeysArg, Merge};
use crate::base::{self, Model};
use crate::inputs::{self, Input};
use crate::output::{Draft, Target, write_text};
use crate::pool::Pool;
use crate::{blocks, cancel, gpu, progress, recipe, show};
use rankweave_adapter::{Adapter, Error, Kind, KindId, MetadataMode, Source};
use rankweave_recipe::{Assembler, DIRECTION, Finished, MethodRef, Output, Prepared, Rank, Recipe, Report, Rule};
use serde_json::{Map, Value};

pub(crate) fn run(args: &Merge) -> Result<(), Vec<Error>> {
    let inputs = inputs::open_all(&args.inputs)?;
    let model = base::open(args.base.model.as_deref()).map_err(|e| vec![e])?;
    let target = Target::of(&args.output);
    let mut recipe = match &args.recipe {
        Some(given) => recipe::read(given)?,
        None => from_flags(args, &inputs, &target)?,
    };
    let inputs = recipe::place(&mut recipe, inputs, args.any_files)?;
    take_directions(&mut recipe, &args.base, &inputs);
    let fine = recipe.mix.iter().any(|entry| entry.blocks.is_some() || !entry.rules.is_empty());
    let report = execute(recipe, inputs, model, &target, args.gpu)?;
    if let Some(path) = &args.report {
        let text = serde_json::to_string_pretty(&report).unwrap_or_default();
        write_text(path, &text).map_err(|e| vec![e])?;
    }
    show::summary(&report);
    if fine {
        blocks::table(&report);
    }
    Ok(())
}

/// A merge of one adapter with every rank slot kept as it is.
pub(crate) fn convert(args: &Convert) -> Result<(), Vec<Error>> {
    let input = inputs::open(&args.input).map_err(|e| vec![e])?;
    let model = base::open(args.base.model.as_deref()).map_err(|e| vec![e])?;
    let target = Target::of(&args.output);
    let mut recipe = Recipe {
        method: MethodRef { id: "concat".into(), params: Map::new() },
        output: output(args.keys, args.dtype, Rank::Exact, &input.adapter, &target).map_err(|e| vec![e])?,
        ..Recipe::blank(1)
    };
    if let Some(part) = &args.part {
        recipe.mix[0].rules = only(part, &input.adapter).map_err(|e| vec![e])?;
    }
    let inputs = recipe::place(&mut recipe, vec![input], false)?;
    take_directions(&mut recipe, &args.base, &inputs);
    let report = execute(recipe, inputs, model, &target, GpuArg::Off)?;
    show::summary(&report);
    Ok(())
}

/// The rules that leave one part of the model.
fn only(part: &str, adapter: &Adapter) -> Result<Vec<Rule>, Error> {
    let mut parts: Vec<String> = adapter.modules.iter().map(|m| m.key.component.to_string()).collect();
    parts.sort();
    parts.dedup();
    if !parts.iter().any(|own| own == part) {
        return Err(Error::new(Kind::Parameter, "The adapter has no such part")
            .file(&adapter.label)
            .expected(format!("one of {}", parts.join(", ")))
            .found(part)
            .hint("rankweave inspect shows which modules a file has."));
    }
    Ok(vec![
        Rule { pattern: "*".into(), weight: None, drop: true },
        Rule { pattern: format!("{part}.*"), weight: Some(1.0), drop: false },
    ])
}

/// The recipe that the flags say.
fn from_flags(args: &Merge, inputs: &[Input], target: &Target) -> Result<Recipe, Vec<Error>> {
    let mut recipe = Recipe::blank(inputs.len());
    let one = |e: Error| vec![e];
    let weights = per_input(args.weights.as_deref(), inputs.len(), "--weights").map_err(one)?;
    let te_weights = per_input(args.te_weights.as_deref(), inputs.len(), "--te-weights").map_err(one)?;
    for (i, entry) in recipe.mix.iter_mut().enumerate() {
        entry.weight = weights.map_or(1.0, |w| w[i]);
        entry.te = te_weights.map(|w| w[i]);
    }
    blocks::fill(args, &mut recipe.mix, inputs)?;
    let params = args.params.iter().map(|(name, value)| (name.clone(), Value::String(value.clone())));
    recipe.method = MethodRef { id: args.method.clone(), params: params.collect() };
    recipe.seed = args.seed;
    let rank = Rank::parse(&args.rank).map_err(one)?;
    recipe.output = output(args.keys, args.dtype, rank, &inputs[0].adapter, target).map_err(one)?;
    recipe.output.metadata = (args.metadata != MetadataMode::default().id()).then(|| args.metadata.clone());
    Ok(recipe)
}

/// Says in the recipe which inputs are taken for their direction alone, where that is asked for.
pub(crate) fn take_directions(recipe: &mut Recipe, based: &Based, inputs: &[Input]) {
    let dora = |input: &Input| input.adapter.modules.iter().any(|module| module.kind == KindId::Dora);
    for (source, _) in recipe.sources.iter_mut().zip(inputs).filter(|(_, i)| based.dora.is_some() && dora(i)) {
        source.dora = Some(DIRECTION.to_owned());
    }
}

pub(crate) fn per_input<'a>(given: Option<&'a [f64]>, count: usize, flag: &str) -> Result<Option<&'a [f64]>, Error> {
    match given {
        Some(values) if values.len() != count => Err(Error::new(Kind::Parameter, format!("{flag} does not fit"))
            .expected(format!("{count} numbers, one per input"))
            .found(values.len().to_string())
            .hint("Separate the numbers by commas, in the order of the inputs.")),
        _ => Ok(given),
    }
}

fn output(
    keys: KeysArg,
    dtype: Option<DtypeArg>,
    rank: Rank,
    first: &Adapter,
    target: &Target,
) -> Result<Output, Error> {
    let keys = match (keys, target) {
        (KeysArg::Same | KeysArg::Peft, Target::Folder(_)) => Some("peft"),
        (_, Target::Folder(path)) => {
            return Err(Error::new(Kind::Parameter, "Only PEFT adapters are folders")
                .file(path.display().to_string())
                .hint("Give the output a name that ends in .safetensors, or use --keys peft."));
        }
        (keys, Target::File(_)) => keys.id(),
    };
    let dtype = dtype.map_or_else(|| Output::dtype_of(first), DtypeArg::id);
    // A folder has a configuration beside the file, which can hold alphas.
    let alpha = matches!(target, Target::Folder(_)).then(|| "keep-first".to_owned());
    let keys = keys.map(Into::into);
    Ok(Output { rank, dtype: dtype.into(), keys, alpha, metadata: None, title: None, other: Map::new() })
}

/// Runs a recipe and writes the target.
fn execute(
    recipe: Recipe,
    inputs: Vec<Input>,
    model: Option<Model>,
    target: &Target,
    gpu: GpuArg,
) -> Result<Report, Vec<Error>> {
    let (adapters, sources): (Vec<_>, Vec<_>) = inputs.into_iter().map(|i| (i.adapter, i.source)).unzip();
    let prepared = Prepared::with_base(recipe, adapters, model.as_ref().map(|model| &model.base))?;
    let files = sources.iter().chain(model.iter().flat_map(|model| &model.sources));
    let sources: Vec<&(dyn Source + Sync)> = files.map(|s| s as _).collect();
    let finished = write(&prepared, &sources, target, gpu).map_err(|e| vec![e])?;
    Ok(finished.report)
}

fn write(
    prepared: &Prepared,
    sources: &[&(dyn Source + Sync)],
    target: &Target,
    gpu: GpuArg,
) -> Result<Finished, Error> {
    let mut pool = Pool { prepared, sources, cancelled: cancel::flag(), gpu: gpu::open(gpu, prepared)? };
    let bar = progress::bar(prepared.estimate().modules * (prepared.rounds() + 1));
    let facts = pool.survey(|modules| bar.inc(modules as u64))?;
    let mut draft = Draft::new(&target.tensors(), prepared.room())?;
    let mut assembler = Assembler::new(prepared);
    pool.run(&facts, |output| {
        assembler.data(&output.bytes);
        assembler.end_task(output.task, &output.modules)?;
        draft.write(&output.bytes)?;
        bar.inc(output.modules.len() as u64);
        Ok(())
    })?;
    bar.finish_and_clear();
    let finished = assembler.finish(&facts)?;
    if let (Target::Folder(folder), Some(config)) = (target, &finished.adapter_config) {
        write_text(&folder.join("adapter_config.json"), config)?;
    }
    draft.finish(&finished.header)?;
    Ok(finished)
}
