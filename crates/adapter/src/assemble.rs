//! From tensors to modules: pairs found, shapes checked, what is left over sorted out.

use crate::dialect::{self, DialectId, Part};
use crate::dtype;
use crate::error::{Error, Kind, Result};
use crate::extras::extra;
use crate::layout;
use crate::limits::Limits;
use crate::module::{Alpha, Component, Extra, Module, ModuleKey, ModuleShape};
use crate::safetensors::{Header, TensorInfo};
use std::collections::HashMap;

/// Modules and other tensors of a file; alphas from configurations are filled in later.
pub(crate) struct Assembled {
    pub modules: Vec<Module>,
    pub extras: Vec<Extra>,
}

/// The tensors of one module, as they are found.
struct Pair<'a> {
    base: &'a str,
    dialect: DialectId,
    key: ModuleKey,
    up: Option<usize>,
    down: Option<usize>,
}

/// Sorts a file's tensors into modules and extras.
///
/// # Errors
/// `Unsupported` for other kinds of adapters, `Malformed` for half pairs, doubles and shapes that do not fit.
pub(crate) fn assemble(header: &Header, limits: &Limits) -> Result<Assembled> {
    let mut pairs: Vec<Pair> = Vec::new();
    let mut index: HashMap<(&str, DialectId), usize> = HashMap::new();
    let mut alphas: Vec<(usize, &str)> = Vec::new();
    let mut others = Vec::new();
    for (i, tensor) in header.tensors.iter().enumerate() {
        let Some(piece) = dialect::parse(&tensor.name) else {
            others.push(i);
            continue;
        };
        if piece.part == Part::Alpha {
            alphas.push((i, piece.base));
            continue;
        }
        let at = *index.entry((piece.base, piece.dialect)).or_insert_with(|| {
            pairs.push(Pair { base: piece.base, dialect: piece.dialect, key: piece.key, up: None, down: None });
            pairs.len() - 1
        });
        let slot = if piece.part == Part::Up { &mut pairs[at].up } else { &mut pairs[at].down };
        if slot.replace(i).is_some() {
            return Err(Error::new(Kind::Unsupported, "The file holds several adapters for one module")
                .key(&tensor.name)
                .hint("Save each adapter to a file of its own."));
        }
    }
    let names: Vec<&str> = others.iter().map(|i| header.tensors[*i].name.as_str()).collect();
    if let Some(refusal) = dialect::refusal(&names) {
        return Err(refusal);
    }
    if pairs.is_empty() {
        let all: Vec<&str> = header.tensors.iter().map(|t| t.name.as_str()).collect();
        return Err(dialect::not_an_adapter(&all));
    }
    adopt(&mut pairs);
    let (by_base, orphans) = place_alphas(&alphas, &pairs, header)?;
    let modules = pairs.iter().map(|p| module(p, by_base.get(p.base).copied(), header, limits));
    let modules = modules.collect::<Result<Vec<_>>>()?;
    no_doubles(&modules)?;
    let mut extras: Vec<Extra> = others.iter().map(|i| extra(*i, header)).collect();
    extras.extend(orphans.iter().map(|i| Extra {
        tensor: *i,
        name: header.tensors[*i].name.clone(),
        reason: "alpha without factors".to_owned(),
    }));
    Ok(Assembled { modules, extras })
}

/// Modules outside the blocks (`proj_out`, `conv_in`) have names that many models share. When PEFT's names, which do
/// not say the part, have blocks of a denoiser, such modules belong to it as well.
fn adopt(pairs: &mut [Pair]) {
    let denoiser =
        |p: &&Pair| p.dialect == DialectId::Peft && matches!(p.key.component, Component::Unet | Component::Transformer);
    let Some(denoiser) = pairs.iter().find(denoiser).map(|p| p.key.component) else { return };
    for pair in pairs.iter_mut().filter(|p| p.key.component == Component::Model) {
        if layout::component_of(&pair.key.path, layout::Heads::All) == Some(denoiser) {
            pair.key.component = denoiser;
            if pair.dialect == DialectId::Diffusers {
                pair.dialect = DialectId::Peft;
            }
        }
    }
}

type Placed<'a> = (HashMap<&'a str, usize>, Vec<usize>);

/// Alphas by base name, and those without a pair.
fn place_alphas<'a>(alphas: &[(usize, &'a str)], pairs: &[Pair], header: &Header) -> Result<Placed<'a>> {
    let bases: std::collections::HashSet<&str> = pairs.iter().map(|p| p.base).collect();
    let (mut placed, mut orphans) = (HashMap::new(), Vec::new());
    for (i, base) in alphas {
        let tensor = &header.tensors[*i];
        if !bases.contains(base) {
            orphans.push(*i);
            continue;
        }
        if tensor.elements() != 1
            || dtype::decode_scalar(tensor.dtype, &[0; 8][..dtype::size_of(tensor.dtype)]).is_none()
        {
            return Err(Error::new(Kind::Malformed, "An alpha is not one number")
                .key(&tensor.name)
                .expected("one real number")
                .found(format!("{} of shape {:?}", tensor.dtype, tensor.shape)));
        }
        if let Some(other) = placed.insert(*base, *i) {
            return Err(Error::new(Kind::Malformed, "A module has two alphas")
                .key(&tensor.name)
                .found(format!("also {}", header.tensors[other].name)));
        }
    }
    Ok((placed, orphans))
}

/// One pair as a module, its shapes checked.
fn module(pair: &Pair, alpha: Option<usize>, header: &Header, limits: &Limits) -> Result<Module> {
    let id = pair.key.id();
    let (Some(up), Some(down)) = (pair.up, pair.down) else {
        let present = &header.tensors[pair.up.or(pair.down).unwrap_or_default()].name;
        return Err(Error::new(Kind::Malformed, "Half of a factor pair is missing")
            .module(id)
            .key(present)
            .expected(format!("also {}", dialect::counterpart(present)))
            .hint("The file is incomplete; download it again or save it again."));
    };
    let (shape, rank) = shapes(&header.tensors[up], &header.tensors[down], limits).map_err(|e| e.module(id))?;
    Ok(Module {
        key: pair.key.clone(),
        raw: pair.base.to_owned(),
        dialect: pair.dialect,
        shape,
        rank,
        up,
        down,
        alpha: alpha.map_or(Alpha::None, Alpha::Tensor),
        rslora: false,
    })
}

/// Shape and rank of a pair: up `[out, r]` or `[out, r, 1, …]`, down `[r, in]` or `[r, in, kernel…]`.
fn shapes(up: &TensorInfo, down: &TensorInfo, limits: &Limits) -> Result<(ModuleShape, usize)> {
    for t in [up, down] {
        if !dtype::is_factor_type(t.dtype) {
            let error = Error::new(Kind::Unsupported, "The factors are stored in a number type that is not read");
            return Err(error
                .key(&t.name)
                .expected("F32, F16, BF16 or F64")
                .found(t.dtype.to_string())
                .hint("Save the adapter as F16 or BF16."));
        }
        if t.elements() > limits.factor_elements {
            let error = Error::new(Kind::Limit, "A factor is too large").key(&t.name);
            return Err(error
                .expected(format!("at most {} numbers", limits.factor_elements))
                .found(format!("{:?}", t.shape)));
        }
    }
    let misfit = |what: &str| {
        let found = format!("up {:?}, down {:?}", up.shape, down.shape);
        Error::new(Kind::Malformed, what).key(&up.name).expected("up [out, r] and down [r, in, kernel…]").found(found)
    };
    let (&[out, r, ref ones @ ..], &[down_r, inp, ref kernel @ ..]) = (&*up.shape, &*down.shape) else {
        return Err(misfit("A factor has too few dimensions"));
    };
    if r != down_r || ones.iter().any(|n| *n != 1) {
        return Err(misfit("The two factors of a pair do not fit together"));
    }
    if !kernel.is_empty() && !ones.is_empty() && kernel.len() != ones.len() {
        return Err(misfit("The two factors of a pair are of different convolutions"));
    }
    if [out, inp, r].contains(&0) || kernel.contains(&0) {
        return Err(misfit("A factor is empty"));
    }
    if r > limits.rank {
        return Err(Error::new(Kind::Limit, "The rank is too high")
            .key(&up.name)
            .expected(format!("at most {}", limits.rank))
            .found(r.to_string()));
    }
    // Some files store a 1×1 convolution's down factor without its two ones.
    let kernel = if kernel.is_empty() { ones } else { kernel };
    let size = |n: u64| usize::try_from(n).map_err(|_| misfit("A factor is too large for this machine"));
    let kernel = kernel.iter().map(|k| size(*k)).collect::<Result<_>>()?;
    Ok((ModuleShape { out: size(out)?, inp: size(inp)?, kernel }, size(r)?))
}

/// One module must not be spelled in two ways in one file.
fn no_doubles(modules: &[Module]) -> Result<()> {
    let mut seen: HashMap<String, &Module> = HashMap::new();
    for module in modules {
        if let Some(other) = seen.insert(module.key.matching(), module) {
            return Err(Error::new(Kind::Malformed, "One module has two factor pairs")
                .module(module.key.id())
                .key(&module.raw)
                .found(format!("also {}", other.raw))
                .hint("The file mixes two spellings; save it again with one."));
        }
    }
    Ok(())
}
