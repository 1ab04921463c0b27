//! Dialects: how files spell the names of factors.
use crate::error::{Error, Kind, Result};
use crate::module::ModuleKey;
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
    /// Several of them in one file.
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
/// kept where that is the dialect asked for.
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
    let _ = (dialect, raw, raw_dialect, ctx);
    Err(Error::new(Kind::Unsupported, "not yet").module(module.id()))
}
