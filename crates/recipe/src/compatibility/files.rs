//! What is found file by file, and what differs harmlessly between them.

use super::{FileFacts, Finding, Level, count, listed};
use rankweave_adapter::KindId;
use rankweave_adapter::display::clean;
use rankweave_adapter::fix;
use rankweave_adapter::hash::Verdict;
use std::collections::BTreeSet;

/// Findings about single files, then harmless differences.
pub(super) fn findings(files: &[FileFacts]) -> Vec<Finding> {
    let alone = files.len() == 1;
    let mut found = Vec::new();
    for (i, file) in files.iter().enumerate() {
        found.extend(needs(i, file));
        found.extend(accelerators(i, file, alone));
        found.extend(hashes(i, file));
        found.extend(numbers(i, file));
    }
    if !alone {
        found.extend(differences(files));
    }
    found
}

/// Kinds that depend on the base model.
fn needs(i: usize, file: &FileFacts) -> Option<Finding> {
    let kinds: Vec<KindId> =
        file.kinds.keys().filter_map(|id| KindId::from_id(id)).filter(|k| k.needs_base()).collect();
    let name = clean(&file.file, 120);
    let titles = listed(kinds.iter().map(|kind| kind.title()));
    let text = format!("What {name} changes depends on the base model's weights ({titles})");
    let fix = match kinds.as_slice() {
        [] => return None,
        [KindId::Dora] => "Give the base checkpoint to the merge, or take its direction alone, without its magnitudes.",
        _ => "Give the base checkpoint to the merge; only the weights needed are read.",
    };
    Some(Finding::new("needs-base", Level::Warn, &[i], text, fix))
}

fn accelerators(i: usize, file: &FileFacts, alone: bool) -> Option<Finding> {
    let accelerator = file.accelerator.as_ref()?;
    let name = clean(&file.file, 120);
    let (level, more) = if alone { (Level::Info, "") } else { (Level::Warn, ": merging it with others blurs images") };
    let text =
        format!("{name} looks like an accelerator ({}, by its {}){more}", accelerator.name, accelerator.evidence);
    let fix = "Keep it apart: load it beside the merged adapter, with its own number of steps.";
    Some(Finding::new("accelerator", level, &[i], text, fix))
}

fn hashes(i: usize, file: &FileFacts) -> Vec<Finding> {
    let name = clean(&file.file, 120);
    let told = |claim: &rankweave_adapter::hash::Claim| {
        let (level, what) = match claim.verdict {
            Verdict::Wrong => (Level::Warn, "that of another file"),
            Verdict::OfNothing => (Level::Info, "that of no bytes"),
            Verdict::NotADigest => (Level::Info, "no hash"),
            Verdict::Right | Verdict::Unknown => return None,
        };
        let text = format!("The {} that {name} states is {what}", claim.key);
        let fix = "Nothing for the merge: the merged file states its own, true hashes.";
        Some(Finding::new("wrong-hash", level, &[i], text, fix))
    };
    file.claims.iter().filter_map(told).collect()
}

fn numbers(i: usize, file: &FileFacts) -> Vec<Finding> {
    let Some(scan) = &file.scan else { return Vec::new() };
    let name = clean(&file.file, 120);
    let mut found = Vec::new();
    if let Some(first) = scan.broken.first() {
        let key = clean(&first.key, 200);
        let text = format!(
            "{} of {name} hold numbers that are not finite: {key} has {} from byte {}, {}",
            count(scan.broken_tensors, "tensor"),
            first.value,
            first.offset,
            count(first.count as usize, "number")
        );
        found.push(Finding::new("not-finite", Level::Bad, &[i], text, fix("not-finite")));
    }
    let (dead, all) = (scan.untrained.len(), file.modules);
    if let Some(first) = scan.untrained.first() {
        let (level, text) = if dead == all {
            (Level::Warn, format!("{name} is untrained: all its modules are zero, so that it does nothing"))
        } else {
            let first = clean(first, 120);
            (Level::Info, format!("{dead} of {} of {name} are untrained, such as {first}", count(all, "module")))
        };
        let fix = if dead == all { "Leave it out, or use a later checkpoint." } else { "" };
        found.push(Finding::new("untrained", level, &[i], text, fix));
    }
    found
}

/// Differences that need no care.
fn differences(files: &[FileFacts]) -> Vec<Finding> {
    let all: Vec<usize> = (0..files.len()).collect();
    let mut found = Vec::new();
    let ranks: BTreeSet<usize> = files.iter().flat_map(|f| f.ranks.keys().copied()).collect();
    if files.windows(2).any(|pair| !pair[0].ranks.keys().eq(pair[1].ranks.keys())) {
        let which = match ranks.len() {
            0..=4 => listed(&ranks),
            _ => format!("{} to {}", ranks.first().unwrap_or(&0), ranks.last().unwrap_or(&0)),
        };
        let text = format!("Different ranks ({which}) are fine: nothing is averaged away or skipped");
        found.push(Finding::new("ranks-differ", Level::Good, &all, text, ""));
    }
    let spellings: BTreeSet<&str> = files.iter().map(|f| f.dialect.as_str()).collect();
    if spellings.len() > 1 {
        let titles = spellings.iter().filter_map(|id| rankweave_adapter::DialectId::from_id(id)).map(|d| d.title());
        let text = format!("Different spellings ({}) are fine: modules are matched, not keys", listed(titles));
        found.push(Finding::new("spellings-differ", Level::Good, &all, text, ""));
    }
    found
}
