//! XLabs' names for Flux: attention processors of the original model, `double_blocks.0.processor.qkv_lora1.up.weight`.
//!
//! | processor | module |
//! |---|---|
//! | `double_blocks.#`, `qkv_lora1`, `proj_lora1` | `img_attn.qkv`, `img_attn.proj` |
//! | `double_blocks.#`, `qkv_lora2`, `proj_lora2` | `txt_attn.qkv`, `txt_attn.proj` |
//! | `single_blocks.#`, `proj_lora` | `linear2` |
//! | `single_blocks.#`, `qkv_lora` | the first three of the four parts of `linear1`: `linear1.qkv`, a name of ours |

use crate::module::{Component, ModuleKey};
use crate::part::Part;

/// Beginning, processor's layer, path in the block.
const LAYERS: [(&str, &str, &str); 6] = [
    ("double_blocks.", "qkv_lora1", "img_attn.qkv"),
    ("double_blocks.", "proj_lora1", "img_attn.proj"),
    ("double_blocks.", "qkv_lora2", "txt_attn.qkv"),
    ("double_blocks.", "proj_lora2", "txt_attn.proj"),
    ("single_blocks.", "qkv_lora", "linear1.qkv"),
    ("single_blocks.", "proj_lora", "linear2"),
];

/// Base name (`double_blocks.0.processor.qkv_lora1`), part and module of a tensor.
pub(super) fn parse(name: &str) -> Option<(&str, Part, ModuleKey)> {
    let up = name.strip_suffix(".up.weight").map(|base| (base, Part::Up));
    let (base, part) = up.or_else(|| name.strip_suffix(".down.weight").map(|base| (base, Part::Down)))?;
    let bare = base.strip_prefix("diffusion_model.").unwrap_or(base);
    let (block, layer) = bare.split_once(".processor.")?;
    let (.., path) = LAYERS.iter().find(|(begin, own, _)| block.starts_with(begin) && *own == layer)?;
    Some((base, part, ModuleKey { component: Component::Transformer, path: format!("{block}.{path}") }))
}
