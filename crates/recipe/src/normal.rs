//! What a recipe means, without what makes no difference, and its name.
//!
//! | left out | because |
//! |---|---|
//! | weight 1, `te` equal to the weight, block weights that are all 1 | they are what is meant without them |
//! | parameters at their defaults; seed 0 | likewise |
//! | `keys` as the first source, metadata `minimal`, alpha `rank` | likewise |
//!
//! The id also leaves out what is for people and what says where things are: name, note, labels, sizes, places, licences,
//! titles, the engine, the base model's name, and what is expected.

use crate::blocks::Blocks;
use crate::canonical::canonical;
use crate::recipe::{MixEntry, Recipe, SourceRef};
use data_encoding::{Encoding, Specification};
use rankweave_adapter::MetadataMode;
use rankweave_merge::{Params, find};
use serde_json::Map;
use sha2::{Digest, Sha256};

/// Characters of an id: 60 bits.
const ID_LENGTH: usize = 12;

impl Recipe {
    /// The same recipe in its shortest words. What is wrong in it stays as it is.
    #[must_use]
    pub fn normal(&self) -> Recipe {
        let mut recipe = self.clone();
        recipe.mix.iter_mut().for_each(shorten);
        if let Some(method) = find(&recipe.method.id)
            && let Ok(params) = Params::check(method.spec(), &recipe.method.params)
        {
            recipe.method.params = params.chosen(method.spec());
        }
        recipe.seed = recipe.seed.filter(|seed| *seed != 0);
        let output = &mut recipe.output;
        let first = recipe.mix.first().map(|entry| format!("same:{}", entry.src));
        output.keys = output.keys.take().filter(|keys| Some(keys) != first.as_ref());
        output.metadata = output.metadata.take().filter(|mode| mode != MetadataMode::default().id());
        output.alpha = output.alpha.take().filter(|alpha| alpha != "rank");
        recipe
    }

    /// A short name for what is merged and how: 12 letters and digits (base32) of a SHA-256. The same for all recipes that
    /// mean the same.
    pub fn id(&self) -> String {
        let mut recipe = self.normal();
        (recipe.name, recipe.note, recipe.engine, recipe.base, recipe.expect) = (None, None, None, None, None);
        recipe.output.title = None;
        for source in &mut recipe.sources {
            *source = SourceRef {
                id: source.id.clone(),
                data: source.data.clone(),
                file: source.file.clone().filter(|_| source.data.is_none()),
                dora: source.dora.clone(),
                other: Map::new(),
                ..SourceRef::default()
            };
        }
        let digest = Sha256::digest(canonical(&recipe));
        let mut text = base32().map(|base32| base32.encode(&digest)).unwrap_or_default();
        text.truncate(ID_LENGTH);
        text
    }
}

/// RFC 4648's alphabet in small letters.
fn base32() -> Option<Encoding> {
    let mut specification = Specification::new();
    specification.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
    specification.encoding().ok()
}

fn shorten(entry: &mut MixEntry) {
    entry.te = entry.te.filter(|te| *te != entry.weight);
    if let Some(blocks) = &entry.blocks
        && let Ok(values) = blocks.resolve()
    {
        entry.blocks = Blocks::of(&blocks.scheme, &values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(text: &str) -> Recipe {
        Recipe::from_json(text).unwrap()
    }

    const LONG: &str = r#"{"recipe":1,"name":"x","engine":{"name":"Rankweave","version":"9"},
        "sources":[{"id":"a","label":"a.safetensors","size":5,"at":["hf:u/r@0/f"]},{"id":"b"}],
        "mix":[{"src":"a","weight":1.0,"te":1},{"src":"b","weight":0.5,"te":0,"blocks":{"scheme":"sd15","preset":"ALL"}}],
        "method":{"id":"ties","params":{"density":"0.2","variant":"paper","lambda":1}},"seed":0,
        "output":{"rank":{"mode":"fixed","value":16},"dtype":"f16","keys":"same:a","metadata":"minimal","alpha":"rank"},
        "expect":{"backend":"cpu"}}"#;
    const SHORT: &str = r#"{"recipe":1,"sources":[{"id":"a"},{"id":"b"}],
        "mix":[{"src":"a"},{"src":"b","weight":0.5,"te":0}],"method":{"id":"ties"},
        "output":{"rank":{"mode":"fixed","value":16},"dtype":"f16"}}"#;

    #[test]
    fn what_makes_no_difference_is_left_out() {
        let normal = recipe(LONG).normal();
        let expected = recipe(SHORT);
        assert_eq!((&normal.mix, &normal.output, normal.seed), (&expected.mix, &expected.output, None));
        assert_eq!(canonical(&normal.normal()), canonical(&normal));
        assert_eq!(normal.name.as_deref(), Some("x"));
    }

    #[test]
    fn an_id_tells_meanings_apart_and_nothing_else() {
        let id = recipe(LONG).id();
        assert!(id.len() == ID_LENGTH && id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()), "{id}");
        assert_eq!(recipe(&LONG.replace("\"x\"", "\"y\"").replace("hf:u", "hf:v")).id(), id);
        assert_ne!(recipe(&LONG.replace("\"0.2\"", "\"0.3\"")).id(), id);
        assert_ne!(recipe(&LONG.replace("\"te\":0", "\"te\":0.1")).id(), id);
        assert_ne!(recipe(&LONG.replace("\"seed\":0", "\"seed\":1")).id(), id);
    }
}
