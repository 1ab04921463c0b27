//! Sam_LoRA's names: `w_a_003` and `w_b_003`, pairs by number alone.
//!
//! The trainer goes through the image encoder's blocks and adapts the queries and the values of each: pair 2·n belongs to
//! the queries of block n, pair 2·n+1 to its values. It may leave blocks out, which no name tells; so modules get names
//! only when there are as many as one of the three models has.

use crate::module::{Component, Module, ModuleKey};
use crate::part::Part;

/// Width and pairs of the three models: ViT-B, ViT-L, ViT-H.
const MODELS: [(usize, usize); 3] = [(768, 24), (1024, 48), (1280, 64)];

/// Base name (`003`), part and module of a tensor.
pub(super) fn parse(name: &str) -> Option<(&str, Part, ModuleKey)> {
    let down = name.strip_prefix("w_a_").map(|number| (number, Part::Down));
    let (number, part) = down.or_else(|| name.strip_prefix("w_b_").map(|number| (number, Part::Up)))?;
    let plain = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| (number, part, ModuleKey { component: Component::Model, path: number.to_owned() }))
}

/// Names of so many modules, in the order of their numbers, or `None` where they are not those of a whole model.
pub(super) fn names(modules: &[&Module]) -> Option<Vec<String>> {
    let (width, _) = MODELS.into_iter().find(|(_, count)| *count == modules.len())?;
    let fits = modules.iter().all(|m| (m.shape.out, m.shape.inp) == (width, width));
    let name =
        |i: usize| format!("image_encoder.blocks.{}.attn.qkv.{}", i / 2, if i.is_multiple_of(2) { "q" } else { "v" });
    fits.then(|| (0..modules.len()).map(name).collect())
}
