//! What a tensor is, told by its name: suffix first, then prefix.

use super::{DialectId, OutputKeys, cloneofsimo, diffusers, kohya, peft, sam_lora, xlabs};
use crate::layout::Rows;
use crate::module::ModuleKey;
use crate::part::Part;

/// A tensor that belongs to a module.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    /// Name without the suffix (or, in Sam_LoRA's spelling, without the prefix); the pieces of one module share it.
    pub base: &'a str,
    pub part: Part,
    /// The suffix's dialect; `None` for suffixes that several dialects share.
    pub dialect: Option<DialectId>,
    pub key: ModuleKey,
}

/// Suffixes, longer before shorter where one ends with the other. `Diffusers` stands for all with `lora_A`.
const SUFFIXES: [(&str, Part, DialectId); 20] = [
    (".lora_up.weight", Part::Up, DialectId::Kohya),
    (".lora_down.weight", Part::Down, DialectId::Kohya),
    ("_lora_up.weight", Part::Up, DialectId::Underscored),
    ("_lora_down.weight", Part::Down, DialectId::Underscored),
    (".lora_B.weight", Part::Up, DialectId::Diffusers),
    (".lora_A.weight", Part::Down, DialectId::Diffusers),
    (".lora_B", Part::Up, DialectId::Bare),
    (".lora_A", Part::Down, DialectId::Bare),
    (".lora.up.weight", Part::Up, DialectId::DiffusersLora),
    (".lora.down.weight", Part::Down, DialectId::DiffusersLora),
    (".lora.alpha", Part::Alpha, DialectId::DiffusersLora),
    ("_lora.up.weight", Part::Up, DialectId::DiffusersProcs),
    ("_lora.down.weight", Part::Down, DialectId::DiffusersProcs),
    ("_lora.alpha", Part::Alpha, DialectId::DiffusersProcs),
    (".lora_linear_layer.up.weight", Part::Up, DialectId::DiffusersLinear),
    (".lora_linear_layer.down.weight", Part::Down, DialectId::DiffusersLinear),
    (".lora_linear_layer.alpha", Part::Alpha, DialectId::DiffusersLinear),
    (".alpha", Part::Alpha, DialectId::Kohya),
    (".up", Part::Up, DialectId::ControlLora),
    (".down", Part::Down, DialectId::ControlLora),
];

/// What the tensor called `name` is, or `None` when it is no piece of a module.
pub(crate) fn parse(name: &str) -> Option<Piece<'_>> {
    let piece = |(base, part, key), dialect| Some(Piece { base, part, dialect: Some(dialect), key });
    if let Some(found) = cloneofsimo::parse(name) {
        return piece(found, DialectId::Cloneofsimo);
    }
    if let Some(found) = sam_lora::parse(name) {
        return piece(found, DialectId::SamLora);
    }
    if let Some(found) = xlabs::parse(name) {
        return piece(found, DialectId::Xlabs);
    }
    if let Some((base, part)) = Part::split(name) {
        let mlx = matches!(part, Part::TransposedUp | Part::TransposedDown);
        let dialect = mlx.then_some(DialectId::Mlx);
        return Some(Piece { base, part, dialect, key: plain(base).1 });
    }
    let (base, part, dialect) = split(name)?;
    let (dialect, key) = match dialect {
        DialectId::Kohya | DialectId::Underscored => (dialect, kohya::key(base)),
        DialectId::DiffusersProcs => (dialect, diffusers::processor_key(base)?),
        DialectId::Diffusers => plain(base),
        // Older versions of PEFT leave `.weight` out.
        DialectId::Bare if base.starts_with(peft::PREFIX) => plain(base),
        DialectId::Bare => (dialect, plain(base).1),
        _ => (dialect, diffusers::key(base).1),
    };
    let dialect = (part != Part::Alpha).then_some(dialect);
    Some(Piece { base, part, dialect, key })
}

/// Dialect and module of a base name, where the suffix does not tell.
fn plain(base: &str) -> (DialectId, ModuleKey) {
    match (peft::key(base), kohya::prefixed(base)) {
        (Some(key), _) => (DialectId::Peft, key),
        (None, Some(key)) => (diffusers::key(base).0, key),
        (None, None) => diffusers::key(base),
    }
}

/// Does a base name say which part of the model its module is in?
pub(crate) fn says_part(base: &str) -> bool {
    kohya::prefixed(base).is_some() || diffusers::prefix(base).is_some()
}

/// The dialect of a base name none of whose suffixes tells it.
pub(crate) fn dialect_of(base: &str) -> DialectId {
    if kohya::prefixed(base).is_some() { DialectId::Kohya } else { plain(base).0 }
}

/// Splits a name at its suffix.
fn split(name: &str) -> Option<(&str, Part, DialectId)> {
    for (suffix, part, dialect) in SUFFIXES {
        if let Some(base) = name.strip_suffix(suffix) {
            return (!base.is_empty()).then_some((base, part, dialect));
        }
    }
    // PEFT with the adapter's name kept: `X.lora_A.default.weight`.
    let (rest, adapter) = name.strip_suffix(".weight")?.rsplit_once('.')?;
    let named = |suffix: &str| rest.strip_suffix(suffix).filter(|base| !base.is_empty() && !adapter.is_empty());
    let up = named(".lora_B").map(|base| (base, Part::Up, DialectId::Diffusers));
    up.or_else(|| named(".lora_A").map(|base| (base, Part::Down, DialectId::Diffusers)))
}

/// The name that the missing `part` of the module with the tensor `name` would have.
pub(crate) fn counterpart(name: &str, part: Part) -> String {
    const PAIRS: [(&str, &str); 16] = [
        ("_lora_up.", "_lora_down."),
        ("_lora_down.", "_lora_up."),
        (".lora_up.", ".lora_down."),
        (".lora_down.", ".lora_up."),
        (".lora_B.", ".lora_A."),
        (".lora_A.", ".lora_B."),
        (".lora_B", ".lora_A"),
        (".lora_A", ".lora_B"),
        (".up.weight", ".down.weight"),
        (".down.weight", ".up.weight"),
        (":up", ":down"),
        (":down", ":up"),
        ("w_a_", "w_b_"),
        ("w_b_", "w_a_"),
        (".up", ".down"),
        (".down", ".up"),
    ];
    if let (Some(ending), Some((base, _))) = (part.ending(), Part::split(name)) {
        return format!("{base}{ending}");
    }
    if let Some((base, own)) = Part::split(name) {
        let endings = if own == Part::Mid { [".lora_up.weight", ".lora_down.weight"] } else { [".lora_B", ".lora_A"] };
        return format!("{base}{}", endings[usize::from(part != Part::Up)]);
    }
    let found = PAIRS.iter().find(|(own, _)| name.contains(own) || name.ends_with(own.trim_end_matches('.')));
    let trimmed = |(own, other): &(&'static str, &'static str)| match name.contains(own) {
        true => (*own, *other),
        false => (own.trim_end_matches('.'), other.trim_end_matches('.')),
    };
    found.map(trimmed).map_or_else(String::new, |(own, other)| name.replacen(own, other, 1))
}

/// The end of a tensor's name that tells what it is, for messages.
pub(crate) fn ending(name: &str) -> &str {
    let rest = parse(name).and_then(|piece| name.strip_prefix(piece.base));
    rest.map_or(name, |rest| rest.trim_start_matches(['.', '_', ':']))
}

/// A module's tensor names, from its base name in the dialect's own spelling.
pub(super) fn keys(dialect: DialectId, base: &str) -> OutputKeys {
    let (up, down) = match dialect {
        DialectId::Kohya | DialectId::Mixed => (".lora_up.weight", ".lora_down.weight"),
        DialectId::Underscored => ("_lora_up.weight", "_lora_down.weight"),
        DialectId::Peft | DialectId::Diffusers | DialectId::Comfy => (".lora_B.weight", ".lora_A.weight"),
        DialectId::Bare => (".lora_B", ".lora_A"),
        DialectId::DiffusersProcs => ("_lora.up.weight", "_lora.down.weight"),
        DialectId::DiffusersLora => (".lora.up.weight", ".lora.down.weight"),
        DialectId::DiffusersLinear => (".lora_linear_layer.up.weight", ".lora_linear_layer.down.weight"),
        DialectId::Xlabs => (".up.weight", ".down.weight"),
        DialectId::Mlx => (".lora_b", ".lora_a"),
        DialectId::ControlLora => (".up", ".down"),
        DialectId::Cloneofsimo => (":up", ":down"),
        DialectId::SamLora => ("w_b_", "w_a_"),
    };
    let alpha = (dialect == DialectId::Kohya).then(|| format!("{base}.alpha"));
    let key = |mark: &str| match dialect {
        DialectId::SamLora => format!("{mark}{base}"),
        _ => format!("{base}{mark}"),
    };
    OutputKeys { up: key(up), down: key(down), alpha, rows: Rows::Same }
}
