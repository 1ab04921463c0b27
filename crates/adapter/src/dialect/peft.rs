//! PEFT's names: `base_model.model.` and the path in the model.

use super::{DialectId, NamingContext, diffusers, kohya};
use crate::layout;
use crate::module::{Component, ModuleKey};

pub(super) const PREFIX: &str = "base_model.model.";

/// The module of a base name that PEFT wrote: with its prefix, or without any prefix and of a model that no layout
/// of an image model claims.
pub(super) fn key(base: &str) -> Option<ModuleKey> {
    if let Some(path) = base.strip_prefix(PREFIX) {
        let component = layout::component_of(path, layout::Heads::Sure).unwrap_or(Component::Model);
        return Some(ModuleKey { component, path: path.to_owned() });
    }
    let (_, key) = diffusers::key(base);
    (key.component == Component::Model && kohya::prefixed(base).is_none()).then_some(key)
}

/// The base name of a module, or why there is none.
pub(super) fn base(module: &ModuleKey, raw: DialectId, ctx: NamingContext) -> Result<String, &'static str> {
    diffusers::native_path(module, raw, ctx).map(|path| format!("{PREFIX}{path}"))
}
