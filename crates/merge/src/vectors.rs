//! Names for vectors, the changes of biases and norms.
//!
//! The dialect they come in keeps their names. kohya and ComfyUI spell them too; where the output's dialect has no
//! spelling they are left out, which a warning says.

use rankweave_adapter::layout::Rows;
use rankweave_adapter::{
    Adapter, DialectId, Error, Kind, ModuleKey, NamingContext, Part, Result, Warning, output_keys,
};

/// The most names that a message lists.
const LISTED: usize = 5;

/// The name of the vector with these sources in `dialect`, if it has one there, and what becomes of its rows.
pub(crate) fn key(
    adapters: &[Adapter],
    sources: &[(usize, usize)],
    dialect: DialectId,
    context: NamingContext,
) -> Option<(String, Rows)> {
    let module = |&(a, m): &(usize, usize)| (&adapters[a], &adapters[a].modules[m]);
    let mut all = sources.iter().map(module);
    let own = all.find(|(_, m)| m.dialect == dialect || dialect == DialectId::Mixed);
    if let Some((adapter, module)) = own {
        let (part, tensor) = *module.parts.first()?;
        let rows = if module.swapped { Rows::SwappedHalves } else { Rows::Same };
        // Beside an alpha the bias of an up factor would be scaled once more.
        if part == Part::UpBias && module.dialect == DialectId::Kohya {
            return Some((format!("{}{}", module.raw, Part::DiffBias.ending()?), rows));
        }
        return adapter.header.tensors.get(tensor).map(|tensor| (tensor.name.clone(), rows));
    }
    if !matches!(dialect, DialectId::Kohya | DialectId::Comfy) {
        return None;
    }
    let (_, module) = sources.first().map(module)?;
    let part = module.parts.first()?.0;
    let (path, _) = module.key.path.rsplit_once('.')?;
    let changed = ModuleKey { component: module.key.component, path: path.to_owned() };
    let keys = output_keys(dialect, &changed, &module.raw, module.dialect, context).ok()?;
    let pair = if dialect == DialectId::Kohya { ".lora_up.weight" } else { ".lora_B.weight" };
    let ending = if part == Part::UpBias { Part::DiffBias } else { part }.ending()?;
    Some((format!("{}{ending}", keys.up.strip_suffix(pair)?), keys.rows))
}

/// The vectors that the output cannot hold.
pub(crate) struct LeftOut {
    dialect: DialectId,
    count: usize,
    names: Vec<String>,
}

impl LeftOut {
    pub(crate) fn new(dialect: DialectId) -> LeftOut {
        LeftOut { dialect, count: 0, names: Vec::new() }
    }

    pub(crate) fn note(&mut self, raw: &str, part: Part) {
        self.count += 1;
        if self.names.len() < LISTED {
            self.names.push(format!("{raw}{}", part.ending().unwrap_or_default()));
        }
    }

    /// What was left out, if anything was.
    pub(crate) fn warning(&self) -> Option<Warning> {
        let more = if self.count > self.names.len() { ", …" } else { "" };
        let (count, names) = (self.count, self.names.join(", "));
        let message = format!(
            "{count} changes of biases and norms are left out, since {} keys have no names for them: {names}{more}",
            self.dialect.title()
        );
        (count > 0).then(|| Warning { code: "left-out".into(), message, place: Default::default() })
    }

    /// The error where nothing else was there.
    pub(crate) fn error(&self, silenced: usize) -> Result<()> {
        if self.count == 0 || silenced > 0 {
            return Ok(());
        }
        let what =
            format!("The adapters change biases and norms alone, which {} keys cannot hold", self.dialect.title());
        Err(Error::new(Kind::Unsupported, what).hint("Keep the keys as they are, or write kohya keys."))
    }
}
