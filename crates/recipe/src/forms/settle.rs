//! Block weights that were typed before anyone knew which model they are for.
//!
//! `<lora:ink:0.7:lbw=OUTALL>` names no model family, and `OUTALL` is other blocks in each. The text waits in the mix entry
//! under `lbw` until the adapters are open.

use crate::blocks::Blocks;
use crate::recipe::{MixEntry, Recipe};
use rankweave_adapter::layout::{block_weights, blocks, families};
use rankweave_adapter::{Error, Kind};
use serde_json::Value;

/// The key of a mix entry under which typed block weights wait for their model family.
pub const WAITING: &str = "lbw";

/// Gives typed block weights that wait for their model family (`mix[].lbw`) that of their adapters: `families`, by id, in the
/// order of the sources.
///
/// # Errors
/// As [`block_weights`], one for each adapter whose family does not have such blocks.
pub fn settle(recipe: &mut Recipe, families: &[&str]) -> Result<(), Vec<Error>> {
    let mut found = Vec::new();
    for (i, entry) in recipe.mix.iter_mut().enumerate() {
        let Some(Value::String(text)) = entry.other.get(WAITING) else { continue };
        let place = recipe.sources.iter().position(|source| source.id == entry.src);
        let Some(family) = place.and_then(|place| families.get(place)) else { continue };
        match block_weights(family, text) {
            Ok(values) => {
                entry.blocks = Blocks::of(family, &values);
                entry.other.remove(WAITING);
            }
            Err(mut error) => {
                error.place.key = Some(format!("/mix/{i}/{WAITING}"));
                found.push(error);
            }
        }
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// Block weights of an entry that wait for their model family, as they were typed.
pub fn typed(entry: &MixEntry) -> Option<&str> {
    entry.other.get(WAITING)?.as_str()
}

/// What is wrong with an entry whose block weights still wait when it is to be merged.
pub(crate) fn waiting(entry: &MixEntry, i: usize) -> Option<Error> {
    let text = entry.other.get(WAITING)?;
    let error = Error::new(Kind::Parameter, format!("The block weights of {} are of no model family yet", entry.src));
    let error = error.key(format!("/mix/{i}/{WAITING}")).found(text.to_string());
    Some(error.hint("Say it in blocks: {\"scheme\": \"sdxl\", \"preset\": \"OUTALL\"}."))
}

/// The only family that has such block weights, if there is just one, with what they are there.
pub(super) fn only_family(text: &str) -> Option<Option<Blocks>> {
    let cut = families().map(|(id, _)| id).filter(|id| !blocks(id).is_empty());
    let mut fitting = cut.filter_map(|id| Some((id, block_weights(id, text).ok()?)));
    let (family, values) = fitting.next()?;
    fitting.next().is_none().then(|| Blocks::of(family, &values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_block_weights_become_those_of_the_family() {
        let mut recipe = Recipe::blank(2);
        recipe.mix[1].other.insert(WAITING.into(), "OUTALL".into());
        recipe.mix.reverse();
        let wrong = settle(&mut recipe.clone(), &["sdxl", "unknown"]).unwrap_err();
        assert_eq!(wrong[0].place.key.as_deref(), Some("/mix/0/lbw"));
        assert!(waiting(&recipe.mix[0], 0).is_some());
        settle(&mut recipe, &["unknown", "sdxl"]).unwrap();
        let blocks = recipe.mix[0].blocks.clone().unwrap();
        assert_eq!((blocks.scheme.as_str(), blocks.preset.as_deref()), ("sdxl", Some("OUTALL")));
        assert!(recipe.mix[0].other.is_empty() && waiting(&recipe.mix[0], 0).is_none());
    }

    #[test]
    fn a_list_that_one_family_has_names_it() {
        for (family, _) in families() {
            for count in rankweave_adapter::layout::block_list_lengths(family) {
                let text = vec!["0.5"; count].join(",");
                let others = families().filter(|(id, _)| block_weights(id, &text).is_ok()).count();
                let told = only_family(&text);
                assert_eq!(told.is_some(), others == 1, "{family} {count}");
                if let Some(Some(blocks)) = told {
                    assert_eq!(blocks.scheme, family);
                }
            }
        }
        assert_eq!(only_family("ALL"), None);
        assert_eq!(only_family("nonsense"), None);
    }
}
