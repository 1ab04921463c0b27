//! The tags of a prompt, as image programs have them.
//!
//! ```text
//! a cat, <lora:ink_wash:0.7>, <lora:portrait:te=0.2:unet=0.8>, <lora:film:0.5:lbw=OUTALL>, <lyco:clay>
//! ```
//!
//! | part | means |
//! |---|---|
//! | first number | weight; 1 where absent |
//! | second number | weight of text encoders, as ComfyUI's nodes have it. In A1111 and Forge the first number is theirs and the second the model's: a warning says which was taken |
//! | `te=`, `unet=` | the two by name |
//! | `lbw=` | block weights: a preset or a list, of the adapter's own family (`settle.rs`) |
//! | others (`dyn=`, `start=`, `stop=`, …) | left out, with a warning |
//!
//! All adapters of a prompt act together, each at its weight: their sum. One that is named twice acts twice.

use super::settle::{WAITING, only_family};
use super::{Imported, file_name, warning};
use crate::canonical::canonical;
use crate::recipe::{MixEntry, Recipe};
use rankweave_adapter::{Error, Kind, Warning};
use serde_json::Value;

/// Where warnings and errors are.
const FORM: &str = "prompt";
/// Most tags: as many as a recipe has sources.
const MOST: usize = 32;
/// Endings that file names already have.
const ENDINGS: [&str; 4] = [".safetensors", ".pt", ".ckpt", ".bin"];
/// What a line of YAML with a recipe begins with.
const YAML: [&str; 4] = ["recipe:", "merge_method:", "models:", "slices:"];

/// One tag, read.
struct Tag {
    label: String,
    weight: f64,
    te: Option<f64>,
    blocks: Option<String>,
}

/// Has a text tags, and is it not YAML that speaks of them?
pub(super) fn is_prompt(text: &str) -> bool {
    tags(text).next().is_some() && !text.lines().any(|line| YAML.iter().any(|key| line.starts_with(key)))
}

/// What stands between `<lora:` or `<lyco:` and `>`, one by one.
fn tags(text: &str) -> impl Iterator<Item = &str> {
    text.split('<').skip(1).filter_map(|part| {
        let (kind, rest) = part.split_once(':')?;
        let known = kind.eq_ignore_ascii_case("lora") || kind.eq_ignore_ascii_case("lyco");
        Some(rest.split_once('>')?.0).filter(|_| known)
    })
}

/// Reads the tags of a prompt.
///
/// # Errors
/// `Limit` for more tags than a merge takes; `Parameter` for each tag without a name or with a number that is none.
pub(super) fn read(text: &str) -> Result<Imported, Vec<Error>> {
    if tags(text).nth(MOST).is_some() {
        return Err(vec![
            Error::new(Kind::Limit, "The prompt names too many adapters").expected(format!("at most {MOST}")),
        ]);
    }
    let (mut found, mut errors, mut warnings): (Vec<Tag>, Vec<Error>, Vec<Warning>) = Default::default();
    for text in tags(text) {
        match tag(text, &mut warnings) {
            Ok(tag) => match found.iter_mut().find(|own| own.label == tag.label) {
                Some(own) => errors.extend(twice(own, &tag, &mut warnings).err()),
                None => found.push(tag),
            },
            Err(error) => errors.push(error),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let mut recipe = Recipe::blank(found.len());
    for ((tag, entry), source) in found.into_iter().zip(&mut recipe.mix).zip(&mut recipe.sources) {
        (entry.weight, entry.te) = (tag.weight, tag.te);
        if let Some(text) = tag.blocks {
            wait(entry, &tag.label, text, &mut warnings);
        }
        source.label = Some(tag.label);
    }
    Ok(Imported { recipe, warnings })
}

fn tag(text: &str, warnings: &mut Vec<Warning>) -> Result<Tag, Error> {
    let wrong = |what: &str| {
        let error = Error::new(Kind::Parameter, what).file(FORM).found(format!("<lora:{text}>"));
        error.expected("<lora:name:0.7>").hint("Name and numbers are parted by colons.")
    };
    let mut parts = text.split(':').map(str::trim);
    let name = parts.next().unwrap_or_default().rsplit(['/', '\\']).next().unwrap_or_default().trim();
    if name.is_empty() {
        return Err(wrong("A tag of the prompt names no adapter"));
    }
    let number = |text: &str| {
        let read = text.parse::<f64>().ok().filter(|x| x.is_finite());
        read.ok_or_else(|| wrong("A weight in the prompt is no number"))
    };
    let ended = ENDINGS.iter().any(|end| name.len() > end.len() && name.to_ascii_lowercase().ends_with(end));
    let label = if ended { name.to_owned() } else { format!("{name}.safetensors") };
    let (mut plain, mut unet, mut te, mut blocks) = (Vec::new(), None, None, None);
    for part in parts.filter(|part| !part.is_empty()) {
        match part.split_once('=').map(|(key, value)| (key.trim(), value.trim())) {
            Some(("unet", value)) => unet = Some(number(value)?),
            Some(("te", value)) => te = Some(number(value)?),
            Some(("lbw", value)) => blocks = Some(value.to_owned()),
            Some((key, _)) => {
                let message =
                    format!("{key} of {name} is left out: a merge holds for all steps and at the file's own rank");
                warnings.push(warning("not-imported", FORM, key, message));
            }
            None if plain.len() < 2 => plain.push(number(part)?),
            None => {
                let message = format!("the third number of {name}, {part}, is left out");
                warnings.push(warning("not-imported", FORM, "", message));
            }
        }
    }
    let first = plain.first().copied();
    // A name for one part of the model alone holds for both, as where one number stands.
    let weight = unet.or(first).or(te).unwrap_or(1.0);
    let own = te.or(plain.get(1).copied()).or(first.filter(|_| unet.is_some())).filter(|te| *te != weight);
    let unnamed =
        (unet.is_none() || te.is_none()) && (plain.len() > 1 || first.is_some() && (unet.is_some() || te.is_some()));
    if let Some(te) = own.filter(|_| unnamed) {
        let message = format!(
            "{name} is read as {weight} for the model and {te} for text encoders, as ComfyUI's nodes do; A1111 and Forge may \
             mean it the other way round: write te= and unet= to be sure"
        );
        warnings.push(warning("which-weight", FORM, "", message));
    }
    Ok(Tag { label, weight, te: own, blocks })
}

/// An adapter that is named twice acts with both weights.
fn twice(own: &mut Tag, tag: &Tag, warnings: &mut Vec<Warning>) -> Result<(), Error> {
    if own.blocks != tag.blocks {
        let error =
            Error::new(Kind::Parameter, "The prompt names an adapter twice, with other block weights").file(FORM);
        return Err(error.found(&tag.label).hint("Leave one of the two tags."));
    }
    let te = own.te.unwrap_or(own.weight) + tag.te.unwrap_or(tag.weight);
    own.weight += tag.weight;
    own.te = Some(te).filter(|te| *te != own.weight);
    let message = format!("{} is named twice: its weights are added up to {}", tag.label, own.weight);
    warnings.push(warning("named-twice", FORM, "", message));
    Ok(())
}

/// Block weights of the family that they tell, or for [`super::settle`].
fn wait(entry: &mut MixEntry, label: &str, text: String, warnings: &mut Vec<Warning>) {
    if let Some(blocks) = only_family(&text) {
        entry.blocks = blocks;
        return;
    }
    let message =
        format!("the block weights {text} of {label} do not say for which model family: that of the file is taken");
    warnings.push(warning("blocks-wait", FORM, "", message));
    entry.other.insert(WAITING.to_owned(), Value::String(text));
}

impl Recipe {
    /// The tags that act as the recipe's result does, before its rank is cut: of a plain sum (`sum` or `concat`) with presets of
    /// block weights at most. `None` for other methods, for rules, and for names that a tag cannot hold.
    pub fn to_prompt(&self) -> Option<String> {
        let recipe = self.normal();
        let plain = ["sum", "concat"].contains(&recipe.method.id.as_str()) && recipe.method.params.is_empty();
        let whole =
            recipe.sources.iter().all(|source| source.dora.is_none()) && !recipe.other.contains_key("overrides");
        let tags: Option<Vec<String>> = recipe.mix.iter().map(|entry| tag_of(&recipe, entry)).collect();
        tags.filter(|_| plain && whole).map(|tags| tags.join(" "))
    }
}

fn tag_of(recipe: &Recipe, entry: &MixEntry) -> Option<String> {
    let label = file_name(recipe, &entry.src);
    let name = label.strip_suffix(".safetensors").unwrap_or(&label);
    let holds = |c: char| !c.is_control() && !['<', '>', ':', '/', '\\'].contains(&c);
    let weight = canonical(&entry.weight);
    let weights = match entry.te {
        Some(te) => format!("te={}:unet={weight}", canonical(&te)),
        None => weight,
    };
    let blocks = match (&entry.blocks, entry.other.get(WAITING)) {
        (Some(blocks), _) => format!(":lbw={}", blocks.preset.as_ref()?),
        (None, Some(text)) => format!(":lbw={}", text.as_str()?),
        (None, None) => String::new(),
    };
    let fits = !name.is_empty() && name.trim() == name && name.chars().all(holds) && entry.rules.is_empty();
    (fits && !blocks.contains(['<', '>'])).then(|| format!("<lora:{name}:{weights}{blocks}>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> (String, f64, Option<f64>) {
        let recipe = read(text).unwrap().recipe;
        assert_eq!((recipe.mix.len(), recipe.sources.len()), (1, 1), "{text}");
        (recipe.sources[0].label.clone().unwrap(), recipe.mix[0].weight, recipe.mix[0].te)
    }

    fn warned(text: &str) -> Vec<String> {
        read(text).unwrap().warnings.into_iter().map(|w| w.code).collect()
    }

    #[test]
    fn weights_are_read_as_they_are_typed() {
        let x = || "x.safetensors".to_owned();
        for (text, wanted) in [
            ("<lora:x>", (x(), 1.0, None)),
            ("masterpiece, (cat:1.2) <lora:x:0.7>, <b>", (x(), 0.7, None)),
            ("<LORA: x : -0.7 >", (x(), -0.7, None)),
            ("<lora:x:0.7:0.5>", (x(), 0.7, Some(0.5))),
            ("<lora:x:0.7:0.7>", (x(), 0.7, None)),
            ("<lora:x:te=0.5:unet=0.8>", (x(), 0.8, Some(0.5))),
            ("<lora:x:te=0.5>", (x(), 0.5, None)),
            ("<lora:x:0.7:te=0.5>", (x(), 0.7, Some(0.5))),
            ("<lora:x:0.7:unet=0.5>", (x(), 0.5, Some(0.7))),
            ("<lyco:folder/sub\\v1.5:1>", ("v1.5.safetensors".to_owned(), 1.0, None)),
            ("<lora:old.pt:1>", ("old.pt".to_owned(), 1.0, None)),
            ("<lora:x.safetensors:.5>", (x(), 0.5, None)),
        ] {
            assert_eq!(one(text), wanted, "{text}");
        }
        assert_eq!(warned("<lora:x:0.7:0.5>"), ["which-weight"]);
        assert_eq!(warned("<lora:x:te=0.5:unet=0.7>"), [""; 0]);
        assert_eq!(warned("<lora:x:1:1:1:start=3:dyn=4>"), ["not-imported"; 3]);
    }

    #[test]
    fn what_is_wrong_with_tags_is_told_at_once() {
        let errors = read("<lora::1> <lora:x:much> <lora:y:inf> <lora:z:te=> <lora:fine:1>").unwrap_err();
        assert_eq!(errors.len(), 4);
        let many: String = (0..=MOST).map(|i| format!("<lora:n{i}>")).collect();
        assert_eq!(read(&many).unwrap_err()[0].kind, Kind::Limit);
        assert!(!is_prompt("<lora>") && !is_prompt("<lora:x") && !is_prompt("<hypernet:x:1>"));
    }

    #[test]
    fn one_that_is_named_twice_acts_twice() {
        assert_eq!(one("<lora:x:0.5> and <lora:x:0.25:0>"), ("x.safetensors".to_owned(), 0.75, Some(0.5)));
        assert!(read("<lora:x:0.5> <lora:x:1:lbw=OUTALL>").is_err());
    }

    #[test]
    fn block_weights_wait_for_their_family() {
        let Imported { recipe, warnings } = read("<lora:x:0.7:lbw=OUTALL>").unwrap();
        assert_eq!(recipe.mix[0].other[WAITING], "OUTALL");
        assert_eq!((warnings[0].code.as_str(), recipe.problems()), ("blocks-wait", Vec::new()));
        assert_eq!(recipe.to_prompt().unwrap(), "<lora:x:0.7:lbw=OUTALL>");
        let list = vec!["0.5"; 17].join(",");
        let recipe = read(&format!("<lora:x:0.7:lbw={list}>")).unwrap().recipe;
        assert!(recipe.mix[0].blocks.is_some() || recipe.mix[0].other[WAITING] == list);
    }

    #[test]
    fn a_sum_is_a_line_and_nothing_else_is() {
        let text = "<lora:ink wash:0.8> <lora:b:te=0:unet=-0.5>";
        let recipe = read(text).unwrap().recipe;
        assert_eq!(recipe.to_prompt().unwrap(), text);
        let told = |change: fn(&mut Recipe)| {
            let mut recipe = recipe.clone();
            change(&mut recipe);
            recipe.to_prompt()
        };
        assert_eq!(told(|r| r.method.id = "ties".into()), None);
        assert_eq!(told(|r| _ = r.method.params.insert("lambda".into(), 0.5.into())), None);
        assert!(told(|r| _ = r.method.params.insert("lambda".into(), 1.into())).is_some());
        assert_eq!(told(|r| r.sources[0].label = Some("a>b<c".into())), None);
        assert_eq!(told(|r| r.sources[0].label = Some("a:2".into())), None);
        assert_eq!(told(|r| r.sources[0].dora = Some("direction".into())), None);
        assert_eq!(told(|r| r.sources[0].label = None).unwrap(), "<lora:a:0.8> <lora:b:te=0:unet=-0.5>");
    }
}
