//! Recipes: reading them from wherever they stand, `rankweave recipe`, and which input is which source.

use crate::args::{self, RecipeForm};
use crate::inputs::{self, Input, cannot_read};
use crate::show;
use rankweave_adapter::metadata::RECIPE;
use rankweave_adapter::{Error, Kind, Source, hash};
use rankweave_recipe::forms::{self, Imported};
use rankweave_recipe::{Identity, Recipe, identify, order};
use std::io::Read;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Largest recipe in a file, in bytes.
const LARGEST: u64 = 1 << 20;

pub(crate) fn run(args: &args::Recipe) -> Result<(), Vec<Error>> {
    let recipe = read(&args.recipe)?;
    let problems = recipe.problems();
    if !problems.is_empty() {
        return Err(problems);
    }
    println!(
        "{}",
        match args.form {
            RecipeForm::Json => serde_json::to_string_pretty(&recipe).unwrap_or_default(),
            RecipeForm::Link => recipe.link(),
            RecipeForm::Id => recipe.id(),
            RecipeForm::Yaml => recipe.to_yaml().trim_end().to_owned(),
            RecipeForm::Command => recipe.to_command(),
            RecipeForm::Python => recipe.to_python().trim_end().to_owned(),
            RecipeForm::Prompt => recipe.to_prompt().ok_or_else(|| vec![no_prompt()])?,
        }
    );
    Ok(())
}

fn no_prompt() -> Error {
    let error = Error::new(Kind::Unsupported, "The recipe cannot be said by tags of a prompt");
    error.expected("a plain sum").hint("Merge it, and load the merged file: <lora:merged:1>.")
}

/// Reads a recipe in any form: from a file, from a merged file's metadata, or as it stands. Prints what was left out.
pub(crate) fn read(given: &str) -> Result<Recipe, Vec<Error>> {
    let Imported { recipe, warnings } = imported(given)?;
    warnings.iter().for_each(show::warning);
    Ok(recipe)
}

fn imported(given: &str) -> Result<Imported, Vec<Error>> {
    let path = Path::new(given);
    if !path.exists() && (Recipe::is_link(given) || given.contains('<')) {
        return forms::read(given);
    }
    let one = |error: Error| vec![error];
    if path.is_dir() || path.extension().is_some_and(|x| x == "safetensors") {
        let (_, label, header) = inputs::open_file(path).map_err(one)?;
        let text = header.metadata.get(RECIPE).ok_or_else(|| {
            let error = Error::new(Kind::Parameter, "The file tells no recipe").file(&label).key(RECIPE);
            one(error.hint("Only files that Rankweave merged tell how they were made."))
        })?;
        return Recipe::parse(text).map(Imported::from).map_err(|errors| in_file(errors, &label));
    }
    let text = text(path).map_err(one)?;
    forms::read(&text).map_err(|errors| in_file(errors, given))
}

fn text(path: &Path) -> Result<String, Error> {
    let failed = |e| cannot_read(path, &e);
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut text = String::new();
    file.take(LARGEST + 1).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

fn in_file(errors: Vec<Error>, file: &str) -> Vec<Error> {
    errors.into_iter().map(|error| error.file(file)).collect()
}

/// Puts the inputs in the order of the recipe's sources, by what they hold, and says in it what they are.
pub(crate) fn place(recipe: &mut Recipe, inputs: Vec<Input>, any: bool) -> Result<Vec<Input>, Vec<Error>> {
    let whole = recipe.sources.iter().any(|source| source.file.is_some());
    let files = identities(&inputs, whole).map_err(|e| vec![e])?;
    // With another number of files the check of the recipe has more to say.
    if recipe.sources.len() != files.len() {
        return Ok(inputs);
    }
    let order = order(recipe, &files, any)?;
    let sorted: Vec<Identity> = order.iter().map(|i| files[*i].clone()).collect();
    identify(recipe, &sorted);
    let mut slots: Vec<Option<Input>> = inputs.into_iter().map(Some).collect();
    let inputs: Vec<Input> = order.into_iter().filter_map(|i| slots[i].take()).collect();
    let families = inputs.iter().map(|input| input.adapter.family.id.as_str());
    forms::settle(recipe, &families.collect::<Vec<_>>())?;
    Ok(inputs)
}

/// What the inputs hold, with their files' hashes where `whole`: one thread for each core.
fn identities(inputs: &[Input], whole: bool) -> Result<Vec<Identity>, Error> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(vec![Identity::default(); inputs.len()]);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(inputs.len());
    let work = || -> Result<(), Error> {
        while let Some((i, input)) = inputs.iter().enumerate().nth(next.fetch_add(1, Ordering::Relaxed)) {
            let identity = identity(input, whole)?;
            if let Ok(mut found) = found.lock() {
                found[i] = identity;
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let stopped = |_| Err(Error::new(Kind::Io, "A thread that hashed an input stopped"));
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(stopped))
    })?;
    Ok(found.into_inner().unwrap_or_default())
}

fn identity(input: &Input, whole: bool) -> Result<Identity, Error> {
    let Input { adapter, source } = input;
    let sha256 = |start| hash::sha256(source, start, |_| Ok(())).map_err(|e| e.file(&adapter.label));
    Ok(Identity {
        label: adapter.label.clone(),
        size: source.len(),
        data: Some(sha256(adapter.header.data_start)?),
        file: if whole { Some(sha256(0)?) } else { None },
    })
}
