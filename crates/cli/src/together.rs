//! How the files of a command go together, as lines.

use crate::show::line;
use rankweave_adapter::display::clean;
use rankweave_recipe::{Compatibility, Level};

/// Pairs, sizes and warnings listed; JSON has all.
const SHOWN: usize = 20;

/// Prints what was found, where there is anything to say.
pub(crate) fn print(found: &Compatibility) {
    if found.findings.is_empty() && found.overlaps.is_empty() {
        return;
    }
    println!("{}", if found.files.len() == 1 { "This file" } else { "These files together" });
    for overlap in found.overlaps.iter().take(SHOWN) {
        let name = |i: usize| found.files.get(i).map(|f| clean(&f.file, 60)).unwrap_or_default();
        let percent = (100.0 * overlap.share).floor();
        let (a, b) = (name(overlap.a), name(overlap.b));
        let only = format!("only in the first {}, in the second {}", overlap.only_a, overlap.only_b);
        line("modules", format_args!("{a} and {b}: {} shared, {percent} %; {only}", overlap.shared));
    }
    rest(found.overlaps.len());
    for finding in &found.findings {
        let mark = match finding.level {
            Level::Good => "good",
            Level::Info => "note",
            Level::Warn => "careful",
            Level::Bad => "wrong",
        };
        line(mark, &finding.text);
        if !finding.fix.is_empty() {
            line("", format_args!("→ {}", finding.fix));
        }
    }
    for conflict in found.shapes.iter().take(SHOWN) {
        let sizes: Vec<_> = conflict.sizes.iter().map(|(_, size)| size.as_str()).collect();
        line("size", format_args!("{}: {}", clean(&conflict.module, 120), sizes.join(" and ")));
    }
    rest(found.shapes.len());
    for scan in found.files.iter().filter_map(|f| f.scan.as_ref()) {
        for broken in scan.broken.iter().take(SHOWN) {
            let key = clean(&broken.key, 120);
            line("not finite", format_args!("{key}, byte {}: {} (×{})", broken.offset, broken.value, broken.count));
        }
        rest(scan.broken_tensors);
    }
    println!();
}

fn rest(all: usize) {
    if all > SHOWN {
        line("", format_args!("and {} more", all - SHOWN));
    }
}
