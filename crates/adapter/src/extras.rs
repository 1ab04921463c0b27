//! Tensors that are no factors: what they are, and a word about them.
//!
//! Files carry whole saved modules, embeddings and strays beside the factor pairs. None is dropped in silence.

use crate::error::Warning;
use crate::module::Extra;
use crate::safetensors::Header;

/// Why a tensor is no factor.
pub(crate) fn extra(tensor: usize, header: &Header) -> Extra {
    let name = &header.tensors[tensor].name;
    let embedding = header.metadata.get(name).is_some_and(|v| v == "<embed>")
        || name.starts_with('<') && name.ends_with('>')
        || ["bundle_emb.", "emb_params"].iter().any(|s| name.starts_with(s))
        || name.contains("string_to_param");
    let reason = match () {
        () if embedding => "embedding",
        () if name.contains("trainable_tokens") || name.contains("token_adapter") => "trained tokens",
        () if name.starts_with("base_model.model.") => "saved module",
        () if name == "lora_controlnet" => "mark of a ControlLoRA",
        () if name.ends_with("_norm.scale") => "whole norm weight",
        () if name.ends_with(".scalar") => "training scalar, already in the factors",
        () => "unknown",
    };
    Extra { tensor, name: name.clone(), reason: reason.to_owned() }
}

/// One warning for each reason, with a count and one example.
pub(crate) fn extra_warnings(extras: &[Extra], file: &str) -> Vec<Warning> {
    let mut reasons: Vec<(&str, usize, &str)> = Vec::new();
    for e in extras {
        match reasons.iter_mut().find(|(reason, ..)| *reason == e.reason) {
            Some((_, count, _)) => *count += 1,
            None => reasons.push((&e.reason, 1, &e.name)),
        }
    }
    let warning = |(reason, count, name): (&str, usize, &str)| {
        let message = match count {
            1 => format!("One tensor is no factor ({reason})."),
            n => format!("{n} tensors are no factors ({reason})."),
        };
        Warning::new("extra-tensors", file, message).key(name)
    };
    reasons.into_iter().map(warning).collect()
}
