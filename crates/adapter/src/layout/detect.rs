//! Telling a family by the names and shapes of its modules.
//!
//! Every family lists rules; the rule with the highest confidence that some module fits wins, the earlier one on a
//! tie. Where names and shapes say nothing, the metadata may.

use super::{image, language, sd, sdxl, video};
use crate::adapter::Family;
use crate::module::{Component, Module};
use std::collections::BTreeMap;

/// One way to recognise a family: a module of `component` whose path fits `pattern` (`#` stands for digits, `*` for
/// anything, underscores for dots) and whose weight has these sizes.
pub(super) struct Rule {
    id: &'static str,
    title: &'static str,
    component: Component,
    pattern: &'static str,
    confidence: f64,
    inp: Option<usize>,
    out: Option<usize>,
}

impl Rule {
    pub(super) const fn new(
        id: &'static str,
        title: &'static str,
        component: Component,
        pattern: &'static str,
        confidence: f64,
    ) -> Rule {
        Rule { id, title, component, pattern, confidence, inp: None, out: None }
    }

    /// Asks for this number of input features.
    pub(super) const fn inp(mut self, n: usize) -> Rule {
        self.inp = Some(n);
        self
    }

    /// Asks for this number of output features.
    pub(super) const fn out(mut self, n: usize) -> Rule {
        self.out = Some(n);
        self
    }

    fn fits(&self, module: &Module, path: &str) -> bool {
        module.key.component == self.component
            && self.inp.is_none_or(|n| n == module.shape.inp)
            && self.out.is_none_or(|n| n == module.shape.out)
            && fits(self.pattern.as_bytes(), path.as_bytes())
    }
}

/// Does `path` fit `pattern`?
fn fits(pattern: &[u8], path: &[u8]) -> bool {
    match pattern.split_first() {
        None => path.is_empty(),
        Some((b'*', rest)) => (0..=path.len()).any(|n| fits(rest, &path[n..])),
        Some((b'#', rest)) => {
            let digits = path.iter().take_while(|b| b.is_ascii_digit()).count();
            digits > 0 && fits(rest, &path[digits..])
        }
        Some((c, rest)) => path.first() == Some(c) && fits(rest, &path[1..]),
    }
}

/// The family that the modules, or else the metadata, speak for.
pub(crate) fn detect(modules: &[Module], metadata: &BTreeMap<String, String>) -> Family {
    let paths: Vec<String> = modules.iter().map(|m| m.key.path.replace('.', "_")).collect();
    let rules = [sdxl::RULES, sd::RULES, image::RULES, video::RULES, language::RULES];
    let mut best: Option<(&Rule, &Module)> = None;
    for rule in rules.into_iter().flatten() {
        if best.is_some_and(|(b, _)| b.confidence >= rule.confidence) {
            continue;
        }
        if let Some((module, _)) = modules.iter().zip(&paths).find(|(m, p)| rule.fits(m, p)) {
            best = Some((rule, module));
        }
    }
    match best {
        Some((rule, module)) => Family {
            id: rule.id.to_owned(),
            title: rule.title.to_owned(),
            confidence: rule.confidence,
            evidence: format!("{} is {}", module.key.id(), module.shape),
        },
        None => from_metadata(metadata).unwrap_or_else(|| Family {
            id: "unknown".to_owned(),
            title: "Unknown".to_owned(),
            confidence: 0.0,
            evidence: "no rule fits the names and shapes".to_owned(),
        }),
    }
}

/// What trainers write about the base model, by beginnings.
const VERSIONS: [(&str, &str, &str); 9] = [
    ("sdxl", "sdxl", "SDXL"),
    ("stable-diffusion-xl", "sdxl", "SDXL"),
    ("sd_v1", "sd15", "Stable Diffusion 1.x"),
    ("stable-diffusion-v1", "sd15", "Stable Diffusion 1.x"),
    ("sd_v2", "sd21", "Stable Diffusion 2.x"),
    ("stable-diffusion-v2", "sd21", "Stable Diffusion 2.x"),
    ("flux1", "flux1", "FLUX.1"),
    ("flux-1", "flux1", "FLUX.1"),
    ("stable-diffusion-3", "sd3", "Stable Diffusion 3"),
];

fn from_metadata(metadata: &BTreeMap<String, String>) -> Option<Family> {
    ["ss_base_model_version", "modelspec.architecture"].iter().find_map(|key| {
        let value = metadata.get(*key)?.to_lowercase();
        let (_, id, title) = VERSIONS.iter().find(|(begin, _, _)| value.starts_with(begin))?;
        Some(Family {
            id: (*id).to_owned(),
            title: (*title).to_owned(),
            confidence: 0.5,
            evidence: format!("the metadata's {key}"),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns() {
        let fits = |pattern: &str, path: &str| fits(pattern.as_bytes(), path.as_bytes());
        assert!(fits("*attn2_to_k", "a_attn2_to_k") && fits("#", "12") && fits("blocks_#_q", "blocks_31_q"));
        assert!(!fits("#", "1a") && !fits("blocks_#_q", "blocks_x_q") && !fits("*k", "kq"));
    }
}
