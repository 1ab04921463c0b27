//! One layer of a language model of width 2048 with an inner width of 5632.

use super::Target;

/// The layer's projections.
pub const NAMES: [&str; 7] = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

/// The seven modules of layer 0.
pub fn layer() -> Vec<Target> {
    let (width, inner) = (2048, 5632);
    let target = |name: &&str| {
        let (part, out, inp) = match *name {
            "gate_proj" | "up_proj" => ("mlp", inner, width),
            "down_proj" => ("mlp", width, inner),
            _ => ("self_attn", width, width),
        };
        Target { name: format!("base_model.model.model.layers.0.{part}.{name}"), out, inp, conv: false }
    };
    NAMES.iter().map(target).collect()
}
