//! Adapters that make a model need fewer steps (LCM, Lightning, Turbo, Hyper, DMD, …), told by their names.
//!
//! They change the whole model, and merged with styles they blur. Nothing in their tensors tells them from others, so
//! only names are left: the file's, its title, and what it was merged from.
//!
//! | word | counts |
//! |---|---|
//! | `lcm`, `dmd2`, `tcd`, `causvid`, … | alone |
//! | `lightning`, `hyper` | near a number of steps or the name of a base model |
//! | `turbo` | near a number of steps, or as `turbo-alpha`: base models are called so too |

use rankweave_adapter::display::clean;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Why a file looks like an accelerator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accelerator {
    /// Which sort.
    pub name: String,
    /// What it was told by.
    pub evidence: String,
}

/// Words that say it alone.
const ALONE: [(&str, &str); 11] = [
    ("lcm", "LCM"),
    ("lcmlora", "LCM"),
    ("dmd", "DMD"),
    ("dmd2", "DMD2"),
    ("tcd", "TCD"),
    ("pcm", "PCM"),
    ("hypersd", "Hyper-SD"),
    ("causvid", "CausVid"),
    ("accvid", "AccVid"),
    ("lightx2v", "LightX2V"),
    ("selfforcing", "Self-Forcing"),
];

/// How names of base models begin.
const BASES: [&str; 9] = ["sd", "flux", "wan", "qwen", "hunyuan", "ltx", "zimage", "image", "chroma"];

/// Where names stand in metadata, and what that is called.
const NAMES: [(&str, &str); 4] = [
    ("modelspec.title", "title"),
    ("ss_output_name", "title"),
    ("name", "title"),
    ("modelspec.merged_from", "list of what it was merged from"),
];

/// Why the file called `label` looks like an accelerator, if it does.
pub fn accelerator(label: &str, metadata: &BTreeMap<String, String>) -> Option<Accelerator> {
    let named = NAMES.iter().filter_map(|(key, what)| Some((metadata.get(*key)?.as_str(), *what)));
    let found =
        std::iter::once((label, "file name")).chain(named).find_map(|(text, what)| Some((sort(text)?, text, what)));
    let (name, text, what) = found?;
    Some(Accelerator { name: name.to_owned(), evidence: format!("{what} \"{}\"", clean(text.trim(), 80)) })
}

/// The sort of accelerator that a name means.
fn sort(name: &str) -> Option<&'static str> {
    let lower: String = name.chars().take(1000).flat_map(char::to_lowercase).collect();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    if let Some((_, title)) = ALONE.iter().find(|(word, _)| words.contains(word)) {
        return Some(title);
    }
    let steps = words.iter().enumerate().any(|(i, word)| {
        let digits = word.strip_suffix("steps").or_else(|| word.strip_suffix("step"));
        let before = || i.checked_sub(1).and_then(|i| words.get(i)).is_some_and(|w| is_number(w));
        digits.is_some_and(|d| if d.is_empty() { before() } else { is_number(d) })
    });
    let near_base = |i: usize| {
        let near = &words[i.saturating_sub(2)..words.len().min(i + 3)];
        near.iter().any(|w| BASES.iter().any(|base| w.starts_with(base)))
    };
    words.iter().enumerate().find_map(|(i, word)| match *word {
        "lightning" if steps || near_base(i) => Some("Lightning"),
        "hyper" if steps || near_base(i) => Some("Hyper"),
        "turbo" if steps || words.get(i + 1) == Some(&"alpha") => Some("Turbo"),
        _ => None,
    })
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_accelerators_are_known_and_words_of_styles_are_not() {
        for (name, expected) in [
            ("pytorch_lora_weights_LCM-LoRA-SDXL.safetensors", "LCM"),
            ("sdxl_lightning_4step_lora.safetensors", "Lightning"),
            ("Qwen-Image-Lightning-8steps-V1.0.safetensors", "Lightning"),
            ("Wan2.2-Lightning.safetensors", "Lightning"),
            ("Hyper-SDXL-8steps-lora.safetensors", "Hyper"),
            ("Hyper-FLUX.1-dev-16steps-lora.safetensors", "Hyper"),
            ("FLUX.1-Turbo-Alpha.safetensors", "Turbo"),
            ("dmd2_sdxl_4step_lora_fp16.safetensors", "DMD2"),
            ("my turbo 4 steps", "Turbo"),
        ] {
            assert_eq!(sort(name), Some(expected), "{name}");
        }
        for name in [
            "lightning_bolts.safetensors",
            "hyper-realistic portraits",
            "style_z_image_turbo.safetensors",
            "turbocharged cars",
            "step into the light",
            "ink_wash_v1.safetensors",
            "dreamy steps",
            "",
        ] {
            assert_eq!(sort(name), None, "{name}");
        }
    }

    #[test]
    fn metadata_counts_too_and_says_so() {
        let metadata = BTreeMap::from([("modelspec.title".to_owned(), "LCM for SD 1.5".to_owned())]);
        let found = accelerator("x.safetensors", &metadata).unwrap();
        assert_eq!((found.name.as_str(), found.evidence.as_str()), ("LCM", "title \"LCM for SD 1.5\""));
        assert_eq!(accelerator("x.safetensors", &BTreeMap::new()), None);
    }
}
