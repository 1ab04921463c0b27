//! What files say of themselves and how they go together, cut down to what the page shows.

use super::hand::count;
use crate::protocol::{About, Checked, Conflicts, Finding, Fit, Hash, Level, Overlap, Shares, Stated};
use rankweave_adapter::hash::{Claim, Verdict, claims, stated};
use rankweave_adapter::metadata::TriggersFrom;
use rankweave_adapter::{Adapter, describe};
use rankweave_recipe as recipe;
use rankweave_recipe::{Reading, compatibility, more};

/// Tags, findings, pairs and sizes shown.
const TAGS: usize = 40;
const FINDINGS: usize = 12;
const PAIRS: usize = 28;
const SIZES: usize = 50;
/// Modules shown of a measurement of conflicts.
const MODULES: usize = 50;

/// For the panel of an adapter's card.
pub fn about(adapter: &Adapter) -> About {
    let metadata = &adapter.header.metadata;
    let mut described = describe(metadata);
    let picture = described.thumbnail.take().and_then(|picture| metadata.get(&picture.key).cloned());
    let triggers = std::mem::take(&mut described.triggers);
    let tags = described.tags.take().unwrap_or_default();
    let mut lines: Vec<(String, String)> =
        recipe::about(&described).into_iter().chain(more(&described)).map(|(n, text)| (n.to_owned(), text)).collect();
    lines.push(("told by".into(), adapter.family.evidence.clone()));
    About {
        lines,
        triggers,
        triggers_from: match described.triggers_from {
            Some(TriggersFrom::Tags) => "tags of nearly all images",
            Some(TriggersFrom::Folders) => "names of image folders",
            _ => "",
        }
        .into(),
        more_tags: count(tags.distinct.saturating_sub(TAGS.min(tags.top.len()))),
        tags: tags.top.into_iter().take(TAGS).map(|t| (t.tag, u32::try_from(t.count).unwrap_or(u32::MAX))).collect(),
        picture,
        claims: stated(metadata).iter().map(one_stated).collect(),
        entries: count(metadata.len()),
    }
}

/// For the panel, once the file was read.
pub fn checked(adapter: &Adapter, reading: &Reading) -> Checked {
    let hash = |(name, digits): (&str, Result<&str, &str>)| Hash {
        name: name.to_owned(),
        text: digits.unwrap_or_else(|why| why).to_owned(),
        there: digits.is_ok(),
    };
    let hashes = &reading.hashes;
    let claims = claims(&adapter.header.metadata, &hashes.data_sha256, hashes.legacy.as_deref());
    Checked {
        hashes: hashes.lines().into_iter().map(hash).collect(),
        claims: claims.iter().map(one_stated).collect(),
        // What cannot be written is missing from the comparison, and nothing else.
        reading: serde_json::to_string(reading).unwrap_or_default(),
    }
}

fn one_stated(claim: &Claim) -> Stated {
    Stated {
        key: claim.key.clone(),
        stated: claim.stated.clone(),
        words: claim.words().to_owned(),
        wrong: matches!(claim.verdict, Verdict::Wrong | Verdict::OfNothing | Verdict::NotADigest),
    }
}

/// For the rows above the form. `readings` as the page got them.
pub fn fit(adapters: &[&Adapter], readings: &[Option<String>]) -> Fit {
    let read = |text: &Option<String>| serde_json::from_str::<Reading>(text.as_deref()?).ok();
    let readings: Vec<_> = readings.iter().map(read).collect();
    let mut found = compatibility(adapters, &readings);
    // The page has a place for the base, and says so there.
    found.findings.retain(|finding| finding.code != "needs-base");
    found.verdict = found.findings.first().map_or(recipe::Level::Good, |finding| finding.level);
    let overlap = |o: &recipe::Overlap| Overlap {
        a: count(o.a),
        b: count(o.b),
        shared: count(o.shared),
        only_a: count(o.only_a),
        only_b: count(o.only_b),
    };
    let finding = |f: &recipe::Finding| Finding { level: level(f.level), text: f.text.clone(), fix: f.fix.clone() };
    let size = |s: &recipe::ShapeConflict| {
        let sizes: Vec<_> = s.sizes.iter().map(|(_, size)| size.as_str()).collect();
        (rankweave_adapter::display::clean(&s.module, 200), sizes.join(", "))
    };
    Fit {
        verdict: level(found.verdict),
        findings: found.findings.iter().take(FINDINGS).map(finding).collect(),
        finding_count: count(found.findings.len()),
        overlaps: found.overlaps.iter().take(PAIRS).map(overlap).collect(),
        overlap_count: count(found.overlaps.len()),
        sizes: found.shapes.iter().take(SIZES).map(size).collect(),
        size_count: count(found.shapes.len()),
    }
}

/// For the table under the comparison.
pub fn conflicts(found: &recipe::Conflicts) -> Conflicts {
    let modules = found.modules.iter().take(MODULES);
    Conflicts {
        rows: found.rows.map(count),
        seed: found.seed.unwrap_or_default(),
        total: shares(&found.total),
        modules: modules.map(|m| (rankweave_adapter::display::clean(&m.module, 200), shares(&m.shares))).collect(),
        module_count: count(found.modules.len()),
        alone: count(found.alone),
    }
}

fn shares(of: &recipe::Shares) -> Shares {
    let both = |measured: recipe::Measured| (measured.share, measured.error);
    Shares {
        conflict: both(of.conflict),
        expected: of.expected,
        mass: both(of.mass),
        selfish: both(of.selfish),
        shared: both(of.shared),
        catastrophic: both(of.catastrophic),
    }
}

fn level(level: recipe::Level) -> Level {
    match level {
        recipe::Level::Good => Level::Good,
        recipe::Level::Info => Level::Info,
        recipe::Level::Warn => Level::Warn,
        recipe::Level::Bad => Level::Bad,
    }
}
