//! One file's worth of low-rank change.
//!
//! Opening reads the header only: names and shapes say which modules there are, how they are spelled and which family
//! they belong to. Factors are read later, module by module ([`crate::read_modules`]).

use crate::assemble::{Assembled, assemble, no_doubles};
use crate::config::PeftConfig;
use crate::dialect::{DialectId, is_position};
use crate::error::{Error, Kind, Result, Warning};
use crate::extras::extra_warnings;
use crate::kind::KindId;
use crate::layout;
use crate::limits::Limits;
use crate::module::{Alpha, Extra, Module};
use crate::native;
use crate::safetensors::{Header, read_header};
use crate::source::Source;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The model family that an adapter was made for, as far as names and shapes tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Family {
    /// Stable id: `sd15`, `sdxl`, `flux1`, `llama`, …, or `unknown`.
    pub id: String,
    /// Name for people.
    pub title: String,
    /// 0 (unknown) to 1 (certain).
    pub confidence: f64,
    /// What it was told by.
    pub evidence: String,
}

/// An opened adapter: everything but the tensors' bytes.
#[derive(Clone, Debug)]
pub struct Adapter {
    /// What the user calls the file.
    pub label: String,
    /// Length of the file in bytes.
    pub size: u64,
    /// The checked header.
    pub header: Header,
    /// How the file spells its modules.
    pub dialect: DialectId,
    /// The model family.
    pub family: Family,
    /// Modules in file order.
    pub modules: Vec<Module>,
    /// Tensors that are no factors.
    pub extras: Vec<Extra>,
    /// The PEFT configuration, when one was given.
    pub config: Option<PeftConfig>,
    /// What is odd but does no harm.
    pub warnings: Vec<Warning>,
}

impl Adapter {
    /// Opens an adapter under the default [`Limits`]. `config_json` is the text of the adapter_config.json beside it.
    ///
    /// # Errors
    /// As [`Adapter::open_with`].
    pub fn open(source: &dyn Source, label: &str, config_json: Option<&str>) -> Result<Adapter> {
        Self::open_with(source, label, config_json, &Limits::default())
    }

    /// Opens an adapter: header and names only, never tensor bytes.
    ///
    /// # Errors
    /// `Malformed` for damaged files, half pairs, doubles and shapes that do not fit; `Unsupported`, by name, for
    /// other kinds and spellings of adapters and for files that are none; `Limit`; `Io`.
    pub fn open_with(source: &dyn Source, label: &str, config_json: Option<&str>, limits: &Limits) -> Result<Adapter> {
        open(source, label, config_json, limits).map_err(|e| e.file(label))
    }

    /// How many modules need the base model's weights.
    pub fn needing_base(&self) -> usize {
        self.modules.iter().filter(|module| module.kind.needs_base()).count()
    }

    /// Takes DoRA modules for their direction alone, without their magnitudes; a warning says so. Other kinds stay as
    /// they are.
    pub fn take_direction(&mut self) {
        let mut count = 0;
        for module in &mut self.modules {
            if let Some(direction) = module.without_magnitudes() {
                *module = direction;
                count += 1;
            }
        }
        if count > 0 {
            let message = format!(
                "Of {count} DoRA modules the direction alone is merged: their magnitudes are left out, so that the result \
                 is not what was trained."
            );
            self.warnings.push(Warning::new("dora-direction", &self.label, message));
        }
    }

    /// Gives the modules the names they have in `family`, for an adapter whose own names and shapes tell none. The
    /// adapter's family stays what it is.
    ///
    /// # Errors
    /// `Malformed` where two modules turn out to be one.
    pub fn settle(&mut self, family: &str) -> Result<()> {
        native::rename(family, &mut self.modules);
        no_doubles(&self.modules).map_err(|e| e.file(&self.label))
    }
}

fn open(source: &dyn Source, label: &str, config_json: Option<&str>, limits: &Limits) -> Result<Adapter> {
    let config = config_json.map(|text| PeftConfig::parse(text, limits)).transpose()?;
    let header = read_header(source, label, limits)?;
    let Assembled { mut modules, extras } = assemble(&header, limits)?;
    let mut all = header.warnings.clone();
    all.extend(extra_warnings(&extras, label));
    let inner = header.metadata.get("lora_adapter_metadata");
    let inner = inner.map(|text| PeftConfig::parse_metadata(text, limits)).transpose();
    let inner = inner.map_err(|e| e.key("lora_adapter_metadata"))?.unwrap_or_default();
    fill_alphas(&mut modules, config.as_ref(), &inner)?;
    no_magnitudes(&modules, config.as_ref().or_else(|| inner.values().next()))?;
    let dialect = common_dialect(&modules);
    let vectors = modules.iter_mut().filter(|m| m.kind == KindId::Vector && dialect != DialectId::Mixed);
    vectors.for_each(|m| m.dialect = dialect);
    all.extend(doubts(label, dialect, &modules, config.as_ref()));
    let family = layout::detect(&modules, &header.metadata);
    native::rename(&family.id, &mut modules);
    no_doubles(&modules)?;
    Ok(Adapter {
        label: label.to_owned(),
        size: source.len(),
        header,
        dialect,
        family,
        modules,
        extras,
        config,
        warnings: all,
    })
}

/// A configuration that says DoRA, of a file without magnitudes, must not pass for a plain LoRA's.
fn no_magnitudes(modules: &[Module], config: Option<&PeftConfig>) -> Result<()> {
    let dora = config.is_some_and(|config| config.fields.get("use_dora") == Some(&true.into()));
    if !dora || modules.iter().any(|module| module.kind == KindId::Dora) {
        return Ok(());
    }
    let error = Error::new(Kind::Malformed, "The configuration says that this is a DoRA adapter").key("use_dora");
    Err(error.expected("magnitudes (X.lora_magnitude_vector)").found("none in the file"))
}

/// Takes the alphas that have no tensor from adapter_config.json, or from the configuration inside the metadata.
fn fill_alphas(
    modules: &mut [Module],
    config: Option<&PeftConfig>,
    inner: &BTreeMap<String, PeftConfig>,
) -> Result<()> {
    for module in modules.iter_mut().filter(|m| m.alpha == Alpha::None) {
        let own = || inner.get(&module.key.component.to_string()).or_else(|| inner.get(""));
        if let Some(config) = config.or_else(own) {
            // PEFT scales whole Kronecker factors too, by the rank that the configuration names.
            if module.kind == KindId::Lokr && module.dim == 0 {
                module.dim = usize::try_from(config.rank_of(&module.key.path)?).unwrap_or_default();
            }
            if module.dim == 0 {
                continue;
            }
            module.alpha = Alpha::Value(match config.mlx_scale {
                Some(scale) => scale * module.dim as f64,
                None => config.alpha_of(&module.key.path)?,
            });
            module.rslora = config.use_rslora;
        }
    }
    Ok(())
}

/// The dialect of all modules; vectors, which are spelled alike everywhere, go along. The three old spellings of
/// diffusers go together, the commonest one counts.
fn common_dialect(modules: &[Module]) -> DialectId {
    let mut counts: BTreeMap<DialectId, usize> = BTreeMap::new();
    let only_vectors = modules.iter().all(|m| m.kind == KindId::Vector);
    for module in modules.iter().filter(|m| only_vectors || m.kind != KindId::Vector) {
        *counts.entry(module.dialect).or_default() += 1;
    }
    let old =
        |d: &DialectId| matches!(d, DialectId::DiffusersProcs | DialectId::DiffusersLora | DialectId::DiffusersLinear);
    if counts.len() > 1 && !counts.keys().all(old) {
        return DialectId::Mixed;
    }
    counts.into_iter().max_by_key(|(_, n)| *n).map_or(DialectId::Mixed, |(d, _)| d)
}

/// Warnings about spellings and scales.
fn doubts(label: &str, dialect: DialectId, modules: &[Module], config: Option<&PeftConfig>) -> Vec<Warning> {
    let mut out = Vec::new();
    let mut warn = |code: &str, message: String| out.push(Warning::new(code, label, message));
    match dialect {
        DialectId::Mixed => warn("mixed-dialects", "The file mixes several spellings of keys.".to_owned()),
        DialectId::Cloneofsimo | DialectId::SamLora if modules.iter().any(|m| is_position(&m.key, m.dialect)) => {
            let message = "Modules are known by their position only; they match files of the same trainer and model.";
            warn("positional-names", message.to_owned());
        }
        DialectId::ControlLora => {
            let message = "A ControlLoRA changes a copy of the model that reads a control picture; \
                with plain LoRAs of the model it has no meaning in common.";
            warn("control-lora", message.to_owned());
        }
        DialectId::Peft | DialectId::Mlx
            if config.is_none() && modules.iter().any(|m| m.alpha == Alpha::None && m.dim > 0) =>
        {
            let message =
                "adapter_config.json was not given, so the scale is taken as 1; add it if the adapter has one.";
            warn("no-config", message.to_owned());
        }
        _ => {}
    }
    if let Some(vera) = modules.iter().find(|m| m.kind == KindId::Vera) {
        let inputs = vera.shape.inp;
        let message = format!(
            "A VeRA file does not say how many inputs each module has: all are taken to have {inputs}, the width of vera_A."
        );
        warn("vera-inputs", message);
    }
    let Some(config) = config else { return out };
    let patterned = config.fields.get("rank_pattern").is_some_and(|v| v.as_object().is_some_and(|o| !o.is_empty()));
    if !patterned && let Some(m) = modules.iter().find(|m| m.kind == KindId::Lora && m.dim as u64 != config.r) {
        let message = format!(
            "adapter_config.json says r = {}, but {} has rank {}; the tensors' ranks are used.",
            config.r,
            m.key.id(),
            m.dim
        );
        warn("config-rank", message);
    }
    let given = |key: &str| config.fields.get(key).is_some_and(|v| !v.is_null());
    for (key, what) in [
        ("layer_replication", "The base model's layers are replicated; the merged adapter needs the same replication."),
        (
            "alora_invocation_tokens",
            "This adapter is meant to switch on after certain tokens; merged, it is always on.",
        ),
    ] {
        if given(key) {
            warn("config-field", format!("{what} ({key})"));
        }
    }
    out
}
