//! The picture inside a header: `data:image/jpeg;base64,/9j/4AAQ…`.
//!
//! A data URL can also be a page with scripts or a drawing that loads things, and is written by strangers. Only four
//! kinds of pixels get through, in base64, up to 2 MiB of text.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Longest data URL accepted, in bytes.
const LONGEST: usize = 2 << 20;

/// Where a thumbnail is looked for.
const KEYS: [&str; 2] = ["modelspec.thumbnail", "thumbnail"];

/// Kinds accepted.
const TYPES: [&str; 4] = ["image/png", "image/jpeg", "image/webp", "image/gif"];

/// A picture that may be shown: the metadata entry at `key` is a data URL of one of four kinds and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thumbnail {
    /// The metadata entry that is the data URL, whole.
    pub key: String,
    /// `image/png`, `image/jpeg`, `image/webp` or `image/gif`.
    pub media_type: String,
    /// Length of the picture, decoded.
    pub bytes: usize,
}

/// The thumbnail in `metadata`, if it has one that may be shown.
pub fn thumbnail(metadata: &BTreeMap<String, String>) -> Option<Thumbnail> {
    let checked = |key: &&str| {
        let (media_type, bytes) = check(metadata.get(*key)?)?;
        Some(Thumbnail { key: (*key).to_owned(), media_type: media_type.to_owned(), bytes })
    };
    KEYS.iter().find_map(checked)
}

/// Kind and decoded length of a data URL that may be shown.
fn check(url: &str) -> Option<(&'static str, usize)> {
    if url.len() > LONGEST {
        return None;
    }
    let (head, body) = url.strip_prefix("data:")?.split_once(',')?;
    let media_type = TYPES.into_iter().find(|t| head.strip_suffix(";base64") == Some(t))?;
    let digits = body.strip_suffix("==").or_else(|| body.strip_suffix('=')).unwrap_or(body);
    let base64 = digits.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/');
    let whole = body.len().is_multiple_of(4) && !digits.is_empty();
    (base64 && whole).then_some((media_type, digits.len() * 3 / 4))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn only_pixels_get_through() {
        // "abcd", "abcde" and "abcdef" in base64.
        assert_eq!(check("data:image/png;base64,YWJjZA=="), Some(("image/png", 4)));
        assert_eq!(check("data:image/jpeg;base64,YWJjZGU="), Some(("image/jpeg", 5)));
        assert_eq!(check("data:image/gif;base64,YWJjZGVm"), Some(("image/gif", 6)));
        for bad in [
            "",
            "https://example.org/x.png",
            "data:image/svg+xml;base64,YWJj",
            "data:text/html;base64,YWJj",
            "data:image/png,YWJj",
            "data:image/png;charset=x;base64,YWJj",
            "data:image/png;base64,",
            "data:image/png;base64,====",
            "data:image/png;base64,YWJ",
            "data:image/png;base64,YW\nJj",
            "data:image/png;base64,YWJj\"onload=",
            "DATA:image/png;base64,YWJj ",
        ] {
            assert_eq!(check(bad), None, "{bad}");
        }
        let long = format!("data:image/png;base64,{}", "A".repeat(2 << 20));
        assert_eq!(check(&long), None);
        assert!(check(&long[..1 << 20]).is_none_or(|(_, n)| n < 1 << 20));
    }
}
