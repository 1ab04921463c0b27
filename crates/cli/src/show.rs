//! Printing: errors, warnings, sizes, JSON, the summary of a merge.

use rankweave_adapter::display::clean;
use rankweave_adapter::{Error, Warning};
use rankweave_recipe::{Loads, Report};
use serde_json::to_string_pretty;
use std::fmt::Display;
use std::io::IsTerminal;

/// Three lines on standard error: what, where, hint.
pub(crate) fn error(error: &Error) {
    eprintln!("error: {error}");
}

/// One line on standard error.
pub(crate) fn warning(warning: &Warning) {
    let place = warning.place.to_string();
    let place = if place.is_empty() { place } else { format!("{place}: ") };
    eprintln!("warning: {place}{}", clean(&warning.message, 400));
}

/// Pretty JSON on standard output.
pub(crate) fn json(value: &impl serde::Serialize) {
    println!("{}", to_string_pretty(value).unwrap_or_default());
}

/// One line under a file's name.
pub(crate) fn line(name: &str, text: impl Display) {
    println!("  {name:<10}{text}");
}

/// `171.2 MB`, in powers of ten as file managers show it.
pub(crate) fn bytes(n: u64) -> String {
    let (unit, name) = match n {
        0..1_000_000 => (1e3, "kB"),
        1_000_000..1_000_000_000 => (1e6, "MB"),
        _ => (1e9, "GB"),
    };
    format!("{:.1} {name}", n as f64 / unit)
}

/// What a merge did, for people; nothing in a pipe.
pub(crate) fn summary(report: &Report) {
    report.warnings.iter().for_each(warning);
    for remark in &report.remarks {
        eprintln!("{}", clean(&remark.message, 400));
    }
    if !std::io::stdout().is_terminal() {
        return;
    }
    println!("{:<44}{:>9}{:>12}{:>9}{:>12}", "adapter", "weight", "recovered", "text", "recovered");
    for source in &report.sources {
        let number = |x: Option<f64>| x.map_or_else(|| "–".to_owned(), |x| format!("{x:.6}"));
        let text = source.recovered_te_weight.map_or_else(|| "–".to_owned(), |_| source.te_weight.to_string());
        println!(
            "{:<44}{:>9}{:>12}{text:>9}{:>12}",
            clean(&source.label, 42),
            source.weight,
            number(source.recovered_weight),
            number(source.recovered_te_weight)
        );
    }
    println!(
        "{} modules, {}, residual {:.2e}, energy kept {:.4} %, AutoV3 {}",
        report.modules.len(),
        bytes(report.bytes),
        report.residual,
        100.0 * report.energy,
        report.sha256_data[..12].to_uppercase()
    );
    loads(&report.loads);
}

/// Which programs read a file, a line for each.
fn loads(programs: &[Loads]) {
    if programs.is_empty() {
        println!("loads in      unknown: of this spelling and model family nothing is known");
    }
    for (i, Loads { program, reads, says }) in programs.iter().enumerate() {
        println!("{:<14}{program:<16}{:<9}{says}", if i == 0 { "loads in" } else { "" }, reads.word());
    }
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_are_in_powers_of_ten() {
        assert_eq!(bytes(1_500), "1.5 kB");
        assert_eq!(bytes(171_213_456), "171.2 MB");
        assert_eq!(bytes(4_000_000_000), "4.0 GB");
    }
}
