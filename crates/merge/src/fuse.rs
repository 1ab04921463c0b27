//! Modules that some spellings keep as one and others as several: q, k and v of an attention, and the like.
//!
//! kohya's and ComfyUI's names of a Flux model have one module `img_attn.qkv` where diffusers' have `to_q`, `to_k` and
//! `to_v`: the rows of the one are those of the others, one after the other. Adapters of both kinds meet in the form
//! that the output's spelling wants. Both ways are exact:
//!
//! ```text
//! parts of a whole    ΔW_q = B[rows of q]·A
//! whole of parts      ΔW   = [B_q 0 0; 0 B_k 0; 0 0 B_v]·[A_q; A_k; A_v], or [B_q; B_k; B_v]·A where all A are one
//! ```

use crate::align::{Group, aligned, family};
use rankweave_adapter::layout::{fusion_of_part, fusion_of_whole};
use rankweave_adapter::{Adapter, Component, DialectId, Error, Kind, Module, ModuleKey, ModuleShape, Result};
use std::collections::BTreeMap;

/// Which rows of a source's ΔW go to which rows of the output's module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// First row in the source.
    pub from: usize,
    /// First row in the output's module.
    pub to: usize,
    /// How many.
    pub rows: usize,
}

/// A module of the output, before it has names.
pub(crate) struct Joined {
    /// (adapter, module) of its sources; one adapter may have several.
    pub members: Group,
    /// One per member; none where every member is the whole module.
    pub cuts: Vec<Cut>,
    /// Its key and shape, where they are no member's.
    pub made: Option<(ModuleKey, ModuleShape)>,
}

/// A whole module and its parts, as far as the adapters have them.
struct Family {
    component: Component,
    whole: Option<Group>,
    parts: Vec<Part>,
}

/// Brings all groups into the form that `dialect` wants, where it matters. `family` is the output's.
///
/// # Errors
/// `Mismatch` where a whole and its parts meet, and the shape does not say where one part ends.
pub(crate) fn reshape(
    groups: Vec<Group>,
    adapters: &[&Adapter],
    family: &str,
    dialect: DialectId,
) -> Result<Vec<Joined>> {
    let mut joined = Vec::with_capacity(groups.len());
    let mut families: BTreeMap<(Component, String), Family> = BTreeMap::new();
    for group in groups {
        let module = first(adapters, &group);
        let (component, path, shape) = (module.key.component, &module.key.path, &module.shape);
        if !shape.kernel.is_empty() {
            joined.push(plain(group));
        } else if let Some(part) = fusion_of_part(family, path) {
            let entry = families.entry((component, part.whole)).or_insert_with(|| Family::new(component, part.parts));
            match entry.parts.get_mut(part.index) {
                Some((_, _, slot)) if slot.is_none() => *slot = Some(group),
                _ => joined.push(plain(group)),
            }
        } else if let Some(fusion) = fusion_of_whole(family, path, shape.out, shape.inp) {
            let (paths, rows): (Vec<_>, Vec<_>) = fusion.parts.into_iter().unzip();
            let entry = families.entry((component, fusion.whole)).or_insert_with(|| Family::new(component, paths));
            entry.parts.iter_mut().zip(rows).for_each(|(part, rows)| part.1 = Some(rows));
            entry.whole = Some(group);
        } else {
            joined.push(plain(group));
        }
    }
    for ((_, whole), entry) in families {
        entry.decide(whole, adapters, family, dialect, &mut joined)?;
    }
    Ok(joined)
}

/// All modules as a merge in the first adapter's spelling has them: a fused module and its parts are together, and one
/// adapter may stand in a group several times. Where they cannot be brought together they stay apart.
pub fn joined(adapters: &[&Adapter]) -> Vec<Group> {
    let Some(first) = adapters.first() else { return Vec::new() };
    match reshape(aligned(adapters), adapters, &family(adapters).id, first.dialect) {
        Ok(joined) => joined.into_iter().map(|module| module.members).collect(),
        Err(_) => aligned(adapters),
    }
}

fn first<'a>(adapters: &'a [&'a Adapter], group: &Group) -> &'a Module {
    &adapters[group[0].0].modules[group[0].1]
}

fn plain(members: Group) -> Joined {
    Joined { members, cuts: Vec::new(), made: None }
}

/// The spellings of original names, which have whole modules.
fn wants_whole(dialect: DialectId) -> bool {
    matches!(dialect, DialectId::Kohya | DialectId::Comfy)
}

impl Family {
    fn new(component: Component, parts: Vec<String>) -> Family {
        Family { component, whole: None, parts: parts.into_iter().map(|path| (path, None, None)).collect() }
    }

    fn decide(
        self,
        path: String,
        adapters: &[&Adapter],
        family: &str,
        dialect: DialectId,
        joined: &mut Vec<Joined>,
    ) -> Result<()> {
        let Family { component, whole, parts } = self;
        let have_parts = parts.iter().any(|part| part.2.is_some());
        let groups = || whole.iter().chain(parts.iter().filter_map(|part| part.2.as_ref()));
        let kept = dialect == DialectId::Mixed
            || component == Component::Model
            || groups().flatten().all(|(a, m)| adapters[*a].modules[*m].dialect == dialect);
        let meet = whole.is_some() && have_parts;
        if !meet && (kept || wants_whole(dialect) == whole.is_some()) {
            joined.extend(whole.into_iter().chain(parts.into_iter().filter_map(|part| part.2)).map(plain));
            return Ok(());
        }
        let inp = groups().next().map_or(0, |group| first(adapters, group).shape.inp);
        let Some(rows) = rows(&parts, adapters, family, &path, inp) else {
            let place = groups().next().map_or(String::new(), |group| first(adapters, group).key.id());
            return Err(Error::new(Kind::Mismatch, "A fused module and its parts cannot be brought together")
                .module(place)
                .expected("a shape that says where one part ends")
                .hint("Keep the spelling that the adapters have, and merge adapters of one spelling only."));
        };
        let sizes = Sizes::new(rows, inp);
        let sized = parts.iter().zip(&sizes.rows).filter_map(|(part, rows)| Some((part.2.as_ref()?, *rows)));
        for (group, out) in whole.iter().map(|group| (group, sizes.total)).chain(sized) {
            sizes.check(adapters, group, out)?;
        }
        if wants_whole(dialect) {
            joined.push(put_together(component, path, whole, parts, &sizes));
        } else {
            joined.extend(taken_apart(component, whole.as_ref(), parts, &sizes));
        }
        Ok(())
    }
}

/// Where the parts of a whole lie in its rows.
struct Sizes {
    rows: Vec<usize>,
    starts: Vec<usize>,
    total: usize,
    inp: usize,
}

impl Sizes {
    fn new(rows: Vec<usize>, inp: usize) -> Sizes {
        let mut total = 0;
        let start = |rows: &usize| {
            total += rows;
            total - rows
        };
        let starts = rows.iter().map(start).collect();
        Sizes { rows, starts, total, inp }
    }

    /// Are the modules of `group` of `out` rows?
    fn check(&self, adapters: &[&Adapter], group: &Group, out: usize) -> Result<()> {
        for (a, m) in group {
            let (adapter, module) = (&adapters[*a], &adapters[*a].modules[*m]);
            if (module.shape.out, module.shape.columns()) != (out, self.inp) {
                let what = "A fused module and its parts are of different sizes";
                return Err(Error::new(Kind::Mismatch, what)
                    .file(&adapter.label)
                    .module(module.key.id())
                    .expected(format!("{out}×{}", self.inp))
                    .found(module.shape.to_string())
                    .hint("These adapters were made for different base models. Remove one of them."));
            }
        }
        Ok(())
    }

    fn shape(&self, out: usize) -> ModuleShape {
        ModuleShape { out, inp: self.inp, kernel: Vec::new() }
    }
}

/// A part's path, its rows where they are known, the adapters' modules.
type Part = (String, Option<usize>, Option<Group>);

/// The whole module, of wholes and parts.
fn put_together(component: Component, path: String, whole: Option<Group>, parts: Vec<Part>, sizes: &Sizes) -> Joined {
    let all = Cut { from: 0, to: 0, rows: sizes.total };
    let mut members: Vec<_> = whole.into_iter().flatten().map(|member| (member, all)).collect();
    for (((_, _, group), to), rows) in parts.into_iter().zip(&sizes.starts).zip(&sizes.rows) {
        let cut = Cut { from: 0, to: *to, rows: *rows };
        members.extend(group.into_iter().flatten().map(|member| (member, cut)));
    }
    members.sort_by_key(|((adapter, _), cut)| (*adapter, cut.to));
    let (members, cuts) = members.into_iter().unzip();
    Joined { members, cuts, made: Some((ModuleKey { component, path }, sizes.shape(sizes.total))) }
}

/// Every part, of wholes and parts.
fn taken_apart(component: Component, whole: Option<&Group>, parts: Vec<Part>, sizes: &Sizes) -> Vec<Joined> {
    let part = |(((path, _, group), from), rows): ((Part, &usize), &usize)| {
        let cut = |from| Cut { from, to: 0, rows: *rows };
        let mut members: Vec<_> = whole.into_iter().flatten().map(|member| (*member, cut(*from))).collect();
        members.extend(group.into_iter().flatten().map(|member| (member, cut(0))));
        members.sort_by_key(|((adapter, _), _)| *adapter);
        let (members, cuts) = members.into_iter().unzip();
        Joined { members, cuts, made: Some((ModuleKey { component, path }, sizes.shape(*rows))) }
    };
    parts.into_iter().zip(&sizes.starts).zip(&sizes.rows).map(part).collect()
}

/// Rows of every part: told by the whole, or by the parts that are there.
fn rows(parts: &[Part], adapters: &[&Adapter], family: &str, whole: &str, inp: usize) -> Option<Vec<usize>> {
    let known = |(_, rows, group): &Part| rows.or_else(|| group.as_ref().map(|group| first(adapters, group).shape.out));
    let known: Vec<Option<usize>> = parts.iter().map(known).collect();
    if let Some(all) = known.iter().copied().collect::<Option<Vec<_>>>() {
        return Some(all);
    }
    // Some part is in no adapter: its rows follow from the others', by what the family says of the whole.
    let multiples = (1..=64).map(|n| inp * n);
    let alike = known.iter().flatten().map(|rows| rows * parts.len());
    alike.chain(multiples).find_map(|out| {
        let rows: Vec<usize> = fusion_of_whole(family, whole, out, inp)?.parts.into_iter().map(|part| part.1).collect();
        let fits = rows.iter().zip(&known).all(|(rows, known)| known.is_none_or(|known| known == *rows));
        fits.then_some(rows)
    })
}
