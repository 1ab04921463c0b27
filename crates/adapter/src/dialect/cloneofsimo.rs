//! cloneofsimo's names: `unet:12:up`, `text_encoder:3:down`.
//!
//! Modules are known by their position in the list of adapted layers. The metadata names the classes whose layers are
//! counted; with them, the number of positions and all shapes, the list of Stable Diffusion 1 or 2 is recognised and
//! every position gets its module's name. Otherwise it matches files of this dialect only.

use crate::module::{Component, Module, ModuleKey};
use crate::part::Part;

/// Base name (`unet:12`), part and module of a tensor.
pub(super) fn parse(name: &str) -> Option<(&str, Part, ModuleKey)> {
    let (base, part) = name.rsplit_once(':')?;
    let part = match part {
        "up" => Part::Up,
        "down" => Part::Down,
        _ => return None,
    };
    let (model, position) = base.rsplit_once(':')?;
    let component = match model {
        "unet" => Component::Unet,
        "text_encoder" => Component::TextEncoder(1),
        "text_encoder_2" => Component::TextEncoder(2),
        _ => Component::Model,
    };
    let plain = !position.is_empty() && position.bytes().all(|b| b.is_ascii_digit());
    let path = if component == Component::Model { base.to_owned() } else { position.to_owned() };
    plain.then_some((base, part, ModuleKey { component, path }))
}

/// A layer: its name, rows and columns.
type Layer = (String, usize, usize);

/// Attention blocks of the U-Net in the order in which it registers them, the middle last: name, attentions, channels.
const BLOCKS: [(&str, usize, usize); 7] = [
    ("down_blocks.0", 2, 320),
    ("down_blocks.1", 2, 640),
    ("down_blocks.2", 2, 1280),
    ("up_blocks.1", 3, 1280),
    ("up_blocks.2", 3, 640),
    ("up_blocks.3", 3, 320),
    ("mid_block", 1, 1280),
];

/// Where a transformer block registers its perceptron: older versions between the two attentions, later ones behind
/// them; or it is not adapted at all.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Perceptron {
    None,
    Between,
    Last,
}

/// The U-Net's adapted layers in order, with so many numbers from the text encoder.
fn unet(context: usize, perceptron: Perceptron) -> Vec<Layer> {
    let mut out = Vec::new();
    for (block, attentions, c) in BLOCKS {
        for i in 0..attentions {
            let head = format!("{block}.attentions.{i}.transformer_blocks.0");
            let attention = |name: &str, inp: usize, out: &mut Vec<Layer>| {
                for (layer, inp) in [("to_q", c), ("to_k", inp), ("to_v", inp), ("to_out.0", c)] {
                    out.push((format!("{head}.{name}.{layer}"), c, inp));
                }
            };
            let inner = (format!("{head}.ff.net.0.proj"), 8 * c, c);
            attention("attn1", c, &mut out);
            out.extend((perceptron == Perceptron::Between).then(|| inner.clone()));
            attention("attn2", context, &mut out);
            out.extend((perceptron == Perceptron::Last).then_some(inner));
        }
    }
    out
}

/// The adapted layers of CLIP's text encoder in order.
fn text(layers: usize, width: usize) -> Vec<Layer> {
    let names = ["k_proj", "v_proj", "q_proj", "out_proj"];
    let layer = |i: usize| names.map(|n| (format!("text_model.encoder.layers.{i}.self_attn.{n}"), width, width));
    (0..layers).flat_map(layer).collect()
}

/// Names of modules of one part of the model, in the order of their positions. `classes` is the metadata's list.
pub(super) fn names(component: Component, classes: &str, modules: &[&Module]) -> Option<Vec<String>> {
    let classes: Vec<String> = serde_json::from_str(classes).ok()?;
    let only = |known: &[&str]| classes.iter().all(|c| known.contains(&c.as_str()));
    let has = |class: &str| classes.iter().any(|c| c == class);
    let lists = match component {
        Component::Unet if only(&["CrossAttention", "Attention", "GEGLU"]) && has("CrossAttention") => {
            let orders: &[Perceptron] =
                if has("GEGLU") { &[Perceptron::Between, Perceptron::Last] } else { &[Perceptron::None] };
            [768, 1024].into_iter().flat_map(|n| orders.iter().map(move |order| unet(n, *order))).collect()
        }
        Component::TextEncoder(1) if only(&["CLIPAttention"]) => vec![text(12, 768), text(23, 1024)],
        _ => Vec::new(),
    };
    let fits = |list: &Vec<Layer>| {
        list.len() == modules.len()
            && list.iter().zip(modules).all(|((_, out, inp), m)| (m.shape.out, m.shape.inp) == (*out, *inp))
    };
    Some(lists.into_iter().find(fits)?.into_iter().map(|(name, ..)| name).collect())
}
