//! What the user chose, as a recipe.

use crate::protocol::{self, Settings, Value};
use rankweave_adapter::{Adapter, Error, MetadataMode};
use rankweave_recipe::{Blocks, DIRECTION, Expect, MethodRef, Output, Rank, Recipe, Rule};
use serde_json::Value as Json;

/// The recipe of `settings` over `adapters`, both in the user's order.
///
/// # Errors
/// As [`read`], where the settings are a recipe's text.
pub fn recipe(settings: &Settings, adapters: &[&Adapter]) -> Result<Recipe, Vec<Error>> {
    settings.recipe.as_deref().map_or_else(|| Ok(chosen(settings, adapters)), read)
}

/// A recipe in any of its forms.
///
/// # Errors
/// All reasons why it cannot be read.
pub fn read(text: &str) -> Result<Recipe, Vec<Error>> {
    rankweave_recipe::forms::read(text).map(|read| read.recipe)
}

fn chosen(settings: &Settings, adapters: &[&Adapter]) -> Recipe {
    let mut recipe = Recipe::blank(adapters.len());
    for ((entry, mix), adapter) in recipe.mix.iter_mut().zip(&settings.mix).zip(adapters) {
        entry.weight = mix.weight;
        entry.te = mix.te;
        entry.blocks = Blocks::of(&adapter.family.id, &mix.blocks);
        let rule = |rule: &protocol::Rule| Rule {
            pattern: rule.pattern.clone(),
            weight: rule.weight,
            drop: rule.weight.is_none(),
        };
        entry.rules = mix.rules.iter().map(rule).collect();
    }
    for (source, _) in recipe.sources.iter_mut().zip(&settings.mix).filter(|(_, mix)| mix.direction) {
        source.dora = Some(DIRECTION.to_owned());
    }
    for (source, mix) in recipe.sources.iter_mut().zip(&settings.mix) {
        source.data = mix.data.as_ref().map(|hash| format!("sha256:{hash}"));
    }
    let params = settings.params.iter().map(|(name, value)| (name.clone(), json(value)));
    recipe.method = MethodRef { id: settings.method.clone(), params: params.collect() };
    recipe.seed = settings.seed;
    recipe.output = Output {
        rank: rank(settings.rank),
        dtype: match (settings.dtype.as_str(), adapters.first()) {
            ("same", Some(first)) => Output::dtype_of(first).to_owned(),
            (named, _) => named.to_owned(),
        },
        keys: (settings.keys != "same").then(|| settings.keys.clone()),
        metadata: (settings.metadata != MetadataMode::default().id()).then(|| settings.metadata.clone()),
        title: settings.title.clone(),
        ..recipe.output
    };
    let expected = settings.expected.as_ref().filter(|(id, _)| *id == recipe.id());
    let expect = |(_, hash): &(String, String)| Expect { data: Some(format!("sha256:{hash}")), ..Expect::default() };
    recipe.expect = expected.map(expect);
    recipe
}

fn rank(rank: protocol::Rank) -> Rank {
    match rank {
        protocol::Rank::Exact => Rank::Exact,
        protocol::Rank::Dense => Rank::Dense,
        protocol::Rank::Fixed { value } => Rank::Fixed { value: value as usize },
        protocol::Rank::Energy { value, max } => Rank::Energy { value, max: max.map(|max| max as usize) },
    }
}

fn json(value: &Value) -> Json {
    match value {
        Value::Flag(on) => Json::from(*on),
        Value::Number(number) => Json::from(*number),
        Value::Choice(text) | Value::Text(text) => Json::from(text.as_str()),
    }
}
