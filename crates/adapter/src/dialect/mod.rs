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
//! | kohya, underscored | `lora_unet_unet_X_lora_up.weight` | `_lora_down.weight` | none |
//! | XLabs | `double_blocks.0.processor.qkv_lora1.up.weight` | `.down.weight` | none |
//! | bare | `X.lora_B` | `X.lora_A` | none |
//! | MLX | `X.lora_b`, transposed | `X.lora_a`, transposed | adapter_config.json |
//! | ControlLoRA | `X.up` | `X.down` | none |
//! | cloneofsimo | `unet:12:up` | `unet:12:down` | none |
//! | Sam_LoRA | `w_b_003` | `w_a_003` | none |
//!
//! Reading goes name by name: `parse` says what a tensor is; positions get their names when all modules are known
//! (`name_positions`). Writing goes module by module: [`output_keys`].

mod cloneofsimo;
mod comfy;
mod diffusers;
mod foreign;
mod kohya;
mod names;
mod peft;
mod sam_lora;
mod xlabs;

pub(crate) use diffusers::key as dotted_key;
pub(crate) use foreign::{MERGE_INTO_BASE, not_an_adapter, refusal};
pub(crate) use kohya::written_base;
pub(crate) use names::{counterpart, dialect_of, ending, parse, says_part};

use crate::error::{Error, Kind, Result};
use crate::layout::Rows;
use crate::module::{Component, Module, ModuleKey};
use crate::native::{between, native};
use crate::part::Part;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// `lora_unet_unet_X_lora_up.weight`.
    Underscored,
    /// `double_blocks.0.processor.qkv_lora1.up.weight`.
    Xlabs,
    /// `X.lora_B`, `X.lora_A`.
    Bare,
    /// `X.lora_b`, `X.lora_a`, both transposed.
    Mlx,
    /// `X.up`, `X.down`.
    ControlLora,
    /// `unet:12:up`.
    Cloneofsimo,
    /// `w_b_003`, `w_a_003`.
    SamLora,
    /// Several of them in one file; written, each module keeps its own.
    Mixed,
}

impl DialectId {
    /// All of them.
    pub const ALL: [DialectId; 15] = [
        DialectId::Kohya,
        DialectId::Peft,
        DialectId::Diffusers,
        DialectId::DiffusersProcs,
        DialectId::DiffusersLora,
        DialectId::DiffusersLinear,
        DialectId::Comfy,
        DialectId::Underscored,
        DialectId::Xlabs,
        DialectId::Bare,
        DialectId::Mlx,
        DialectId::ControlLora,
        DialectId::Cloneofsimo,
        DialectId::SamLora,
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
            DialectId::Underscored => "underscored",
            DialectId::Xlabs => "xlabs",
            DialectId::Bare => "bare",
            DialectId::Mlx => "mlx",
            DialectId::ControlLora => "control_lora",
            DialectId::Cloneofsimo => "cloneofsimo",
            DialectId::SamLora => "sam_lora",
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
            DialectId::Underscored => "kohya, underscored",
            DialectId::Xlabs => "XLabs",
            DialectId::Bare => "bare lora_A, lora_B",
            DialectId::Mlx => "MLX",
            DialectId::ControlLora => "ControlLoRA",
            DialectId::Cloneofsimo => "cloneofsimo",
            DialectId::SamLora => "Sam_LoRA",
            DialectId::Mixed => "mixed",
        }
    }

    /// The dialect that a file of this one is written in when none is asked for: its own, but for MLX, whose transposed
    /// factors are written as PEFT's.
    pub fn written(self) -> DialectId {
        if self == DialectId::Mlx { DialectId::Peft } else { self }
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
    /// What becomes of the rows of the native module under these names.
    pub rows: Rows,
}

impl OutputKeys {
    /// The spellings that have a name for a whole difference, for people.
    pub const WHOLE: &'static str = "kohya, ComfyUI or diffusers";

    /// The names of the module as a whole difference, ΔW itself in one tensor: the first alone. `None` where the spelling
    /// has no such name.
    pub fn whole(&self) -> Option<OutputKeys> {
        let piece = parse(&self.up)?;
        matches!(piece.dialect, Some(DialectId::Kohya | DialectId::Comfy | DialectId::Diffusers)).then_some(())?;
        let up = format!("{}{}", piece.base, Part::Diff.ending()?);
        Some(OutputKeys { up, down: String::new(), alpha: None, rows: self.rows })
    }
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
    let dialect = if dialect == DialectId::Mixed { raw_dialect.written() } else { dialect };
    let cannot = |why: &str| {
        Error::new(Kind::Unsupported, format!("This module has no name in the {} dialect", dialect.title()))
            .module(module.id())
            .key(raw)
            .found(why)
            .hint(format!("Keep the keys as they are, in the {} dialect.", raw_dialect.title()))
    };
    let (known, rows) = native(ctx.family, module);
    let mut keys = if dialect == raw_dialect && dialect == dialect.written() {
        names::keys(dialect, raw)
    } else if is_position(module, raw_dialect) {
        return Err(cannot("a position in a list instead of a name"));
    } else if raw_dialect == DialectId::SamLora {
        return Err(cannot("a part of a fused module, which has no name of its own in the model"));
    } else {
        let mapped = match dialect {
            DialectId::Kohya => kohya::base(&known, ctx).map(|base| (dialect, base)),
            DialectId::Peft => peft::base(&known, raw_dialect, ctx).map(|base| (dialect, base)),
            DialectId::Diffusers => diffusers::base(&known, raw_dialect, ctx).map(|base| (dialect, base)),
            DialectId::DiffusersProcs | DialectId::DiffusersLora | DialectId::DiffusersLinear => {
                diffusers::old_base(dialect, &known, raw_dialect, ctx)
            }
            DialectId::Comfy => comfy::base(&known, ctx).map(|base| (dialect, base)),
            _ => Err("names of this dialect are only kept"),
        };
        let (own, base) = mapped.map_err(cannot)?;
        let keys = names::keys(own, &base);
        if !reads_back(&keys.up, &known, own, ctx) {
            return Err(cannot("a name that would be read as another module"));
        }
        keys
    };
    let read = parse(&keys.up).map_or(Rows::Same, |piece| native(ctx.family, &piece.key).1);
    keys.rows = between(rows, read);
    Ok(keys)
}

/// Would a reader find `module` under this name? PEFT's names do not say the part, so the path decides.
fn reads_back(up: &str, module: &ModuleKey, dialect: DialectId, ctx: NamingContext) -> bool {
    let flat = |path: &str| path.replace('.', "_");
    let Some(piece) = parse(up) else { return false };
    let (read, _) = native(ctx.family, &piece.key);
    match dialect {
        DialectId::Peft => flat(&read.path) == flat(&module.path),
        _ => read.matching() == module.matching(),
    }
}

/// Is the module known by its position only?
pub(crate) fn is_position(module: &ModuleKey, raw_dialect: DialectId) -> bool {
    if !matches!(raw_dialect, DialectId::Cloneofsimo | DialectId::SamLora) {
        return false;
    }
    let position = module.path.rsplit(':').next().unwrap_or_default();
    !position.is_empty() && position.bytes().all(|b| b.is_ascii_digit())
}

/// Gives names to modules that are known by their positions, where the whole list is one that is known.
pub(crate) fn name_positions(modules: &mut [Module], metadata: &BTreeMap<String, String>) {
    let parts = [Component::Unet, Component::TextEncoder(1), Component::Model];
    for component in parts {
        let place = |m: &Module| is_position(&m.key, m.dialect).then(|| m.key.path.parse::<usize>().ok()).flatten();
        let counted = modules.iter().enumerate().filter(|(_, m)| m.key.component == component);
        let mut order: Vec<(usize, usize)> = counted.filter_map(|(i, m)| Some((place(m)?, i))).collect();
        order.sort_unstable();
        if order.iter().enumerate().any(|(i, (place, _))| i != *place) {
            continue;
        }
        let list: Vec<&Module> = order.iter().map(|(_, i)| &modules[*i]).collect();
        let names = match component {
            Component::Model => sam_lora::names(&list),
            _ => metadata.get(&component.to_string()).and_then(|classes| cloneofsimo::names(component, classes, &list)),
        };
        for ((_, i), name) in order.iter().zip(names.into_iter().flatten()) {
            modules[*i].key.path = name;
        }
    }
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
                .hint(
                    "Write diffusers or kohya keys, which name the part; or convert one part at a time, with --part.",
                ))
        }
        _ => Ok(()),
    }
}
