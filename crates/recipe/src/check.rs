//! Everything that is wrong with a recipe, told at once.

use crate::base::DIRECTION;
use crate::blocks::Rule;
use crate::recipe::{Output, Rank, Recipe};
use rankweave_adapter::{Error, Kind, MetadataMode};
use rankweave_merge::{Params, find, registry};

/// Most adapters in one merge.
const MOST_SOURCES: usize = 32;
/// Largest weight by size.
pub(crate) const LARGEST_WEIGHT: f64 = 10.0;
/// Highest rank that can be asked for.
const HIGHEST_RANK: usize = 4096;

/// Parts of a recipe that the schema knows and this version cannot do: refused, as
/// leaving them out would change the result.
const LATER: [(&str, &str); 2] = [("params", "parameters per adapter"), ("overrides", "methods per module")];

/// All problems of `recipe`, given that `adapters` files were opened for it.
pub(crate) fn problems(recipe: &Recipe, adapters: usize) -> Vec<Error> {
    let mut found = Vec::new();
    if recipe.recipe != 1 {
        found.push(
            parameter("The recipe is of another version")
                .expected("recipe 1")
                .found(format!("recipe {}", recipe.recipe))
                .hint("Update Rankweave to use it."),
        );
    }
    sources(recipe, adapters, &mut found);
    mix(recipe, &mut found);
    method(recipe, &mut found);
    output(recipe, &mut found);
    if recipe.other.contains_key("overrides") {
        found.push(later("overrides"));
    }
    found
}

pub(crate) fn parameter(what: impl Into<String>) -> Error {
    Error::new(Kind::Parameter, what)
}

fn later(key: &str) -> Error {
    let what = LATER.iter().find(|(k, _)| *k == key).map_or(key, |(_, what)| what);
    Error::new(Kind::Unsupported, format!("The recipe asks for {what}, which this version cannot do"))
        .key(key)
        .hint("Remove it from the recipe, or update Rankweave.")
}

fn sources(recipe: &Recipe, adapters: usize, found: &mut Vec<Error>) {
    let count = recipe.sources.len();
    if count == 0 || count > MOST_SOURCES {
        found.push(
            parameter("The recipe names too few or too many adapters")
                .expected(format!("1 to {MOST_SOURCES}"))
                .found(count.to_string()),
        );
    }
    if count != adapters {
        found.push(
            parameter("The recipe and the files given do not go together")
                .expected(format!("{count} adapters"))
                .found(format!("{adapters} files"))
                .hint("Give one file per source of the recipe, in its order."),
        );
    }
    for (i, source) in recipe.sources.iter().enumerate() {
        let mut letters = source.id.chars();
        let well_formed = letters.next().is_some_and(|c| c.is_ascii_lowercase())
            && source.id.len() <= 16
            && letters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !well_formed {
            found.push(
                parameter("A source's id is not valid")
                    .key("sources")
                    .expected("a lower-case letter, then up to 15 letters, digits or _")
                    .found(&source.id),
            );
        }
        if let Some(other) = source.dora.as_deref().filter(|dora| *dora != DIRECTION) {
            let error = parameter("How DoRA modules are to be taken is not valid").key("dora").found(other);
            found.push(error.expected(format!("{DIRECTION}, or nothing")));
        }
        if recipe.sources[..i].iter().any(|s| s.id == source.id) {
            found.push(parameter("Two sources have the same id").key("sources").found(&source.id));
        }
    }
}

fn mix(recipe: &Recipe, found: &mut Vec<Error>) {
    if recipe.mix.is_empty() {
        found.push(parameter("The recipe mixes nothing").key("mix").hint("Name at least one source in mix."));
    }
    for (i, entry) in recipe.mix.iter().enumerate() {
        if !recipe.sources.iter().any(|s| s.id == entry.src) {
            found.push(parameter("The mix names a source that does not exist").key("mix").found(&entry.src));
        }
        if recipe.mix[..i].iter().any(|e| e.src == entry.src) {
            found.push(parameter("The mix names a source twice").key("mix").found(&entry.src));
        }
        for weight in [Some(entry.weight), entry.te].into_iter().flatten() {
            if !weight.is_finite() || weight.abs() > LARGEST_WEIGHT {
                found.push(
                    parameter(format!("The weight of {} is out of range", entry.src))
                        .key("mix")
                        .expected(format!("-{LARGEST_WEIGHT} to {LARGEST_WEIGHT}"))
                        .found(weight.to_string()),
                );
            }
        }
        if let Some(blocks) = &entry.blocks {
            found.extend(blocks.problems(&entry.src));
        }
        found.extend(Rule::problems(&entry.rules, &entry.src));
        if entry.other.contains_key("params") {
            found.push(later("params"));
        }
    }
}

fn method(recipe: &Recipe, found: &mut Vec<Error>) {
    match find(&recipe.method.id) {
        Some(method) => {
            if let Err(problems) = Params::check(method.spec(), &recipe.method.params) {
                found.extend(problems);
            }
        }
        None => {
            let ids: Vec<_> = registry().iter().map(|m| m.spec().id).collect();
            found.push(
                parameter("There is no method of this name")
                    .key("method")
                    .expected(format!("one of {}", ids.join(", ")))
                    .found(&recipe.method.id),
            );
        }
    }
}

fn output(recipe: &Recipe, found: &mut Vec<Error>) {
    let output = &recipe.output;
    if output.dtype().is_none() {
        found.push(
            parameter("The output type is not valid")
                .key("dtype")
                .expected(Output::DTYPES.map(|(id, _)| id).join(", "))
                .found(&output.dtype),
        );
    }
    let ranks = 1..=HIGHEST_RANK;
    let rank_fits = match output.rank {
        Rank::Exact | Rank::Dense => true,
        Rank::Fixed { value } => ranks.contains(&value),
        Rank::Energy { value, max } => value > 0.0 && value <= 1.0 && max.is_none_or(|m| ranks.contains(&m)),
    };
    if !rank_fits {
        found.push(
            parameter("The rank is out of range")
                .key("rank")
                .expected(format!("exact, dense, 1 to {HIGHEST_RANK}, or an energy share above 0 and up to 1"))
                .found(serde_json::to_string(&output.rank).unwrap_or_default()),
        );
    }
    if let Some(keys) = &output.keys {
        let same = keys.strip_prefix("same:");
        let known = match same {
            Some(id) => recipe.sources.iter().any(|s| s.id == id),
            None => output.dialect().is_some(),
        };
        if !known {
            found.push(
                parameter("The output spelling is not valid")
                    .key("keys")
                    .expected("same:<source id>, peft, kohya, diffusers or comfy")
                    .found(keys),
            );
        }
    }
    if output.metadata_mode().is_none() {
        let modes = MetadataMode::ALL.map(MetadataMode::id).join(", ");
        found.push(
            parameter("The output's metadata mode is not valid")
                .key("metadata")
                .expected(format!("one of {modes}"))
                .found(output.metadata.as_deref().unwrap_or_default()),
        );
    }
    if output.alpha.as_deref().is_some_and(|alpha| !["rank", "keep-first"].contains(&alpha)) {
        found.push(later("alpha"));
    }
}
