//! A recipe as a command line for a POSIX shell.
//!
//! Flags where they can say it: `rankweave merge ink.safetensors 'my cat.safetensors' --weights 0.8,-0.5 -o merged.safetensors`.
//! Else the recipe itself, as a link: `rankweave merge --recipe 1z… FILES -o merged.safetensors`.
//!
//! | quoted | how |
//! |---|---|
//! | letters, digits and `-_./,=:@%+` | not at all |
//! | others | in single quotes, a single quote as `'\''` |
//! | a name that begins with `-` | after `./` |
//! | a name with control characters | not named: what a terminal makes of them is not known |

use super::file_name;
use crate::canonical::canonical;
use crate::recipe::{Output, Rank, Recipe};
use serde_json::Value;

/// The file that is written.
const OUTPUT: &str = "merged.safetensors";

impl Recipe {
    /// A command line that merges files of the sources' names, which lie in the current folder. Flags say what makes the
    /// result, not which files it was made of; those stand by name. Names, notes, titles, places, cut ranks with an upper
    /// bound, lists of block weights and the like go as a link.
    pub fn to_command(&self) -> String {
        let recipe = self.normal();
        let words = flags(&recipe).unwrap_or_else(|| vec!["--recipe".to_owned(), self.link()]);
        let mut out = "rankweave merge".to_owned();
        for word in words.into_iter().chain(files(&recipe)).chain(["-o".to_owned(), OUTPUT.to_owned()]) {
            out.push(' ');
            out.push_str(&quoted(&word));
        }
        out
    }
}

/// The sources' files in their order, by names that a shell and a terminal can have.
pub(super) fn files(recipe: &Recipe) -> Vec<String> {
    let name = |id: &str| {
        let name = file_name(recipe, id);
        let name = if name.chars().any(char::is_control) { format!("{id}.safetensors") } else { name };
        if name.starts_with('-') { format!("./{name}") } else { name }
    };
    recipe.sources.iter().map(|source| name(&source.id)).collect()
}

/// Flags that say all of a recipe in its shortest words, if they can.
fn flags(recipe: &Recipe) -> Option<Vec<String>> {
    let blank = Recipe::blank(recipe.sources.len());
    let output = &recipe.output;
    let for_people = recipe.name.is_some() || recipe.note.is_some() || output.title.is_some();
    let more = !recipe.other.is_empty() || !output.other.is_empty() || recipe.base.is_some() || output.alpha.is_some();
    let sources = recipe.sources.iter().zip(&blank.sources);
    let named = sources.clone().all(|(source, blank)| {
        source.id == blank.id && source.at.is_empty() && source.dora.is_none() && source.other.is_empty()
    });
    let all = recipe.mix.len() == blank.mix.len() && recipe.mix.iter().zip(&blank.mix).all(|(e, b)| e.src == b.src);
    if for_people || more || !named || !all || Output::DTYPES.iter().all(|(id, _)| *id != output.dtype) {
        return None;
    }
    let mut words = Vec::new();
    let mut say = |flag: &str, value: String| words.push(format!("{flag}={value}"));
    let list = |values: Vec<f64>| values.iter().map(canonical).collect::<Vec<_>>().join(",");
    if recipe.mix.iter().any(|entry| entry.weight != 1.0) {
        say("--weights", list(recipe.mix.iter().map(|entry| entry.weight).collect()));
    }
    if recipe.mix.iter().any(|entry| entry.te.is_some()) {
        say("--te-weights", list(recipe.mix.iter().map(|entry| entry.te.unwrap_or(entry.weight)).collect()));
    }
    for entry in &recipe.mix {
        if !entry.other.is_empty() {
            return None;
        }
        if let Some(blocks) = &entry.blocks {
            say("--blocks", format!("{}={}", entry.src, blocks.preset.as_ref()?));
        }
        // On the command line all drops come after all rules.
        if entry.rules.iter().skip_while(|rule| !rule.drop).any(|rule| !rule.drop) {
            return None;
        }
        for rule in &entry.rules {
            match rule.weight {
                Some(weight) => say("--rule", format!("{}:{}={}", entry.src, rule.pattern, canonical(&weight))),
                None => say("--drop", format!("{}:{}", entry.src, rule.pattern)),
            }
        }
    }
    say("--method", recipe.method.id.clone());
    for (name, value) in &recipe.method.params {
        let value = if let Value::String(text) = value { text.clone() } else { canonical(value) };
        say("--param", format!("{name}={value}"));
    }
    match output.rank {
        Rank::Exact => {}
        Rank::Dense => say("--rank", "dense".to_owned()),
        Rank::Fixed { value } => say("--rank", value.to_string()),
        Rank::Energy { value, max: None } => say("--rank", format!("energy:{}", canonical(&value))),
        Rank::Energy { .. } => return None,
    }
    say("--dtype", output.dtype.clone());
    match output.keys.as_deref() {
        None => {}
        Some(same) if same.starts_with("same:") => return None,
        Some(keys) => say("--keys", keys.to_owned()),
    }
    if let Some(mode) = &output.metadata {
        say("--metadata", mode.clone());
    }
    if let Some(seed) = recipe.seed {
        say("--seed", seed.to_string());
    }
    let clean = words.iter().all(|word| !word.chars().any(char::is_control));
    clean.then_some(words)
}

/// A word that a POSIX shell takes as it is meant.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,=:@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn recipe(labels: &[&str]) -> Recipe {
        let mut recipe = Recipe::blank(labels.len());
        for (source, label) in recipe.sources.iter_mut().zip(labels) {
            source.label = Some((*label).to_owned());
        }
        recipe
    }

    #[test]
    fn names_are_quoted() {
        let labels = ["a.safetensors", "my cat.safetensors", "it's", "$(reboot)`x`\\", "-o", "new\nline", "", "~", "*"];
        let wanted = "rankweave merge --method=sum --dtype=f32 a.safetensors 'my cat.safetensors' 'it'\\''s' '$(reboot)`x`\\' ./-o \
                      f.safetensors g.safetensors '~' '*' -o merged.safetensors";
        assert_eq!(recipe(&labels).to_command(), wanted);
    }

    #[test]
    fn flags_say_what_they_can() {
        let mut recipe = recipe(&["a", "b"]);
        (recipe.mix[0].weight, recipe.mix[1].te) = (-0.8, Some(0.0));
        recipe.mix[1].rules =
            serde_json::from_value(json!([{"match": "*ff*", "weight": 0.5}, {"match": "*=x", "drop": true}])).unwrap();
        recipe.method.id = "ties".into();
        recipe.method.params.extend([("density".to_owned(), json!("0.35")), ("variant".to_owned(), json!("peft"))]);
        recipe.output.rank = Rank::Energy { value: 0.99, max: None };
        recipe.output.keys = Some("kohya".into());
        recipe.seed = Some(7);
        let wanted = "rankweave merge --weights=-0.8,1 --te-weights=-0.8,0 '--rule=b:*ff*=0.5' '--drop=b:*=x' --method=ties \
                      --param=density=0.35 --param=variant=peft --rank=energy:0.99 --dtype=f32 --keys=kohya --seed=7 a b -o \
                      merged.safetensors";
        assert_eq!(recipe.to_command(), wanted);
        recipe.output.title = Some("x".into());
        let link = recipe.link();
        assert_eq!(recipe.to_command(), format!("rankweave merge --recipe {link} a b -o merged.safetensors"));
    }

    #[test]
    fn what_flags_cannot_say_goes_as_a_link() {
        let changes: [fn(&mut Recipe); 8] = [
            |r| r.name = Some("x".into()),
            |r| r.output.rank = Rank::Energy { value: 0.5, max: Some(3) },
            |r| r.output.keys = Some("same:b".into()),
            |r| r.mix.reverse(),
            |r| _ = r.mix.pop(),
            |r| r.sources[1].dora = Some("direction".into()),
            |r| {
                r.mix[0].rules =
                    serde_json::from_value(json!([{"match": "a", "drop": true}, {"match": "b", "weight": 1}])).unwrap()
            },
            |r| _ = r.mix[0].other.insert("lbw".into(), json!("OUTALL")),
        ];
        for change in changes {
            let mut recipe = recipe(&["a", "b"]);
            change(&mut recipe);
            assert!(recipe.to_command().contains(&format!("--recipe {}", recipe.link())));
        }
    }
}
