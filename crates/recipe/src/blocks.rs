//! Weights finer than one per adapter: factors by block, and rules by module name.
//!
//! ```json
//! {"src": "a", "weight": 0.8,
//!  "blocks": {"scheme": "sdxl", "preset": "OUTALL"},
//!  "rules": [{"match": "*attn2*", "weight": 0.5}, {"match": "*ff*", "drop": true}]}
//! ```
//!
//! | field | means |
//! |---|---|
//! | `blocks.scheme` | the model family whose blocks these are, by id |
//! | `blocks.preset` | a setting of all its blocks, by name |
//! | `blocks.values` | instead: one number per block, or as many as a list has that people type for the family |
//! | `rules[].match` | a pattern for the module's name, see [`Glob`] |
//! | `rules[].weight` | the factor of the modules it fits |
//! | `rules[].drop` | instead: these modules are taken out of the adapter |
//!
//! A module's ΔW is multiplied by weight × block × rule. Of several rules that fit, the last one decides.

use crate::check::{LARGEST_WEIGHT, parameter};
use crate::recipe::{MixEntry, Recipe};
use rankweave_adapter::layout::{self, block_list_lengths, block_of, block_presets, block_weights};
use rankweave_adapter::{Adapter, Error, Kind};
use rankweave_merge::{BlockWeights, Glob, Rule as MergeRule, Weight};
use serde::{Deserialize, Serialize};

/// Most rules of an adapter.
const MOST_RULES: usize = 64;

/// Factors by block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Blocks {
    /// Id of the model family.
    pub scheme: String,
    /// Name of a preset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// The factors themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<f64>>,
}

/// What is done with the modules that a pattern fits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Which modules.
    #[serde(rename = "match")]
    pub pattern: String,
    /// Their factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// Whether they are taken out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drop: bool,
}

impl Blocks {
    /// Factors for all blocks of `family`, as a recipe says them: by the name of a preset where one has these factors;
    /// `None` where all are 1, which changes nothing.
    pub fn of(family: &str, values: &[f64]) -> Option<Blocks> {
        if values.iter().all(|v| *v == 1.0) {
            return None;
        }
        let is = |name: &&str| block_weights(family, name).is_ok_and(|own| own == values);
        let preset = block_presets(family).into_iter().find(is).map(str::to_owned);
        let values = preset.is_none().then(|| values.to_vec());
        Some(Blocks { scheme: family.to_owned(), preset, values })
    }

    /// What someone typed for an adapter: see [`block_weights`].
    ///
    /// # Errors
    /// As [`block_weights`]; the adapter is named.
    pub fn typed(adapter: &Adapter, text: &str) -> Result<Option<Blocks>, Error> {
        let family = &adapter.family.id;
        let values = block_weights(family, text).map_err(|e| e.file(&adapter.label))?;
        Ok(Blocks::of(family, &values))
    }

    /// The factors of all blocks of the family, in their order.
    ///
    /// # Errors
    /// `Parameter` for families and presets that there are not, lists of a wrong length, and factors out of range.
    pub fn resolve(&self) -> Result<Vec<f64>, Vec<Error>> {
        let one = |e: Error| vec![e];
        let count = layout::blocks(&self.scheme).len();
        if count == 0 {
            let cut = layout::families().map(|(id, _)| id).filter(|id| !layout::blocks(id).is_empty());
            return Err(one(parameter("There is no model family of this name that is cut into blocks")
                .expected(cut.collect::<Vec<_>>().join(", "))
                .found(&self.scheme)));
        }
        match (&self.preset, &self.values) {
            (Some(preset), None) if block_presets(&self.scheme).iter().any(|p| p.eq_ignore_ascii_case(preset)) => {
                block_weights(&self.scheme, preset).map_err(one)
            }
            (Some(preset), None) => Err(one(parameter("This preset of block weights is not known")
                .expected(block_presets(&self.scheme).join(", "))
                .found(preset))),
            (None, Some(values)) => self.listed(values, count),
            _ => Err(one(parameter("Block weights are a preset or a list of values")
                .expected("one of them")
                .found(if self.preset.is_some() { "both" } else { "none of them" }))),
        }
    }

    fn listed(&self, values: &[f64], count: usize) -> Result<Vec<f64>, Vec<Error>> {
        let mut counts = block_list_lengths(&self.scheme);
        if values.len() != count && !counts.contains(&values.len()) {
            counts.push(count);
            counts.sort_unstable();
            let counts: Vec<String> = counts.iter().map(ToString::to_string).collect();
            return Err(vec![
                parameter(format!("A list of block weights for {} has a wrong length", self.scheme))
                    .expected(counts.join(" or "))
                    .found(values.len().to_string())
                    .hint("rankweave inspect --blocks lists the blocks of a file's family."),
            ]);
        }
        let wrong: Vec<Error> = values.iter().filter(|v| v.abs() > LARGEST_WEIGHT).map(|v| out_of_range(*v)).collect();
        if !wrong.is_empty() {
            return Err(wrong);
        }
        if values.len() == count {
            return Ok(values.to_vec());
        }
        let typed: Vec<String> = values.iter().map(ToString::to_string).collect();
        block_weights(&self.scheme, &typed.join(",")).map_err(|e| vec![e])
    }

    /// All that is wrong with the block weights of an entry of the mix.
    pub(crate) fn problems(&self, entry: usize) -> Vec<Error> {
        named(self.resolve().err().unwrap_or_default(), entry, "blocks")
    }
}

impl Rule {
    /// The rule as the engine takes it.
    fn resolve(&self) -> Result<MergeRule, Error> {
        let pattern = Glob::new(&self.pattern)?;
        let factor = match (self.weight, self.drop) {
            (Some(weight), false) if weight.abs() <= LARGEST_WEIGHT => Some(weight),
            (Some(weight), false) => return Err(out_of_range(weight)),
            (None, true) => None,
            (weight, _) => {
                return Err(parameter(format!("The rule for {} is not clear", self.pattern))
                    .expected("a weight, or drop")
                    .found(if weight.is_some() { "both" } else { "none of them" }));
            }
        };
        Ok(MergeRule { pattern, factor })
    }

    /// All that is wrong with the rules of an entry of the mix.
    pub(crate) fn problems(rules: &[Rule], entry: usize) -> Vec<Error> {
        if rules.len() > MOST_RULES {
            let error = parameter("There are too many rules").expected(format!("at most {MOST_RULES}"));
            return named(vec![error.found(rules.len().to_string())], entry, "rules");
        }
        let each = rules.iter().enumerate();
        let wrong = each.filter_map(|(i, rule)| Some((i, rule.resolve().err()?)));
        wrong.flat_map(|(i, error)| named(vec![error], entry, &format!("rules/{i}"))).collect()
    }
}

fn out_of_range(value: f64) -> Error {
    parameter("A weight of a block or rule is out of range")
        .expected(format!("-{LARGEST_WEIGHT} to {LARGEST_WEIGHT}"))
        .found(value.to_string())
}

/// Says where in the recipe the errors are.
fn named(errors: Vec<Error>, entry: usize, key: &str) -> Vec<Error> {
    errors
        .into_iter()
        .map(|mut e| {
            e.place.key = Some(format!("/mix/{entry}/{key}"));
            e
        })
        .collect()
}

/// The weights of a part of the mix, as the engine takes them.
pub(crate) fn weight(entry: &MixEntry) -> Result<Weight, Error> {
    let blocks = match &entry.blocks {
        Some(blocks) => {
            let values = blocks.resolve().map_err(|mut e| e.swap_remove(0))?;
            Some(BlockWeights { family: blocks.scheme.clone(), values })
        }
        None => None,
    };
    let rules = entry.rules.iter().map(Rule::resolve).collect::<Result<_, _>>()?;
    Ok(Weight { model: entry.weight, text_encoder: entry.te.unwrap_or(entry.weight), blocks, rules })
}

/// Block weights must be those of the adapter's own family, where that is known.
pub(crate) fn fits_families(recipe: &Recipe, adapters: &[Adapter]) -> Result<(), Vec<Error>> {
    let mut found = Vec::new();
    for (i, (entry, adapter)) in recipe.mix.iter().zip(adapters).enumerate() {
        let own = &adapter.family.id;
        let other = entry.blocks.as_ref().filter(|b| own != "unknown" && b.scheme != *own);
        if let Some(blocks) = other {
            let error = Error::new(Kind::Mismatch, "Block weights are for another model family")
                .file(&adapter.label)
                .expected(format!("{own} ({})", adapter.family.title))
                .found(&blocks.scheme);
            let error = error.hint("Choose block weights of this adapter's family, or leave them out.");
            found.extend(named(vec![error], i, "blocks"));
        }
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// The blocks of an adapter's family, and what may be typed for them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FamilyBlocks {
    /// File name.
    pub file: String,
    /// Id of the family.
    pub family: String,
    /// Its name.
    pub family_title: String,
    /// In the model's order; none where the family is unknown or not cut into blocks.
    pub blocks: Vec<BlockFacts>,
    /// Modules that lie in none of them.
    pub elsewhere: usize,
    /// Names of presets.
    pub presets: Vec<String>,
    /// How many numbers a list may have.
    pub lists: Vec<usize>,
}

/// A block, and what an adapter has there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlockFacts {
    /// Its name.
    pub block: String,
    /// Where it lies, in plain words.
    pub role: String,
    /// What it and its neighbours are, in plain words.
    pub group: String,
    /// The adapter's modules there.
    pub modules: usize,
}

impl FamilyBlocks {
    /// Counts an adapter's modules by block. Reads nothing but names.
    pub fn of(adapter: &Adapter) -> FamilyBlocks {
        let family = &adapter.family.id;
        let facts = |b: layout::Block| BlockFacts { block: b.id, role: b.role, group: b.group.to_owned(), modules: 0 };
        let mut blocks: Vec<_> = layout::blocks(family).into_iter().map(facts).collect();
        let mut elsewhere = 0;
        for module in &adapter.modules {
            match block_of(family, &module.key).and_then(|b| blocks.get_mut(b)) {
                Some(block) => block.modules += 1,
                None => elsewhere += 1,
            }
        }
        FamilyBlocks {
            file: adapter.label.clone(),
            family: family.clone(),
            family_title: adapter.family.title.clone(),
            blocks,
            elsewhere,
            presets: block_presets(family).into_iter().map(str::to_owned).collect(),
            lists: block_list_lengths(family),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(json: &str) -> Blocks {
        serde_json::from_str(json).unwrap()
    }

    fn told(json: &str) -> Vec<String> {
        blocks(json).problems(0).iter().map(|e| e.lines()[..2].join(" / ")).collect()
    }

    #[test]
    fn what_is_wrong_with_blocks_is_told_with_what_would_be_right() {
        for (json, wanted) in [
            (r#"{"scheme":"sd99","preset":"ALL"}"#, ["no model family", "sdxl"]),
            (r#"{"scheme":"sd15","preset":"dfsadfsfds"}"#, ["preset", "OUTALL"]),
            (r#"{"scheme":"sd15","values":[1,0,1]}"#, ["17 or 26 or 27", "found 3"]),
            (r#"{"scheme":"sd15"}"#, ["one of them", "none of them"]),
            (r#"{"scheme":"sd15","preset":"ALL","values":[]}"#, ["one of them", "both"]),
            // A name of blocks is no preset, though it may be typed in the same place.
            (r#"{"scheme":"sd15","preset":"IN04=0.5"}"#, ["preset", "IN04=0.5"]),
        ] {
            let told = told(json);
            assert_eq!(told.len(), 1, "{json}");
            assert!(
                wanted.iter().all(|w| told[0].contains(w)) && told[0].contains("/mix/0/blocks"),
                "{json}: {told:?}"
            );
        }
        let values: Vec<String> = (0..27).map(|i| if i % 9 == 0 { "-10.5".into() } else { "10".into() }).collect();
        assert_eq!(told(&format!(r#"{{"scheme":"sd15","values":[{}]}}"#, values.join(","))).len(), 3);
    }

    #[test]
    fn what_is_wrong_with_rules_is_told_at_once() {
        let rules: Vec<Rule> = serde_json::from_str(
            r#"[{"match":"[","weight":1},{"match":"a","weight":11},{"match":"b"},{"match":"c","weight":1,"drop":true},
                {"match":"d","drop":true},{"match":"e","weight":-10}]"#,
        )
        .unwrap();
        assert_eq!(Rule::problems(&rules, 1).len(), 4);
        assert_eq!(Rule::problems(&rules[4..], 1), []);
        let many = vec![rules[4].clone(); 65];
        assert_eq!(Rule::problems(&many[..64], 1), []);
        assert!(Rule::problems(&many, 1)[0].lines()[0].contains("at most 64, found 65"));
    }

    /// A list as long as the family has blocks is one number per block, so no other list may be as long.
    #[test]
    fn no_list_is_as_long_as_its_family() {
        for (family, _) in layout::families() {
            assert!(!block_list_lengths(family).contains(&layout::blocks(family).len()), "{family}");
        }
    }

    #[test]
    fn factors_and_presets_are_each_others_names() {
        for (family, _) in layout::families() {
            for preset in block_presets(family) {
                let values = block_weights(family, preset).unwrap();
                let Some(named) = Blocks::of(family, &values) else {
                    assert!(values.iter().all(|v| *v == 1.0), "{family} {preset}");
                    continue;
                };
                assert!(named.preset.is_some() && named.values.is_none(), "{family} {preset}");
                assert_eq!(named.resolve().unwrap(), values, "{family} {preset}");
            }
        }
        let mut values = vec![1.0; layout::blocks("sd15").len()];
        values[4] = 0.3;
        let listed = Blocks::of("sd15", &values).unwrap();
        assert_eq!((listed.preset.as_ref(), listed.resolve().unwrap()), (None, values));
        let short = blocks(r#"{"scheme":"sd15","values":[1,0,0,0,1,1,1,1,1,1,1,1,0,0,0,0,0.25]}"#);
        assert_eq!(short.resolve().unwrap(), block_weights("sd15", "1,0,0,0,1,1,1,1,1,1,1,1,0,0,0,0,0.25").unwrap());
    }
}
