//! Telling a family by the names and shapes of its modules.
//!
//! Every family lists rules; the rule with the highest confidence that some module fits wins, the earlier one on a
//! tie. Where names and shapes say little, the metadata may say more.

use super::{LAYOUTS, LONGEST_PATH, layout};
use crate::adapter::Family;
use crate::kind::KindId;
use crate::module::Module;
use std::collections::BTreeMap;

/// Confidence of what the metadata says. Rules below it are overruled: they cannot tell families with the same names and
/// shapes apart, such as FLUX.1 and Chroma, or the text encoder that SD 1 and SDXL share.
const WRITTEN: f64 = 0.82;

/// The family that the modules, or else the metadata, speak for.
pub(crate) fn detect(modules: &[Module], metadata: &BTreeMap<String, String>) -> Family {
    let short = modules.iter().filter(|m| m.key.path.len() <= LONGEST_PATH && m.kind != KindId::Vector);
    let paths: Vec<(&Module, String)> = short.map(|m| (m, m.key.path.replace('.', "_"))).collect();
    let mut best: Option<Family> = None;
    for layout in LAYOUTS {
        for rule in layout.rules {
            if best.as_ref().is_some_and(|b| b.confidence >= rule.confidence) {
                continue;
            }
            if let Some((module, _)) = paths.iter().find(|(m, path)| rule.fits(m, path)) {
                best = Some(Family {
                    id: layout.id.to_owned(),
                    title: layout.title.to_owned(),
                    confidence: rule.confidence,
                    evidence: format!("{} is {}", module.key.id(), module.shape),
                });
            }
        }
    }
    let sure = best.as_ref().is_some_and(|b| b.confidence >= WRITTEN);
    let written = if sure { None } else { from_metadata(metadata) };
    written.or(best).unwrap_or_else(|| Family {
        id: "unknown".to_owned(),
        title: "Unknown".to_owned(),
        confidence: 0.0,
        evidence: "no rule fits the names and shapes".to_owned(),
    })
}

/// What trainers write about the base model, by beginnings.
const VERSIONS: [(&str, &str); 25] = [
    ("sdxl", "sdxl"),
    ("stable-diffusion-xl", "sdxl"),
    ("sd_v1", "sd15"),
    ("stable-diffusion-v1", "sd15"),
    ("sd_v2", "sd21"),
    ("stable-diffusion-v2", "sd21"),
    ("chroma", "chroma"),
    ("flux2", "flux2"),
    ("flux-2", "flux2"),
    ("flux.2", "flux2"),
    ("flux1", "flux1"),
    ("flux-1", "flux1"),
    ("flux.1", "flux1"),
    ("stable-diffusion-3", "sd3"),
    ("stable-diffusion-v3", "sd3"),
    ("sd3", "sd3"),
    ("lumina-2", "lumina2"),
    ("lumina2", "lumina2"),
    ("z-image", "z-image"),
    ("z_image", "z-image"),
    ("zimage", "z-image"),
    ("qwen-image", "qwen-image"),
    ("qwen_image", "qwen-image"),
    ("wan", "wan"),
    ("hunyuan-video", "hunyuan-video"),
];

fn from_metadata(metadata: &BTreeMap<String, String>) -> Option<Family> {
    ["ss_base_model_version", "modelspec.architecture"].iter().find_map(|key| {
        let value = metadata.get(*key)?;
        let begins = |begin: &str| value.get(..begin.len()).is_some_and(|v| v.eq_ignore_ascii_case(begin));
        let (_, id) = VERSIONS.iter().find(|(begin, _)| begins(begin))?;
        let layout = layout(id)?;
        Some(Family {
            id: layout.id.to_owned(),
            title: layout.title.to_owned(),
            confidence: WRITTEN,
            evidence: format!("the metadata's {key}"),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_written_version_is_a_family() {
        for (begin, id) in VERSIONS {
            assert!(layout(id).is_some() && begin == begin.to_lowercase(), "{begin}");
        }
    }
}
