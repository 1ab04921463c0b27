//! How much of an adapter goes into each module: its weight, its block's, and what rules say.
//!
//! ```text
//! weight of a module = (weight | text encoders' weight) × block × rule
//! ```
//!
//! It multiplies ΔW, once; never both factors, which would square it. Rules are tried in order and the last one that fits
//! a module decides: it gives a factor, or drops the module. (So `drop *`, then `*attn2* = 1` keeps `attn2` alone.)
//!
//! Patterns and blocks look at the names that a module has in its own file's spelling, as `inspect` counts them; a module
//! that is brought into another form (`qkv` for q, k and v) takes its weight along, each part its own.
//!
//! | | module of weight 0 | dropped module |
//! |---|---|---|
//! | in the sum | adds nothing | adds nothing |
//! | in a mean over those that have it | counts as one of them | does not count |
//! | where no adapter is left | left out, with a warning | left out, with a warning |

use crate::fuse::Joined;
use crate::glob::{Glob, Name};
use rankweave_adapter::layout::{block_of, blocks};
use rankweave_adapter::{Adapter, ModuleKey, Warning};

/// The weights of one adapter.
#[derive(Clone, Debug, PartialEq)]
pub struct Weight {
    /// For everything but text encoders: the strength one would type at inference.
    pub model: f64,
    /// For text encoders.
    pub text_encoder: f64,
    /// Of blocks, if any.
    pub blocks: Option<BlockWeights>,
    /// In the order in which they are tried.
    pub rules: Vec<Rule>,
}

/// One factor for each of a family's blocks.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockWeights {
    /// Id of the family whose blocks these are.
    pub family: String,
    /// In the order of [`blocks`]; a module in none of them has factor 1.
    pub values: Vec<f64>,
}

/// What is to be done with the modules that a pattern fits.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Which modules.
    pub pattern: Glob,
    /// Their factor; `None` drops them.
    pub factor: Option<f64>,
}

/// What the weights of an adapter come to for one of its modules.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Share {
    /// It is merged.
    Merged {
        /// What ΔW is multiplied by.
        weight: f64,
        /// The part of it that blocks and rules make; 1 without any.
        factor: f64,
    },
    /// A rule drops it.
    Dropped {
        /// Index of the rule.
        rule: usize,
    },
}

impl Weight {
    /// A weight without blocks and rules.
    pub fn plain(model: f64, text_encoder: f64) -> Weight {
        Weight { model, text_encoder, blocks: None, rules: Vec::new() }
    }

    /// The weight of a module.
    pub fn of(&self, module: &ModuleKey) -> Share {
        let mut factor = self.block(module).map_or(1.0, |(_, value)| value);
        if let Some(rule) = self.rule(module) {
            match self.rules[rule].factor {
                Some(own) => factor *= own,
                None => return Share::Dropped { rule },
            }
        }
        Share::Merged { weight: self.plain_for(module) * factor, factor }
    }

    /// The weight of a module before blocks and rules.
    fn plain_for(&self, module: &ModuleKey) -> f64 {
        if module.component.is_text_encoder() { self.text_encoder } else { self.model }
    }

    /// The rule that decides for a module.
    fn rule(&self, module: &ModuleKey) -> Option<usize> {
        if self.rules.is_empty() {
            return None;
        }
        let name = Name::new(module);
        self.rules.iter().rposition(|rule| rule.pattern.fits_name(&name))
    }

    /// The block of a module and the block's factor.
    fn block(&self, module: &ModuleKey) -> Option<(usize, f64)> {
        let own = self.blocks.as_ref()?;
        let block = block_of(&own.family, module)?;
        own.values.get(block).map(|value| (block, *value))
    }

    /// What should be known about blocks and rules of an adapter: what they drop, and what they do not reach.
    pub(crate) fn warnings(&self, adapter: &Adapter) -> Vec<Warning> {
        let (mut dropped, mut blockless) = (0, 0);
        let mut used = vec![false; self.rules.len()];
        for module in &adapter.modules {
            dropped += usize::from(matches!(self.of(&module.key), Share::Dropped { .. }));
            blockless += usize::from(self.blocks.is_some() && self.block(&module.key).is_none());
            if !self.rules.is_empty() {
                let name = Name::new(&module.key);
                self.rules.iter().zip(&mut used).for_each(|(rule, used)| *used |= rule.pattern.fits_name(&name));
            }
        }
        let total = adapter.modules.len();
        let warning = |code: &str, message: String| Warning::new(code, &adapter.label, message);
        let mut out = Vec::new();
        if dropped > 0 {
            out.push(warning("dropped-by-rule", format!("{dropped} of its {total} modules are dropped by rules")));
        }
        if blockless > 0 {
            let message = format!("{blockless} of its {total} modules lie in no block: block weights leave them alone");
            out.push(warning("no-block", message));
        }
        let idle = self.rules.iter().zip(used).filter(|(_, used)| !used);
        out.extend(idle.map(|(rule, _)| {
            warning("rule-unused", format!("the rule {} fits none of its {total} modules", rule.pattern.text()))
        }));
        out
    }
}

/// A module of the output without what rules drop, and how much of it each adapter gives.
pub(crate) struct Taken {
    /// The members that are left.
    pub joined: Joined,
    /// The adapters that have it, in order.
    pub adapters: Vec<usize>,
    /// Of each of these adapters: weight, and the part of it that blocks and rules make.
    pub weights: Vec<f64>,
    pub factors: Vec<f64>,
    /// Of each member: what its own ΔW is multiplied by before.
    pub scales: Vec<f64>,
}

/// Drops members, and weighs what is left. Members that are parts of one adapter may have unlike factors, while an
/// adapter has one: then these go to the members.
pub(crate) fn take(joined: Joined, adapters: &[Adapter], weights: &[Weight]) -> Taken {
    let Joined { members, cuts, made } = joined;
    let mut out = Taken {
        joined: Joined { members: Vec::new(), cuts: Vec::new(), made },
        adapters: Vec::new(),
        weights: Vec::new(),
        factors: Vec::new(),
        scales: Vec::new(),
    };
    let mut at = 0;
    for of_adapter in members.chunk_by(|(a, _), (b, _)| a == b) {
        let start = out.scales.len();
        let mut common: Option<(f64, f64)> = None;
        let mut alike = true;
        for (i, &(a, m)) in of_adapter.iter().enumerate() {
            if let Share::Merged { weight, factor } = weights[a].of(&adapters[a].modules[m].key) {
                out.joined.members.push((a, m));
                out.joined.cuts.extend(cuts.get(at + i));
                out.scales.push(factor);
                alike &= common.is_none_or(|(_, own)| own == factor);
                common.get_or_insert((weight, factor));
            }
        }
        at += of_adapter.len();
        let (Some((weight, factor)), (a, m)) = (common, of_adapter[0]) else { continue };
        out.adapters.push(a);
        if alike {
            out.weights.push(weight);
            out.factors.push(factor);
            out.scales[start..].fill(1.0);
        } else {
            out.weights.push(weights[a].plain_for(&adapters[a].modules[m].key));
            out.factors.push(1.0);
        }
    }
    out
}

/// What blocks and rules come to in one block of one adapter.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockSummary {
    /// Index among the family's [`blocks`]; `None` for modules that lie in none.
    pub block: Option<usize>,
    /// Index of the adapter.
    pub adapter: usize,
    /// Least and largest weight of the modules that are merged, if any.
    pub weights: Option<(f64, f64)>,
    /// Modules merged, those of weight 0 among them.
    pub modules: usize,
    /// Modules dropped by rules.
    pub dropped: usize,
}

/// The weights of every block of `family` that an adapter has modules in, block by block, adapter by adapter; modules in
/// no block come last.
pub fn block_summaries(family: &str, adapters: &[Adapter], weights: &[Weight]) -> Vec<BlockSummary> {
    let count = blocks(family).len();
    let empty = |i: usize| {
        let (block, adapter) = (i / adapters.len(), i % adapters.len());
        BlockSummary { block: (block < count).then_some(block), adapter, weights: None, modules: 0, dropped: 0 }
    };
    let mut out: Vec<_> = (0..(count + 1) * adapters.len()).map(empty).collect();
    for (a, (adapter, weight)) in adapters.iter().zip(weights).enumerate() {
        for module in &adapter.modules {
            let line = &mut out[block_of(family, &module.key).unwrap_or(count) * adapters.len() + a];
            match weight.of(&module.key) {
                Share::Dropped { .. } => line.dropped += 1,
                Share::Merged { weight, .. } => {
                    let (least, largest) = line.weights.unwrap_or((weight, weight));
                    line.weights = Some((least.min(weight), largest.max(weight)));
                    line.modules += 1;
                }
            }
        }
    }
    out.retain(|line| line.modules + line.dropped > 0);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use rankweave_adapter::Component;

    fn key(component: Component, path: &str) -> ModuleKey {
        ModuleKey { component, path: path.into() }
    }

    fn rule(pattern: &str, factor: Option<f64>) -> Rule {
        Rule { pattern: Glob::new(pattern).unwrap(), factor }
    }

    /// 0.8 outside and 0.5 inside text encoders; IN04 is halved, BASE is quartered, attn2 doubled, then all ff dropped.
    #[test]
    fn weights_by_hand() {
        let mut values = vec![1.0; blocks("sd15").len()];
        let at = |id: &str| blocks("sd15").iter().position(|b| b.id == id).unwrap();
        values[at("IN04")] = 0.5;
        values[at("BASE")] = 0.25;
        let weight = Weight {
            model: 0.8,
            text_encoder: 0.5,
            blocks: Some(BlockWeights { family: "sd15".into(), values }),
            rules: vec![rule("*attn2*", Some(2.0)), rule("*ff*", None)],
        };
        let of = |component, path| weight.of(&key(component, path));
        let merged = |weight, factor| Share::Merged { weight, factor };
        let unet = Component::Unet;
        // down_blocks.1 begins at IN04.
        assert_eq!(of(unet, "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q"), merged(0.4, 0.5));
        assert_eq!(of(unet, "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_q"), merged(0.8, 1.0));
        assert_eq!(of(unet, "down_blocks.1.attentions.1.transformer_blocks.0.attn2.to_q"), merged(1.6, 2.0));
        assert_eq!(of(unet, "mid_block.attentions.0.proj_in"), merged(0.8, 1.0));
        assert_eq!(of(unet, "mid_block.attentions.0.transformer_blocks.0.ff.net.2"), Share::Dropped { rule: 1 });
        assert_eq!(of(Component::TextEncoder(1), "text_model.encoder.layers.0.mlp.fc1"), merged(0.125, 0.25));
    }

    #[test]
    fn the_last_rule_that_fits_decides() {
        let q = key(Component::Unet, "mid_block.attentions.0.transformer_blocks.0.attn2.to_q");
        let with = |rules: Vec<Rule>| Weight { rules, ..Weight::plain(2.0, 1.0) }.of(&q);
        assert_eq!(with(vec![rule("*", None), rule("*attn2*", Some(0.5))]), Share::Merged { weight: 1.0, factor: 0.5 });
        assert_eq!(with(vec![rule("*attn2*", Some(0.5)), rule("*", None)]), Share::Dropped { rule: 1 });
        // Factors of several rules are not multiplied.
        let both = with(vec![rule("*", Some(0.5)), rule("*to_q", Some(3.0)), rule("*to_k", Some(7.0))]);
        assert_eq!(both, Share::Merged { weight: 6.0, factor: 3.0 });
    }
}
