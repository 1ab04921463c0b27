//! A base model in several files: which there are, and which are missing.
//!
//! `model.safetensors.index.json` is `{"weight_map": {"tensor": "model-00001-of-00003.safetensors", …}}`. Where there is
//! none, the files' own names tell how many there should be.

use crate::error::{Error, Kind, Result};
use crate::limits::Limits;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Most files of one model, and so headers in memory.
pub(super) const MOST: usize = 1024;
/// Longest name of a file, in bytes, as file systems have it.
const NAME: usize = 255;
/// What the names of several files end with.
const ENDING: &str = ".safetensors";

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// The files that the index `text` names, in order. They lie beside the index: a name with a path in it is refused.
///
/// # Errors
/// `Malformed` for what is no index or names other places, `Limit` for too long a text or too many files.
pub fn shards(text: &str, label: &str) -> Result<Vec<String>> {
    named(text).map_err(|e| e.file(label))
}

fn named(text: &str) -> Result<Vec<String>> {
    let most = Limits::default().header_bytes;
    if text.len() as u64 > most {
        let error = Error::new(Kind::Limit, "The index of a base model is too long");
        return Err(error.expected(format!("at most {most} bytes")).found(format!("{} bytes", text.len())));
    }
    let index: Index = serde_json::from_str(text).map_err(|e| {
        let error = Error::new(Kind::Malformed, "This is not the index of a base model").found(e.to_string());
        error.hint("Give the model.safetensors.index.json that lies beside the model's files.")
    })?;
    let files: BTreeSet<String> = index.weight_map.into_values().collect();
    if files.is_empty() || files.len() > MOST {
        let error = Error::new(Kind::Limit, "The index of a base model names no files, or too many").key("weight_map");
        return Err(error.expected(format!("1 to {MOST}")).found(files.len().to_string()));
    }
    let plain = |name: &&String| {
        let other = |c: char| c.is_control() || matches!(c, '/' | '\\' | ':');
        name.len() <= NAME && name.ends_with(ENDING) && !name.starts_with('.') && !name.contains(other)
    };
    match files.iter().find(|name| !plain(name)) {
        Some(odd) => Err(Error::new(Kind::Malformed, "The index of a base model names a file that is not beside it")
            .key("weight_map")
            .expected("names of .safetensors files without a path")
            .found(odd)),
        None => Ok(files.into_iter().collect()),
    }
}

/// Checks that no file of the model is missing among `given`: those that the index names, or else those that names such
/// as `model-00001-of-00003.safetensors` count.
///
/// # Errors
/// `Mismatch`, naming them.
pub(super) fn complete(given: &[&str], indexed: Option<&[String]>, label: &str) -> Result<()> {
    let given: BTreeSet<&str> = given.iter().map(|name| name.rsplit('/').next().unwrap_or(name)).collect();
    let wanted: BTreeSet<String> = match indexed {
        Some(names) => names.iter().cloned().collect(),
        None => given.iter().flat_map(|name| counted(name)).collect(),
    };
    let missing: Vec<&str> = wanted.iter().map(String::as_str).filter(|name| !given.contains(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let few: Vec<&str> = missing.iter().take(5).copied().collect();
    let more = if missing.len() > few.len() { ", …" } else { "" };
    Err(Error::new(Kind::Mismatch, "Files of the base model are missing")
        .file(label)
        .expected(format!("also {}{more}", few.join(", ")))
        .found(format!("{} of {} files", wanted.len() - missing.len(), wanted.len()))
        .hint("Give all files of the model; only their headers and the tensors that are needed are read."))
}

/// All names of the count that `name` is one of: `x-00002-of-00003.safetensors`.
fn counted(name: &str) -> Vec<String> {
    let parts = || {
        let (rest, of) = name.strip_suffix(ENDING)?.rsplit_once("-of-")?;
        let (stem, number) = rest.rsplit_once('-')?;
        let digits = |s: &str| (1..=5).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
        let count: usize = of.parse().ok().filter(|n| (1..=MOST).contains(n))?;
        (digits(number) && digits(of)).then_some((stem, number.len(), of, count))
    };
    let Some((stem, width, of, count)) = parts() else { return Vec::new() };
    (1..=count).map(|n| format!("{stem}-{n:0width$}-of-{of}{ENDING}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_names_files_beside_it() {
        let index =
            |name: &str| format!(r#"{{"metadata": {{}}, "weight_map": {{"a": {name:?}, "b": "m.safetensors"}}}}"#);
        assert_eq!(shards(&index("n.safetensors"), "i").unwrap(), ["m.safetensors", "n.safetensors"]);
        for odd in [
            "../m.safetensors",
            "/m.safetensors",
            "a/b.safetensors",
            "..\\m.safetensors",
            "c:m.safetensors",
            "m",
            ".safetensors",
            "a\n.safetensors",
            &"m".repeat(300),
        ] {
            let error = shards(&index(odd), "index.json").unwrap_err();
            assert_eq!((error.kind, error.place.file.as_deref()), (Kind::Malformed, Some("index.json")), "{odd}");
        }
        for wrong in ["", "[]", "{}", r#"{"weight_map": {}}"#, r#"{"weight_map": {"a": 1}}"#, &"[".repeat(100_000)] {
            assert!(shards(wrong, "i").is_err());
        }
        assert_eq!(shards(&" ".repeat(40 << 20), "i").unwrap_err().kind, Kind::Limit);
        let many: Vec<String> = (0..2000).map(|n| format!(r#""t{n}": "m{n}.safetensors""#)).collect();
        assert_eq!(shards(&format!(r#"{{"weight_map": {{{}}}}}"#, many.join(",")), "i").unwrap_err().kind, Kind::Limit);
    }

    #[test]
    fn missing_files_are_named() {
        let given = ["m-00001-of-00003.safetensors", "sub/m-00003-of-00003.safetensors"];
        let error = complete(&given, None, "m").unwrap_err();
        assert_eq!(error.expected.as_deref(), Some("also m-00002-of-00003.safetensors"));
        assert_eq!(error.found.as_deref(), Some("2 of 3 files"));
        assert!(
            complete(&["m.safetensors", "x-of-y.safetensors", "a-1-of-99999999999.safetensors"], None, "m").is_ok()
        );
        let names = ["a.safetensors".to_owned(), "b.safetensors".to_owned()];
        assert!(complete(&["a.safetensors"], Some(&names), "m").unwrap_err().to_string().contains("b.safetensors"));
        assert!(complete(&["a.safetensors", "b.safetensors"], Some(&names), "m").is_ok());
    }
}
