//! From tensors to modules: pairs found, shapes checked, what is left over sorted out.

use crate::dialect::{self, DialectId};
use crate::dtype;
use crate::error::{Error, Kind, Result};
use crate::extras::extra;
use crate::kind::{self, KindId, Measured};
use crate::layout;
use crate::limits::Limits;
use crate::module::{Alpha, Component, Extra, Module, ModuleKey};
use crate::part::Part;
use crate::safetensors::Header;
use std::collections::HashMap;

/// Modules and other tensors of a file; alphas from configurations are filled in later.
pub(crate) struct Assembled {
    pub modules: Vec<Module>,
    pub extras: Vec<Extra>,
}

/// The tensors of one module, as they are found.
struct Group<'a> {
    base: &'a str,
    dialect: Option<DialectId>,
    key: ModuleKey,
    parts: Vec<(Part, usize)>,
}

/// Sorts a file's tensors into modules and extras.
///
/// # Errors
/// `Unsupported` for other kinds of adapters, `Malformed` for half pairs, doubles and shapes that do not fit.
pub(crate) fn assemble(header: &Header, limits: &Limits) -> Result<Assembled> {
    let mut groups: Vec<Group> = Vec::new();
    let mut index: HashMap<(&str, Option<Part>), usize> = HashMap::new();
    let mut alphas: Vec<(usize, &str)> = Vec::new();
    let (mut others, mut shared) = (Vec::new(), Vec::new());
    for (i, tensor) in header.tensors.iter().enumerate() {
        if let Some(part) = Part::shared(&tensor.name) {
            shared.push((part, i));
            continue;
        }
        let piece = dialect::parse(&tensor.name).filter(|piece| piece.part == Part::Alpha || kind::reads(piece.part));
        let Some(mut piece) = piece else {
            others.push(i);
            continue;
        };
        if piece.part == Part::Alpha {
            alphas.push((i, piece.base));
            continue;
        }
        if piece.part == Part::Diff && tensor.shape.len() == 1 {
            piece.part = Part::DiffVector;
        }
        let vector = piece.part.vector();
        if let Some(what) = vector {
            piece.key.path = format!("{}.{what}", piece.key.path);
        }
        let at = *index.entry((piece.base, vector.map(|_| piece.part))).or_insert_with(|| {
            groups.push(Group { base: piece.base, dialect: None, key: piece.key, parts: Vec::new() });
            groups.len() - 1
        });
        let group = &mut groups[at];
        if let (Some(own), Some(new)) = (group.dialect, piece.dialect)
            && own != new
        {
            return Err(two_pairs(&group.key, &tensor.name, &header.tensors[group.parts[0].1].name));
        }
        group.dialect = group.dialect.or(piece.dialect);
        if group.parts.iter().any(|(part, _)| *part == piece.part) {
            return Err(several(&tensor.name));
        }
        group.parts.push((piece.part, i));
    }
    share(&mut groups, &shared, &mut others, header)?;
    let names: Vec<&str> = others.iter().map(|i| header.tensors[*i].name.as_str()).collect();
    if let Some(refusal) = dialect::refusal(&names) {
        return Err(refusal);
    }
    if groups.is_empty() {
        let all: Vec<&str> = header.tensors.iter().map(|t| t.name.as_str()).collect();
        return Err(dialect::not_an_adapter(&all));
    }
    siblings(&mut groups);
    adopt(&mut groups);
    let (by_base, orphans) = place_alphas(&alphas, &groups, header)?;
    let modules = groups.into_iter().map(|group| {
        let alpha = by_base.get(group.base).copied();
        module(group, alpha, header, limits)
    });
    let mut modules = modules.collect::<Result<Vec<_>>>()?;
    dialect::name_positions(&mut modules, &header.metadata);
    scale_biases(&mut modules);
    no_doubles(&modules)?;
    let mut extras: Vec<Extra> = others.iter().map(|i| extra(*i, header)).collect();
    extras.extend(orphans.iter().map(|i| Extra {
        tensor: *i,
        name: header.tensors[*i].name.clone(),
        reason: "alpha without factors".to_owned(),
    }));
    Ok(Assembled { modules, extras })
}

fn several(name: &str) -> Error {
    let error = Error::new(Kind::Unsupported, "The file holds several adapters for one module").key(name);
    error.hint("Save each adapter to a file of its own.")
}

/// Gives VeRA's projections to every module that needs them.
fn share(groups: &mut [Group], shared: &[(Part, usize)], others: &mut Vec<usize>, header: &Header) -> Result<()> {
    for (at, (part, tensor)) in shared.iter().enumerate() {
        if shared[..at].iter().any(|(other, _)| other == part) {
            return Err(several(&header.tensors[*tensor].name));
        }
        let mut taken = false;
        for group in groups.iter_mut().filter(|g| g.parts.iter().any(|(p, _)| matches!(p, Part::VeraB | Part::VeraD))) {
            group.parts.push((*part, *tensor));
            taken = true;
        }
        if !taken {
            others.push(*tensor);
        }
    }
    Ok(())
}

/// Vectors are spelled alike in every dialect: they take that of the pair beside them.
fn siblings(groups: &mut [Group]) {
    let known: HashMap<&str, DialectId> = groups.iter().filter_map(|g| Some((g.base, g.dialect?))).collect();
    for group in groups.iter_mut().filter(|group| group.dialect.is_none()) {
        group.dialect = known.get(group.base).copied();
    }
}

/// The bias of an up factor is scaled as its pair is.
fn scale_biases(modules: &mut [Module]) {
    if modules.iter().all(|m| m.part(Part::UpBias).is_none()) {
        return;
    }
    let pairs = modules.iter().filter(|m| m.part(Part::Up).is_some());
    let dims: HashMap<String, usize> = pairs.map(|m| (m.raw.clone(), m.dim)).collect();
    for module in modules.iter_mut().filter(|m| m.part(Part::UpBias).is_some()) {
        module.dim = dims.get(&module.raw).copied().unwrap_or(0);
    }
}

/// Modules outside the blocks (`proj_out`, `conv_in`) have names that many models share. When names that do not say the
/// part (PEFT's, and bare ones) have blocks of a denoiser, such modules belong to it as well.
fn adopt(groups: &mut [Group]) {
    let silent = |group: &Group| !dialect::says_part(group.base);
    let denoiser =
        |group: &&Group| silent(group) && matches!(group.key.component, Component::Unet | Component::Transformer);
    let Some(found) = groups.iter().find(denoiser) else { return };
    let (denoiser, spelled) = (found.key.component, found.dialect);
    for group in groups.iter_mut().filter(|group| group.key.component == Component::Model) {
        if silent(group) && layout::component_of(&group.key.path, layout::Heads::All) == Some(denoiser) {
            group.key.component = denoiser;
            group.dialect = group.dialect.and(spelled);
        }
    }
}

type Placed<'a> = (HashMap<&'a str, usize>, Vec<usize>);

/// Alphas by base name, and those without a pair.
fn place_alphas<'a>(alphas: &[(usize, &'a str)], groups: &[Group], header: &Header) -> Result<Placed<'a>> {
    let bases: std::collections::HashSet<&str> = groups.iter().map(|group| group.base).collect();
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

/// A group as a module, its shapes checked.
fn module(group: Group, alpha: Option<usize>, header: &Header, limits: &Limits) -> Result<Module> {
    let Group { base, dialect, key, mut parts } = group;
    parts.sort_unstable();
    let measured = kind::measure(&kind::Parts { list: &parts, header, limits });
    let (kind, Measured { mut shape, rank, dim, direction }) = measured.map_err(|e| e.module(key.id()))?;
    // LyCORIS flattens convolutions; the name may tell their kernel.
    if shape.kernel.is_empty()
        && matches!(direction.map_or(kind, |(kind, _)| kind), KindId::Loha | KindId::Lokr)
        && let Some(kernel) = layout::kernel(&key, shape.inp)
    {
        shape.inp /= kernel.iter().product::<usize>();
        shape.kernel = kernel.to_vec();
    }
    Ok(Module {
        key,
        raw: dialect::written_base(base),
        dialect: dialect.unwrap_or_else(|| dialect::dialect_of(base)),
        kind,
        shape,
        rank,
        dim,
        parts,
        swapped: false,
        alpha: alpha.map_or(Alpha::None, Alpha::Tensor),
        rslora: false,
        direction,
        base: None,
    })
}

/// One module must not be spelled in two ways in one file.
pub(crate) fn no_doubles(modules: &[Module]) -> Result<()> {
    let mut seen: HashMap<String, &Module> = HashMap::new();
    for module in modules {
        if let Some(other) = seen.insert(module.key.matching(), module) {
            return Err(two_pairs(&module.key, &module.raw, &other.raw));
        }
    }
    Ok(())
}

fn two_pairs(key: &ModuleKey, one: &str, other: &str) -> Error {
    Error::new(Kind::Malformed, "One module has two factor pairs")
        .module(key.id())
        .key(one)
        .found(format!("also {other}"))
        .hint("The file mixes two spellings; save it again with one.")
}
