//! What a base model's tensors are called, brought to the names that adapters' modules have.
//!
//! | spelled | part | path |
//! |---|---|---|
//! | `model.diffusion_model.input_blocks.1.1.proj_in.weight` | denoiser | `down_blocks.0.attentions.0.proj_in` |
//! | `double_blocks.0.img_attn.proj.weight` | denoiser | `transformer_blocks.0.attn.to_out.0` |
//! | `cond_stage_model.transformer.X.weight`, `conditioner.embedders.0.transformer.X.weight` | first text encoder | `X` |
//! | `conditioner.embedders.1.model.transformer.resblocks.3.mlp.c_fc.weight` | second one | `text_model.encoder.layers.3.mlp.fc1` |
//! | `X.weight` in a folder `unet`, `transformer`, `text_encoder`, … | that one | `X` |
//! | `model.layers.0.self_attn.q_proj.weight` | any | as it is |

use crate::dialect;
use crate::layout::Rows;
use crate::module::{Component, ModuleKey};
use crate::native::native;

/// Text encoders of single files: prefix, which one, whether it has OpenCLIP's names.
const TEXT: [(&str, u8, bool); 5] = [
    ("cond_stage_model.transformer.", 1, false),
    ("cond_stage_model.model.", 1, true),
    ("conditioner.embedders.0.transformer.", 1, false),
    ("conditioner.embedders.0.model.", 2, true),
    ("conditioner.embedders.1.model.", 2, true),
];

/// OpenCLIP's names of a layer's parts, and what transformers calls them.
const OPEN_CLIP: [(&str, &str); 3] =
    [("attn.out_proj", "self_attn.out_proj"), ("mlp.c_fc", "mlp.fc1"), ("mlp.c_proj", "mlp.fc2")];
/// Its queries, keys and values lie one below the other in one tensor.
const IN_PROJ: &str = "attn.in_proj_weight";
const QKV: [&str; 3] = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"];

/// What a tensor of the base is.
pub(super) struct Named {
    /// The part of the model, where the name or its folder says.
    pub component: Option<Component>,
    /// Native path, with underscores for dots.
    pub path: String,
    /// What its rows are to the native module's.
    pub rows: Rows,
    /// Which third of the tensor's rows it is, if it is not all of them.
    pub third: Option<usize>,
}

/// Is it a denoiser of any sort?
pub(super) fn same_part(one: Component, other: Component) -> bool {
    let denoiser = |c| matches!(c, Component::Unet | Component::Transformer | Component::Prior);
    one == other || one == Component::Model || denoiser(one) && denoiser(other)
}

/// The modules whose weight the tensor `name` of the file `file` is; none where it is no weight.
pub(super) fn modules(file: &str, name: &str, family: &str) -> Vec<Named> {
    for (prefix, number, open_clip) in TEXT {
        let Some(rest) = name.strip_prefix(prefix) else { continue };
        let component = Some(Component::TextEncoder(number));
        let named = |path: String, third| Named { component, path: flat(&path), rows: Rows::Same, third };
        if !open_clip {
            return rest.strip_suffix(".weight").map(|path| named(path.to_owned(), None)).into_iter().collect();
        }
        let layer = rest.strip_prefix("transformer.resblocks.").and_then(|rest| rest.split_once('.'));
        let Some((layer, part)) = layer else { return Vec::new() };
        let path = |part: &str| format!("text_model.encoder.layers.{layer}.{part}");
        if part == IN_PROJ {
            return QKV.iter().enumerate().map(|(third, part)| named(path(part), Some(third))).collect();
        }
        let known = OPEN_CLIP.iter().find(|(own, _)| part.strip_suffix(".weight") == Some(own));
        return known.map(|(_, part)| named(path(part), None)).into_iter().collect();
    }
    name.strip_suffix(".weight").map(|stem| plain(file, stem, family)).into_iter().collect()
}

fn plain(file: &str, stem: &str, family: &str) -> Named {
    let (_, mut key) = dialect::dotted_key(stem);
    // A text encoder's own file does not say which one it is.
    let bare = key.component == Component::Model || stem.starts_with("text_model.");
    if bare && let Some(component) = folder(file) {
        key.component = component;
    }
    let known = !bare || folder(file).is_some();
    let (ModuleKey { component, path }, rows) = native(family, &key);
    Named { component: known.then_some(component), path: flat(&path), rows, third: None }
}

/// The part of a model that a folder of diffusers holds.
fn folder(file: &str) -> Option<Component> {
    Some(match file.rsplit('/').nth(1)? {
        "unet" => Component::Unet,
        "transformer" => Component::Transformer,
        "prior" => Component::Prior,
        "text_encoder" => Component::TextEncoder(1),
        "text_encoder_2" => Component::TextEncoder(2),
        "text_encoder_3" => Component::TextEncoder(3),
        _ => return None,
    })
}

/// A path with underscores for dots, as paths are matched.
pub(super) fn flat(path: &str) -> String {
    path.replace('.', "_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use Component::{TextEncoder, Transformer, Unet};

    #[test]
    fn names_of_every_spelling() {
        for (file, name, family, component, path) in [
            (
                "a",
                "model.diffusion_model.input_blocks.1.1.proj_in.weight",
                "sd15",
                Some(Unet),
                "down_blocks.0.attentions.0.proj_in",
            ),
            (
                "a",
                "model.diffusion_model.middle_block.1.transformer_blocks.0.attn1.to_q.weight",
                "sdxl",
                Some(Unet),
                "mid_block.attentions.0.transformer_blocks.0.attn1.to_q",
            ),
            ("unet/a", "conv_in.weight", "sdxl", Some(Unet), "conv_in"),
            ("a", "conv_in.weight", "sdxl", None, "conv_in"),
            ("a", "down_blocks.0.resnets.0.conv1.weight", "sd15", Some(Unet), "down_blocks.0.resnets.0.conv1"),
            (
                "a",
                "double_blocks.3.img_attn.proj.weight",
                "flux1",
                Some(Transformer),
                "transformer_blocks.3.attn.to_out.0",
            ),
            (
                "a",
                "model.diffusion_model.double_blocks.3.img_attn.qkv.weight",
                "flux1",
                Some(Transformer),
                "double_blocks.3.img_attn.qkv",
            ),
            ("transformer/a", "proj_out.weight", "flux1", Some(Transformer), "proj_out"),
            (
                "a",
                "cond_stage_model.transformer.text_model.encoder.layers.0.mlp.fc1.weight",
                "sd15",
                Some(TextEncoder(1)),
                "text_model.encoder.layers.0.mlp.fc1",
            ),
            (
                "a",
                "conditioner.embedders.1.model.transformer.resblocks.3.mlp.c_proj.weight",
                "sdxl",
                Some(TextEncoder(2)),
                "text_model.encoder.layers.3.mlp.fc2",
            ),
            (
                "m/text_encoder_2/a",
                "text_model.encoder.layers.0.mlp.fc1.weight",
                "sdxl",
                Some(TextEncoder(2)),
                "text_model.encoder.layers.0.mlp.fc1",
            ),
            ("a", "text_model.encoder.layers.0.mlp.fc1.weight", "sdxl", None, "text_model.encoder.layers.0.mlp.fc1"),
            ("a", "model.layers.0.self_attn.q_proj.weight", "llama", None, "model.layers.0.self_attn.q_proj"),
        ] {
            let found = modules(file, name, family);
            assert_eq!(found.len(), 1, "{name}");
            assert_eq!((found[0].component, found[0].path.as_str()), (component, flat(path).as_str()), "{name}");
        }
        let thirds = modules("a", "conditioner.embedders.1.model.transformer.resblocks.0.attn.in_proj_weight", "sdxl");
        let told: Vec<_> = thirds.iter().map(|n| (n.path.as_str(), n.third)).collect();
        assert_eq!(told[1], ("text_model_encoder_layers_0_self_attn_k_proj", Some(1)));
        assert!(modules("a", "model.layers.0.self_attn.q_proj.bias", "llama").is_empty());
    }
}
