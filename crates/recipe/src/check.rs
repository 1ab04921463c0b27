//! Everything that is wrong with a recipe, told at once. The key of an error is a JSON pointer (RFC 6901).

use crate::blocks::Rule;
use crate::forms::waiting;
use crate::pointer::pointer;
use crate::recipe::{Output, Rank, Recipe};
use crate::sources;
use rankweave_adapter::{Error, Kind, MetadataMode};
use rankweave_merge::{Params, find, registry};

/// Most adapters in one merge.
const MOST_SOURCES: usize = 32;
/// Most characters of texts for people.
const LONGEST_NAME: usize = 120;
const LONGEST_NOTE: usize = 2000;
const LONGEST_TITLE: usize = 200;
/// Largest weight by size.
pub(crate) const LARGEST_WEIGHT: f64 = 10.0;
/// Highest rank that can be asked for.
const HIGHEST_RANK: usize = 4096;

/// Parts of a recipe that the schema knows and this version cannot do: refused, as
/// leaving them out would change the result.
const LATER: [(&str, &str); 2] = [("params", "parameters per adapter"), ("overrides", "methods per module")];

impl Recipe {
    /// All that is wrong with its values; nothing is read. What only the adapters can show is told by
    /// [`crate::Prepared::new`].
    pub fn problems(&self) -> Vec<Error> {
        problems(self, None)
    }
}

/// All problems of `recipe`, given that `adapters` files were opened for it.
pub(crate) fn problems(recipe: &Recipe, adapters: Option<usize>) -> Vec<Error> {
    let mut found = Vec::new();
    if recipe.recipe != 1 {
        found.push(
            parameter("The recipe is of another version")
                .key("/recipe")
                .expected("recipe 1")
                .found(format!("recipe {}", recipe.recipe))
                .hint("Update Rankweave to use it."),
        );
    }
    texts(recipe, &mut found);
    count(recipe, adapters, &mut found);
    sources::problems(recipe, &mut found);
    mix(recipe, adapters, &mut found);
    method(recipe, &mut found);
    output(recipe, &mut found);
    if recipe.other.contains_key("overrides") {
        found.push(later("/overrides"));
    }
    found
}

pub(crate) fn parameter(what: impl Into<String>) -> Error {
    Error::new(Kind::Parameter, what)
}

fn later(pointer: &str) -> Error {
    let what = LATER.iter().find(|(key, _)| pointer.ends_with(key)).map_or(pointer, |(_, what)| what);
    Error::new(Kind::Unsupported, format!("The recipe asks for {what}, which this version cannot do"))
        .key(pointer)
        .hint("Remove it from the recipe, or update Rankweave.")
}

/// Texts for people have a length.
fn texts(recipe: &Recipe, found: &mut Vec<Error>) {
    let texts = [
        ("/name", &recipe.name, LONGEST_NAME),
        ("/note", &recipe.note, LONGEST_NOTE),
        ("/output/title", &recipe.output.title, LONGEST_TITLE),
    ];
    for (key, text, most) in texts {
        let length = text.as_ref().map_or(0, |text| text.chars().count());
        if length > most {
            let error = parameter("A text of the recipe is too long").key(key).found(length.to_string());
            found.push(error.expected(format!("at most {most} characters")));
        }
    }
}

fn count(recipe: &Recipe, adapters: Option<usize>, found: &mut Vec<Error>) {
    let count = recipe.sources.len();
    if count == 0 || count > MOST_SOURCES {
        found.push(
            parameter("The recipe names too few or too many adapters")
                .key("/sources")
                .expected(format!("1 to {MOST_SOURCES}"))
                .found(count.to_string()),
        );
    }
    if let Some(adapters) = adapters.filter(|adapters| *adapters != count) {
        found.push(
            parameter("The recipe and the files given do not go together")
                .key("/sources")
                .expected(format!("{count} adapters"))
                .found(format!("{adapters} files"))
                .hint("Give one file per source of the recipe."),
        );
    }
}

fn mix(recipe: &Recipe, adapters: Option<usize>, found: &mut Vec<Error>) {
    if recipe.mix.is_empty() {
        found.push(parameter("The recipe mixes nothing").key("/mix").hint("Name at least one source in mix."));
    }
    for (i, entry) in recipe.mix.iter().enumerate() {
        if !recipe.sources.iter().any(|s| s.id == entry.src) {
            let error = parameter("The mix names a source that does not exist").key(format!("/mix/{i}/src"));
            found.push(error.found(&entry.src));
        }
        if recipe.mix[..i].iter().any(|e| e.src == entry.src) {
            found.push(parameter("The mix names a source twice").key(format!("/mix/{i}/src")).found(&entry.src));
        }
        for (key, weight) in [("weight", Some(entry.weight)), ("te", entry.te)] {
            let Some(weight) = weight else { continue };
            if !weight.is_finite() || weight.abs() > LARGEST_WEIGHT {
                found.push(
                    parameter(format!("The weight of {} is out of range", entry.src))
                        .key(format!("/mix/{i}/{key}"))
                        .expected(format!("-{LARGEST_WEIGHT} to {LARGEST_WEIGHT}"))
                        .found(weight.to_string()),
                );
            }
        }
        if let Some(blocks) = &entry.blocks {
            found.extend(blocks.problems(i));
        }
        found.extend(Rule::problems(&entry.rules, i));
        if adapters.is_some() {
            found.extend(waiting(entry, i));
        }
        if entry.other.contains_key("params") {
            found.push(later(&format!("/mix/{i}/params")));
        }
    }
}

fn method(recipe: &Recipe, found: &mut Vec<Error>) {
    match find(&recipe.method.id) {
        Some(method) => {
            if let Err(problems) = Params::check(method.spec(), &recipe.method.params) {
                found.extend(problems.into_iter().map(|mut error| {
                    let name = error.place.key.as_deref().unwrap_or_default();
                    error.place.key = Some(pointer(&["method", "params", name]));
                    error
                }));
            }
        }
        None => {
            let ids: Vec<_> = registry().iter().map(|m| m.spec().id).collect();
            found.push(
                parameter("There is no method of this name")
                    .key("/method/id")
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
                .key("/output/dtype")
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
                .key("/output/rank")
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
                    .key("/output/keys")
                    .expected("same:<source id>, peft, kohya, diffusers or comfy")
                    .found(keys),
            );
        }
    }
    if output.metadata_mode().is_none() {
        let modes = MetadataMode::ALL.map(MetadataMode::id).join(", ");
        found.push(
            parameter("The output's metadata mode is not valid")
                .key("/output/metadata")
                .expected(format!("one of {modes}"))
                .found(output.metadata.as_deref().unwrap_or_default()),
        );
    }
    if output.alpha.as_deref().is_some_and(|alpha| !["rank", "keep-first"].contains(&alpha)) {
        found.push(later("/output/alpha"));
    }
}
