//! Licences side by side, as the files state them. What they allow is for people to judge.

use super::{FileFacts, Finding, Level};
use rankweave_adapter::display::clean;

/// Words of licences that do not allow selling, or do not allow merging.
const RESERVED: [&str; 8] =
    ["non-commercial", "noncommercial", "non commercial", "-nc", "_nc", "no merg", "not merge", "personal use"];

/// One finding where the stated licences differ, or where one reserves something.
pub(super) fn findings(files: &[FileFacts]) -> Option<Finding> {
    let stating: Vec<usize> = (0..files.len()).filter(|i| !files[*i].licences.is_empty()).collect();
    let first = &files[*stating.first()?].licences;
    let silent = files.len() - stating.len();
    let reserved = |i: &&usize| files[**i].licences.iter().any(|text| is_reserved(text));
    let level = match stating.iter().find(reserved) {
        Some(_) if files.len() > 1 => Level::Warn,
        Some(_) => Level::Info,
        None if files.len() > 1 && (silent > 0 || stating.iter().any(|i| files[*i].licences != *first)) => Level::Info,
        None => return None,
    };
    let stated = |i: &usize| {
        let lines: Vec<String> = files[*i].licences.iter().take(3).map(|text| clean(text, 80)).collect();
        format!("{} states \"{}\"", clean(&files[*i].file, 80), lines.join(" / "))
    };
    let mut text = stating.iter().take(4).map(stated).collect::<Vec<_>>().join("; ");
    if stating.len() > 4 {
        text += &format!("; and {} more", stating.len() - 4);
    }
    if silent > 0 {
        text += &format!("; {silent} without a licence");
    }
    let fix = "Read the licences before you share or sell the result.";
    Some(Finding::new("licences", level, &stating, text, fix))
}

fn is_reserved(text: &str) -> bool {
    let text = text.to_lowercase();
    RESERVED.iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::is_reserved;

    #[test]
    fn reservations_are_told_by_words() {
        for text in
            ["CC-BY-NC-4.0", "FLUX.1 [dev] Non-Commercial License", "You may NOT merge this", "personal use only"]
        {
            assert!(is_reserved(text), "{text}");
        }
        for text in ["MIT", "Apache-2.0", "CreativeML OpenRAIL-M", "commercial use allowed", "openrail++"] {
            assert!(!is_reserved(text), "{text}");
        }
    }
}
