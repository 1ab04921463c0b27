//! cloneofsimo's names: `unet:12:up`, `text_encoder:3:down`.
//!
//! Modules are known by their position in the list of adapted layers, so they match other files of this dialect only.

use crate::module::{Component, ModuleKey};
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
