//! Which modules the files share, and why not.

use super::{Finding, Level, count, listed};
use rankweave_adapter::display::clean;
use rankweave_adapter::{Adapter, fix};
use rankweave_merge::{Group, disagreement};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What two files have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overlap {
    /// Index of the first file.
    pub a: usize,
    /// Index of the second.
    pub b: usize,
    /// Modules that both have.
    pub shared: usize,
    /// Modules of the first that the second lacks.
    pub only_a: usize,
    /// Modules of the second that the first lacks.
    pub only_b: usize,
    /// Shared modules as a share of the file that has fewer, 0 to 1.
    pub share: f64,
}

/// A module whose size is not the same in all files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShapeConflict {
    /// Display name of the module.
    pub module: String,
    /// File (as index) and its size of the module, such as `320×768`.
    pub sizes: Vec<(usize, String)>,
}

/// Every pair of files, in order.
pub(super) fn overlaps(adapters: &[&Adapter], groups: &[Group]) -> Vec<Overlap> {
    let n = adapters.len();
    // In a group a file may stand twice where it spells one module in two ways.
    let mut shared: Vec<usize> = vec![0; n * n];
    let mut own: Vec<usize> = vec![0; n];
    for group in groups {
        let files: BTreeSet<usize> = group.iter().map(|(a, _)| *a).collect();
        for &a in &files {
            own[a] += 1;
            files.range(a + 1..).for_each(|b| shared[a * n + b] += 1);
        }
    }
    let pairs = (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b)));
    let overlap = |(a, b): (usize, usize)| {
        let both = shared[a * n + b];
        let fewer = own[a].min(own[b]);
        let share = both as f64 / fewer.max(1) as f64;
        Overlap { a, b, shared: both, only_a: own[a] - both, only_b: own[b] - both, share }
    };
    pairs.map(overlap).collect()
}

/// All modules that files disagree about, in the order of their names.
pub(super) fn shapes(adapters: &[&Adapter], groups: &[Group]) -> Vec<ShapeConflict> {
    let conflicting = groups.iter().filter(|group| disagreement(adapters, group).is_some());
    let conflict = |group: &Group| ShapeConflict {
        module: group.first().map(|&(a, m)| adapters[a].modules[m].key.id()).unwrap_or_default(),
        sizes: group.iter().map(|&(a, m)| (a, adapters[a].modules[m].shape.to_string())).collect(),
    };
    conflicting.map(conflict).collect()
}

/// What the overlaps mean.
pub(super) fn findings(
    adapters: &[&Adapter],
    groups: &[Group],
    overlaps: &[Overlap],
    shapes: &[ShapeConflict],
) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    found.extend(families(adapters, overlaps));
    found.extend(overlaps.iter().filter_map(|overlap| disjoint(adapters, overlap)));
    found.extend(sizes(adapters, shapes));
    let everywhere = groups.iter().filter(|g| files(g).len() == adapters.len()).count();
    if adapters.len() > 1 && everywhere == groups.len() && shapes.is_empty() {
        let all: Vec<usize> = (0..adapters.len()).collect();
        let text = format!(
            "{} in every adapter",
            if everywhere == 1 { "The one module is".into() } else { format!("All {everywhere} modules are") }
        );
        found.push(Finding::new("all-shared", Level::Good, &all, text, ""));
    } else if overlaps.iter().any(|o| o.shared > 0) {
        found.extend((0..adapters.len()).filter_map(|a| alone(adapters, groups, a)));
    }
    found
}

fn files(group: &Group) -> BTreeSet<usize> {
    group.iter().map(|(a, _)| *a).collect()
}

/// One finding for each two families that files are made for.
fn families(adapters: &[&Adapter], overlaps: &[Overlap]) -> Vec<Finding> {
    let mut pairs: Vec<[&Overlap; 2]> = Vec::new();
    let ids = |o: &Overlap| {
        let mut ids = [o.a, o.b].map(|i| adapters[i].family.id.as_str());
        ids.sort_unstable();
        ids
    };
    for overlap in overlaps {
        let [a, b] = ids(overlap);
        if a == b || a == "unknown" || b == "unknown" {
            continue;
        }
        // The first pair of files is named, the best one counts.
        match pairs.iter_mut().find(|[first, _]| ids(first) == [a, b]) {
            Some([_, best]) if best.shared < overlap.shared => *best = overlap,
            Some(_) => {}
            None => pairs.push([overlap, overlap]),
        }
    }
    let finding = |[first, best]: [&Overlap; 2]| {
        let (a, b) = (adapters[first.a], adapters[first.b]);
        let (shared, level, but) = match best.shared {
            0 => ("0 modules".into(), Level::Bad, ""),
            n => (count(n, "module"), Level::Warn, " by name, though they are different models"),
        };
        let whose = format!("{} is for the one, {} for the other", clean(&a.label, 120), clean(&b.label, 120));
        let text = format!("{} and {} share {shared}{but}: {whose}", a.family.title, b.family.title);
        Finding::new("different-families", level, &[first.a, first.b], text, fix("different-families"))
    };
    pairs.into_iter().map(finding).collect()
}

/// Two files without a module in common, though not known to be of two families.
fn disjoint(adapters: &[&Adapter], overlap: &Overlap) -> Option<Finding> {
    let (a, b) = (adapters[overlap.a], adapters[overlap.b]);
    let one_family = a.family.id == b.family.id || a.family.id == "unknown" || b.family.id == "unknown";
    if overlap.shared > 0 || !one_family {
        return None;
    }
    let pair = [overlap.a, overlap.b];
    let (first, second) = (clean(&a.label, 120), clean(&b.label, 120));
    let only_text = |a: &Adapter| a.modules.iter().all(|m| m.key.component.is_text_encoder());
    let no_text = |a: &Adapter| !a.modules.iter().any(|m| m.key.component.is_text_encoder());
    if only_text(a) && no_text(b) || no_text(a) && only_text(b) {
        let text =
            format!("{first} and {second} complete each other: one changes the text encoder, the other the model");
        return Some(Finding::new("complementary", Level::Good, &pair, text, ""));
    }
    let positional = |a: &Adapter| a.warnings.iter().any(|w| w.code == "positional-names");
    if positional(a) != positional(b) {
        let (numbered, named) = if positional(a) { (first, second) } else { (second, first) };
        let text = format!("{numbered} numbers its modules, {named} names them, so that none can be matched");
        let fix = "Merge the numbered file with others of the same trainer and model only.";
        return Some(Finding::new("no-overlap", Level::Warn, &pair, text, fix));
    }
    let sizes = (count(a.modules.len(), "module"), count(b.modules.len(), "module"));
    let text = format!("{first} ({}) and {second} ({}) share no module", sizes.0, sizes.1);
    let fix = "Check that both are for the same base model; the result carries each beside the other.";
    Some(Finding::new("no-overlap", Level::Warn, &pair, text, fix))
}

/// One finding for each set of files that disagree about sizes.
fn sizes(adapters: &[&Adapter], shapes: &[ShapeConflict]) -> Vec<Finding> {
    let mut sets: Vec<(Vec<usize>, &ShapeConflict, usize)> = Vec::new();
    for shape in shapes {
        let files: Vec<usize> = shape.sizes.iter().map(|(a, _)| *a).collect();
        match sets.iter_mut().find(|(known, ..)| *known == files) {
            Some((.., n)) => *n += 1,
            None => sets.push((files, shape, 1)),
        }
    }
    let finding = |(files, first, n): (Vec<usize>, &ShapeConflict, usize)| {
        let names = listed(files.iter().map(|a| clean(&adapters[*a].label, 120)));
        let sizes = listed(first.sizes.iter().map(|(_, size)| size));
        let more = if n > 1 { ", for example" } else { ":" };
        let (what, module) = (count(n, "module"), clean(&first.module, 120));
        let text = format!("{names} disagree about the size of {what}{more} {module} ({sizes})");
        let fix = "Remove one: they were made for different base models.";
        Finding::new("size-conflict", Level::Bad, &files, text, fix)
    };
    sets.into_iter().map(finding).collect()
}

/// Modules that one file has and no other.
fn alone(adapters: &[&Adapter], groups: &[Group], a: usize) -> Option<Finding> {
    let own = || groups.iter().filter(|g| g.iter().all(|(file, _)| *file == a));
    let n = own().count();
    let all = groups.iter().filter(|g| g.iter().any(|(file, _)| *file == a)).count();
    // A file that shares nothing at all has been told of.
    if n == 0 || n == all {
        return None;
    }
    let text =
        own().filter(|g| g.first().is_some_and(|&(a, m)| adapters[a].modules[m].key.component.is_text_encoder()));
    let inside = match text.count() {
        0 => String::new(),
        all if all == n => ", all in text encoders,".into(),
        some => format!(", {some} of them in text encoders,"),
    };
    let (adapter, verb) = (adapters[a], if n == 1 { "is" } else { "are" });
    let of = format!("{n} of {}", count(all, "module"));
    let text =
        format!("{of} of {}{inside} {verb} in no other adapter and taken from it alone", clean(&adapter.label, 120));
    Some(Finding::new("only-in-one", Level::Info, &[a], text, ""))
}
