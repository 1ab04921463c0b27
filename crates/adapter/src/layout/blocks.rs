//! Blocks: the named groups of a family's modules, in the model's order.
//!
//! | families | blocks |
//! |---|---|
//! | U-Nets | `BASE` (text encoders), `IN00`…, `M00`, `OUT00`…, `OTHER` |
//! | Flux, HunyuanVideo | `BASE`, `D00`… (double), `S00`… (single), `OTHER` |
//! | other transformers | `BASE`, a letter and a number for every layer, `OTHER` |
//! | language models, image encoders | a letter and a number for every layer, `OTHER` |
//!
//! `OTHER` is all of the model outside of its layers: embedders, time and final layers.

use super::family::{Slots, Stack, Stage};
use super::{LONGEST_PATH, layout};
use crate::module::{Component, ModuleKey};

/// A block of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its name: `IN04`, `D07`, `BASE`.
    pub id: String,
    /// Where it lies, in plain words.
    pub role: String,
    /// What it and its neighbours are, in plain words; blocks of a group follow each other.
    pub group: &'static str,
}

/// All blocks of a family, in the model's order; none for families that are not cut into blocks, and for unknown ones.
/// Where members of a family differ in depth, the blocks of the deepest are given.
pub fn blocks(family: &str) -> Vec<Block> {
    let mut out = Vec::new();
    let mut add = |id: String, role: String, group: &'static str| out.push(Block { id, role, group });
    let Some(slots) = layout(family).map(|l| l.slots) else { return out };
    if slots.has_base() {
        add("BASE".to_owned(), "text encoders".to_owned(), "text encoders");
    }
    match slots {
        Slots::None => return out,
        Slots::Unet(stages) => {
            (0..3 * stages.len()).for_each(|i| add(format!("IN{i:02}"), down_role(stages, i), "down"));
            add("M00".to_owned(), middle_role(stages), "middle");
            (0..3 * stages.len()).for_each(|i| add(format!("OUT{i:02}"), up_role(stages, i), "up"));
        }
        Slots::Stacks { stacks, .. } => {
            for stack in stacks {
                let id = |i: usize| format!("{}{i:02}", stack.letter);
                (0..stack.count).for_each(|i| add(id(i), stack_role(stack, i), stack.role));
            }
        }
    }
    add("OTHER".to_owned(), "outside the blocks: embedders, time and final layers".to_owned(), "outside the blocks");
    out
}

/// The block of [`blocks`] that a module lies in. `None` for unknown families, for modules that belong to another part
/// than the family has, and for those that are only known by their position.
pub fn block_of(family: &str, key: &ModuleKey) -> Option<usize> {
    let slots = layout(family)?.slots;
    if key.path.len() > LONGEST_PATH || key.component == Component::Prior {
        return None;
    }
    if key.component.is_text_encoder() {
        return slots.has_base().then_some(0);
    }
    let path = key.path.replace('.', "_");
    if path.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    match slots {
        Slots::None => None,
        Slots::Unet(_) if key.component == Component::Transformer => None,
        Slots::Stacks { .. } if key.component == Component::Unet => None,
        Slots::Unet(stages) => unet_block(3 * stages.len(), &path)
            .or_else(|| (key.component == Component::Unet && !path.contains("_block")).then_some(6 * stages.len() + 2)),
        Slots::Stacks { base, stacks } => {
            let mut first = usize::from(base);
            for stack in stacks {
                match stack.names.iter().find_map(|name| number_behind(name, &path)) {
                    Some(n) if n < stack.count => return Some(first + n),
                    Some(_) => return None,
                    None => first += stack.count,
                }
            }
            Some(first)
        }
    }
}

impl Slots {
    /// Do the text encoders have a block, the first one?
    fn has_base(&self) -> bool {
        matches!(self, Slots::Unet(_) | Slots::Stacks { base: true, .. })
    }
}

/// The block of a path in a U-Net of `side` blocks down and as many up, in either spelling; `None` outside of them.
fn unet_block(side: usize, path: &str) -> Option<usize> {
    if path == "conv_in" {
        return Some(1);
    }
    if path.starts_with("mid_block_") || path.starts_with("middle_block_") {
        return Some(1 + side);
    }
    let down = |n: usize| (n < side).then_some(1 + n);
    let up = |n: usize| (n < side).then_some(2 + side + n);
    if let Some(n) = number_behind("input_blocks", path) {
        return down(n);
    }
    if let Some(n) = number_behind("output_blocks", path) {
        return up(n);
    }
    let (stage, layers, rest) = match path.strip_prefix("down_blocks_") {
        Some(rest) => (number(rest)?, 2, rest),
        None => {
            let rest = path.strip_prefix("up_blocks_")?;
            (number(rest)?, 3, rest)
        }
    };
    let part = rest.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix('_')?;
    let layer = ["resnets", "attentions", "motion_modules"].iter().find_map(|name| number_behind(name, part));
    let sampler = part.starts_with("downsamplers_") && layers == 2 || part.starts_with("upsamplers_") && layers == 3;
    match layer {
        Some(layer) if layer < layers => {}
        None if sampler => {}
        _ => return None,
    }
    match layers {
        2 => down(1 + 3 * stage + layer.unwrap_or(2)),
        _ => up(3 * stage + layer.unwrap_or(2)),
    }
}

/// The number that follows `name` and an underscore at the path's beginning, or, when `name` begins with `*`, the
/// first such place.
fn number_behind(name: &str, path: &str) -> Option<usize> {
    let Some(name) = name.strip_prefix('*') else {
        return number(path.strip_prefix(name)?.strip_prefix('_')?);
    };
    // A tower that sees has layers of its own.
    if path.contains("vision") || path.contains("visual") {
        return None;
    }
    let whole_word = |at: usize| at == 0 || path.as_bytes().get(at - 1) == Some(&b'_');
    let places = path.match_indices(name).filter(|(at, _)| whole_word(*at));
    places.map(|(at, _)| &path[at + name.len()..]).find_map(|rest| number(rest.strip_prefix('_')?))
}

/// The number at the beginning of `text`, when it is a whole name of at most four digits.
fn number(text: &str) -> Option<usize> {
    let digits = text.split('_').next()?;
    let plain = (1..=4).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}

fn down_role(stages: &[Stage], index: usize) -> String {
    let Some(index) = index.checked_sub(1) else { return "first convolution".to_owned() };
    let stage = &stages[(index / 3).min(stages.len() - 1)];
    match index % 3 {
        2 => format!("down, {} channels: halves the picture from {}", stage.channels, stage.size),
        layer => layer_role("down", stage, layer + 1, stage.down),
    }
}

fn up_role(stages: &[Stage], index: usize) -> String {
    let at = stages.len() - 1 - (index / 3).min(stages.len() - 1);
    let stage = &stages[at];
    let role = layer_role("up", stage, index % 3 + 1, stage.up);
    if at > 0 && index % 3 == 2 { format!("{role}; then doubles the picture") } else { role }
}

fn middle_role(stages: &[Stage]) -> String {
    stages.last().map_or_else(String::new, |s| format!("middle, {} channels, at {}: the coarsest", s.channels, s.size))
}

fn layer_role(side: &str, stage: &Stage, layer: usize, transformers: usize) -> String {
    let attention = match transformers {
        0 => "no attention".to_owned(),
        1 => "attention".to_owned(),
        n => format!("attention {n} deep"),
    };
    format!("{side}, {} channels, layer {layer}, at {}, {attention}", stage.channels, stage.size)
}

fn stack_role(stack: &Stack, index: usize) -> String {
    format!("{} {} of {}", stack.role, index + 1, stack.depth)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_whole_names() {
        assert_eq!(number("12_x"), Some(12));
        assert_eq!(number("12"), Some(12));
        for odd in ["", "_1", "x", "1x_2", "12345", "-1", "+1", "９"] {
            assert_eq!(number(odd), None, "{odd}");
        }
        assert_eq!(number_behind("*layers", "model_layers_3_layers_5"), Some(3));
        assert_eq!(number_behind("*layers", "my_players_3"), None);
        assert_eq!(number_behind("layers", "model_layers_3"), None);
    }
}
