//! Dialects: how files spell the names of factors.
//!
//! | dialect | up factor | down factor | alpha |
//! |---|---|---|---|
//! | kohya | `lora_unet_X.lora_up.weight` | `.lora_down.weight` | `.alpha` |
//! | PEFT | `base_model.model.X.lora_B.weight` | `.lora_A.weight` | adapter_config.json |
//! | diffusers | `unet.X.lora_B.weight` | `.lora_A.weight` | metadata, or none |
//! | diffusers, attention processors | `….processor.to_q_lora.up.weight` | `_lora.down.weight` | none |
//! | diffusers, lora.up | `unet.X.lora.up.weight` | `.lora.down.weight` | none |
//! | diffusers, lora_linear_layer | `text_encoder.X.lora_linear_layer.up.weight` | `….down.weight` | none |
//! | ComfyUI | `diffusion_model.X.lora_B.weight` | `.lora_A.weight` | `.alpha`, or none |
//! | cloneofsimo | `unet:12:up` | `unet:12:down` | none |
//!
//! Reading goes name by name: `parse` says what a tensor is. Writing goes module by module: [`output_keys`].

mod cloneofsimo;
mod diffusers;
mod foreign;
mod kohya;
mod names;
mod peft;

pub(crate) use foreign::{not_an_adapter, refusal};
pub(crate) use names::{counterpart, dialect_of, ending, parse};

use crate::error::{Error, Kind, Result};
use crate::module::{Component, ModuleKey};
use serde::{Deserialize, Serialize};

/// A way of spelling keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DialectId {
    /// `lora_unet_X.lora_up.weight`, `.lora_down.weight`, `.alpha`.
    Kohya,
    /// `base_model.model.X.lora_B.weight`, `.lora_A.weight`, and adapter_config.json.
    Peft,
    /// `unet.X.lora_B.weight`, `.lora_A.weight`.
    Diffusers,
    /// `….processor.to_q_lora.up.weight`.
    DiffusersProcs,
    /// `unet.X.lora.up.weight`.
    DiffusersLora,
    /// `text_encoder.X.lora_linear_layer.up.weight`.
    DiffusersLinear,
    /// `diffusion_model.X.lora_B.weight`.
    Comfy,
    /// `unet:12:up`.
    Cloneofsimo,
    /// Several of them in one file; written, each module keeps its own.
    Mixed,
}

impl DialectId {
    /// All of them.
    pub const ALL: [DialectId; 9] = [
        DialectId::Kohya,
        DialectId::Peft,
        DialectId::Diffusers,
        DialectId::DiffusersProcs,
        DialectId::DiffusersLora,
        DialectId::DiffusersLinear,
        DialectId::Comfy,
        DialectId::Cloneofsimo,
        DialectId::Mixed,
    ];

    /// Stable id, such as `diffusers_procs`.
    pub fn id(self) -> &'static str {
        match self {
            DialectId::Kohya => "kohya",
            DialectId::Peft => "peft",
            DialectId::Diffusers => "diffusers",
            DialectId::DiffusersProcs => "diffusers_procs",
            DialectId::DiffusersLora => "diffusers_lora",
            DialectId::DiffusersLinear => "diffusers_linear",
            DialectId::Comfy => "comfy",
            DialectId::Cloneofsimo => "cloneofsimo",
            DialectId::Mixed => "mixed",
        }
    }

    /// Name for people.
    pub fn title(self) -> &'static str {
        match self {
            DialectId::Kohya => "kohya",
            DialectId::Peft => "PEFT",
            DialectId::Diffusers => "diffusers",
            DialectId::DiffusersProcs => "diffusers, attention processors",
            DialectId::DiffusersLora => "diffusers, lora.up",
            DialectId::DiffusersLinear => "diffusers, lora_linear_layer",
            DialectId::Comfy => "ComfyUI",
            DialectId::Cloneofsimo => "cloneofsimo",
            DialectId::Mixed => "mixed",
        }
    }

    /// The dialect with this id.
    pub fn from_id(id: &str) -> Option<DialectId> {
        Self::ALL.into_iter().find(|d| d.id() == id)
    }
}

/// The names of one module's tensors in an output file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputKeys {
    /// Name of the up factor.
    pub up: String,
    /// Name of the down factor.
    pub down: String,
    /// Name of the alpha tensor, where the dialect has one.
    pub alpha: Option<String>,
}

/// What naming needs to know beside the module.
#[derive(Clone, Copy, Debug, Default)]
pub struct NamingContext<'a> {
    /// Family id of the output, such as `sdxl`.
    pub family: &'a str,
}

/// The names of `module`'s tensors in `dialect`. `raw` and `raw_dialect` are its spelling in the file it comes from,
/// kept where that is the dialect asked for; [`DialectId::Mixed`] keeps every module's own.
///
/// # Errors
/// `Unsupported`, naming the module, when the name cannot be mapped.
pub fn output_keys(
    dialect: DialectId,
    module: &ModuleKey,
    raw: &str,
    raw_dialect: DialectId,
    ctx: NamingContext,
) -> Result<OutputKeys> {
    let dialect = if dialect == DialectId::Mixed { raw_dialect } else { dialect };
    let cannot = |why: &str| {
        Error::new(Kind::Unsupported, format!("This module has no name in the {} dialect", dialect.title()))
            .module(module.id())
            .key(raw)
            .found(why)
            .hint(format!("Keep the keys as they are, in the {} dialect.", raw_dialect.title()))
    };
    if dialect == raw_dialect {
        return Ok(names::keys(dialect, raw));
    }
    if raw_dialect == DialectId::Cloneofsimo {
        return Err(cannot("a position in a list instead of a name"));
    }
    let mapped = match dialect {
        DialectId::Kohya => kohya::base(module, ctx).map(|base| (dialect, base)),
        DialectId::Peft => peft::base(module, raw_dialect).map(|base| (dialect, base)),
        DialectId::Diffusers => diffusers::base(module, raw_dialect).map(|base| (dialect, base)),
        DialectId::DiffusersProcs | DialectId::DiffusersLora | DialectId::DiffusersLinear => {
            diffusers::old_base(dialect, module, raw_dialect)
        }
        DialectId::Comfy | DialectId::Cloneofsimo | DialectId::Mixed => Err("names of this dialect are only kept"),
    };
    let (own, base) = mapped.map_err(cannot)?;
    let keys = names::keys(own, &base);
    if !reads_back(&keys.up, module, own) {
        return Err(cannot("a name that would be read as another module"));
    }
    Ok(keys)
}

/// Would a reader find `module` under this name? PEFT's names do not say the part, so the path decides.
fn reads_back(up: &str, module: &ModuleKey, dialect: DialectId) -> bool {
    let flat = |path: &str| path.replace('.', "_");
    parse(up).is_some_and(|piece| match dialect {
        DialectId::Peft => flat(&piece.key.path) == flat(&module.path),
        _ => piece.key.matching() == module.matching(),
    })
}

/// Checks that the modules of one output file can stand together in `dialect`: PEFT's names do not say which part of
/// a model they belong to, so a PEFT file holds one part only. Takes each module's key and its dialect as read.
///
/// # Errors
/// `Unsupported`, naming a module of a second part.
pub fn check_components<'a>(
    dialect: DialectId,
    modules: impl IntoIterator<Item = (&'a ModuleKey, DialectId)>,
) -> Result<()> {
    if dialect != DialectId::Peft {
        return Ok(());
    }
    let (mut first, mut foreign): (Option<Component>, bool) = (None, false);
    let mut second = None;
    for (key, raw_dialect) in modules {
        foreign |= raw_dialect != DialectId::Peft;
        if *first.get_or_insert(key.component) != key.component {
            second = second.or(Some(key));
        }
    }
    match (first, second, foreign) {
        (Some(first), Some(key), true) => {
            Err(Error::new(Kind::Unsupported, "A PEFT adapter holds one part of a model only")
                .module(key.id())
                .expected(format!("modules of {first} alone"))
                .found(format!("modules of {} too", key.component))
                .hint("Write diffusers or kohya keys, which name the part."))
        }
        _ => Ok(()),
    }
}
