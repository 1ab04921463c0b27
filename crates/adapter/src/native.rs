//! Native names: the names under which modules of all spellings meet.
//!
//! A file's own names say which family it is of; then every module that the family's layout knows by one name in each
//! spelling takes the native one (diffusers, transformers):
//!
//! | as spelled | native | rows |
//! |---|---|---|
//! | `double_blocks_3_img_attn_proj` | `transformer_blocks.3.attn.to_out.0` | the same |
//! | `double_blocks.3.img_attn.qkv.1` (a part saved apart) | `transformer_blocks.3.attn.to_k` | the same |
//! | `final_layer.adaLN_modulation.1` | `norm_out.linear` | halves swapped |
//! | `double_blocks_3_img_attn_qkv` (fused) | `double_blocks.3.img_attn.qkv` | the same |
//!
//! Fused modules are several native ones and keep a name of their own. Unknown names stay as they are, so that files
//! spelled alike still match.

use crate::layout::{self, Rows};
use crate::module::{Component, Module, ModuleKey};

/// The native key of a module of `family`, and what becomes of its rows there.
pub fn native(family: &str, key: &ModuleKey) -> (ModuleKey, Rows) {
    let (component, path, rows) = match key.component {
        // Where T5 is the second text encoder, one trainer counts it as the third.
        Component::TextEncoder(3) if layout::naming(family).two_text_encoders => {
            (Component::TextEncoder(2), key.path.clone(), Rows::Same)
        }
        Component::Transformer => named(family, &key.path)
            .map_or_else(|| (key.component, key.path.clone(), Rows::Same), |(path, rows)| (key.component, path, rows)),
        // PEFT's names do not say the part.
        Component::Model if layout::is_transformer(family) => match named(family, &key.path) {
            Some((path, rows)) => (Component::Transformer, path, rows),
            None => return (key.clone(), Rows::Same),
        },
        _ => return (key.clone(), Rows::Same),
    };
    (ModuleKey { component, path }, rows)
}

/// The native path of a module that the layout knows.
fn named(family: &str, path: &str) -> Option<(String, Rows)> {
    // A vector beside a weight is named after it.
    let vector = [".bias", ".weight"].into_iter().find(|end| path.ends_with(end)).unwrap_or("");
    let stem = &path[..path.len() - vector.len()];
    match layout::to_native(family, stem) {
        // How many parts a vector has cannot be told without the weight's inputs.
        Some(found) if found.rows == Rows::SwappedIfTwo && !vector.is_empty() => None,
        Some(found) => Some((found.path + vector, found.rows)),
        None => {
            let dotted = layout::dotted_in(family, Component::Transformer, &stem.replace('.', "_"))?;
            Some((dotted + vector, Rows::Same))
        }
    }
}

/// Gives all modules the names they have in `family`.
pub(crate) fn rename(family: &str, modules: &mut [Module]) {
    for module in modules {
        let (key, rows) = native(family, &module.key);
        let swapped = rows.swapped(module.shape.out, module.shape.inp);
        if swapped && !module.shape.out.is_multiple_of(2) {
            continue;
        }
        module.key = key;
        module.swapped ^= swapped;
    }
}

/// What lies between two spellings of one module, from what lies between each and the native one.
pub(crate) fn between(one: Rows, other: Rows) -> Rows {
    match (one, other) {
        _ if one == other => Rows::Same,
        (Rows::Same, rows) | (rows, _) => rows,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(component: Component, path: &str) -> ModuleKey {
        ModuleKey { component, path: path.to_owned() }
    }

    #[test]
    fn known_modules_take_native_names() {
        use Component::{Model, TextEncoder, Transformer, Unet};
        for (family, component, path, expected) in [
            ("flux1", Transformer, "double_blocks_3_img_attn_proj", "transformer.transformer_blocks.3.attn.to_out.0"),
            ("flux1", Transformer, "double_blocks.3.img_attn.qkv.1", "transformer.transformer_blocks.3.attn.to_k"),
            ("flux1", Transformer, "single_blocks.3.linear1.3", "transformer.single_transformer_blocks.3.proj_mlp"),
            ("flux1", Transformer, "double_blocks_3_img_attn_qkv", "transformer.double_blocks.3.img_attn.qkv"),
            (
                "flux1",
                Transformer,
                "double_blocks_3_img_mod_lin.bias",
                "transformer.transformer_blocks.3.norm1.linear.bias",
            ),
            ("flux1", Transformer, "transformer_blocks_3_attn_to_q", "transformer.transformer_blocks.3.attn.to_q"),
            ("flux1", Model, "final_layer.linear", "transformer.proj_out"),
            ("flux1", Model, "strange.thing", "model.strange.thing"),
            ("flux1", TextEncoder(3), "encoder.block.0", "text_encoder_2.encoder.block.0"),
            ("sd3", TextEncoder(3), "encoder.block.0", "text_encoder_3.encoder.block.0"),
            ("sdxl", Unet, "conv_in", "unet.conv_in"),
            ("llama", Model, "model.layers.0.self_attn.q_proj", "model.model.layers.0.self_attn.q_proj"),
            ("wan", Model, "blocks.0.cross_attn.o", "transformer.blocks.0.attn2.to_out.0"),
            ("wan", Transformer, "transformer_2.blocks.0.ffn.0", "transformer.transformer_2.blocks.0.ffn.net.0.proj"),
            ("unknown", Transformer, "double_blocks_3_img_attn_proj", "transformer.double_blocks_3_img_attn_proj"),
        ] {
            let (found, rows) = native(family, &key(component, path));
            assert_eq!((found.id().as_str(), rows), (expected, Rows::Same), "{family} {path}");
        }
    }

    #[test]
    fn swapped_halves_are_told() {
        let (found, rows) = native("flux1", &key(Component::Transformer, "final_layer_adaLN_modulation_1"));
        assert_eq!((found.path.as_str(), rows), ("norm_out.linear", Rows::SwappedHalves));
        let last = "joint_blocks.23.context_block.adaLN_modulation.1";
        assert_eq!(native("sd3", &key(Component::Transformer, last)).1, Rows::SwappedIfTwo);
        let vector = key(Component::Transformer, &format!("{last}.bias"));
        assert_eq!(native("sd3", &vector), (vector, Rows::Same), "a vector does not say how many parts it has");
        let halves = Rows::SwappedHalves;
        assert_eq!(between(Rows::Same, halves), halves);
        assert_eq!(between(halves, halves), Rows::Same);
        assert_eq!(between(halves, Rows::Same), halves);
    }
}
