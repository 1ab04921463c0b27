//! Finding a base model's files: one file, the files of an index, or a folder of these.
//!
//! | given | files |
//! |---|---|
//! | `x.safetensors` | that one |
//! | `x.safetensors.index.json` | those it names, beside it |
//! | a folder | those of the index in it, else its `.safetensors` files |
//! | a folder of diffusers | the same of its `unet`, `transformer`, `text_encoder`, … |

use crate::inputs::{FileSource, cannot_read};
use rankweave_adapter::base::shards;
use rankweave_adapter::{Base, Error, Kind, Result, Source};
use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

/// An opened base and its bytes.
pub(crate) struct Model {
    pub base: Base,
    pub sources: Vec<FileSource>,
}

/// Folders of diffusers whose weights adapters change.
const PARTS: [&str; 6] = ["unet", "transformer", "prior", "text_encoder", "text_encoder_2", "text_encoder_3"];
/// Marks of further copies of the same weights.
const COPIES: [&str; 4] = [".fp16.", ".bf16.", "non_ema", "consolidated"];
const INDEX: &str = ".safetensors.index.json";

/// Opens the base at `path`, if one is given.
pub(crate) fn open(path: Option<&Path>) -> Result<Option<Model>> {
    let Some(path) = path else { return Ok(None) };
    let label = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
    let found = find(path)?;
    if found.is_empty() {
        return Err(Error::new(Kind::Parameter, "There is no base model in this folder")
            .file(path.display().to_string())
            .expected(".safetensors files, or folders such as unet that hold them")
            .hint("Name the file, or its model.safetensors.index.json."));
    }
    let open = |(_, path): &(String, PathBuf)| FileSource::open(path).map_err(|e| cannot_read(path, &e));
    let sources = found.iter().map(open).collect::<Result<Vec<_>>>()?;
    let files: Vec<(&str, &dyn Source)> =
        found.iter().zip(&sources).map(|((label, _), source)| (label.as_str(), source as &dyn Source)).collect();
    let base = Base::open(&label, &files, None)?;
    Ok(Some(Model { base, sources }))
}

/// Labels and paths of the files.
fn find(path: &Path) -> Result<Vec<(String, PathBuf)>> {
    if !path.is_dir() {
        return if path.to_string_lossy().ends_with(INDEX) { indexed(path, "") } else { Ok(vec![labelled(path, "")]) };
    }
    let mut files = folder(path, "")?;
    for part in PARTS {
        let inside = path.join(part);
        if inside.is_dir() {
            files.extend(folder(&inside, part)?);
        }
    }
    Ok(files)
}

/// The files of one folder.
fn folder(path: &Path, part: &str) -> Result<Vec<(String, PathBuf)>> {
    let entries = read_dir(path).map_err(|e| cannot_read(path, &e))?;
    let mut names: Vec<String> = entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let copy = |name: &&String| COPIES.iter().any(|mark| name.contains(mark));
    let ending = |ending: &str| -> Vec<&String> {
        let all: Vec<&String> = names.iter().filter(|name| name.ends_with(ending)).collect();
        let first: Vec<&String> = all.iter().filter(|name| !copy(name)).copied().collect();
        if first.is_empty() { all } else { first }
    };
    if let Some(index) = ending(INDEX).first() {
        return indexed(&path.join(index), part);
    }
    Ok(ending(".safetensors").into_iter().map(|name| labelled(&path.join(name), part)).collect())
}

/// The files that an index names, which lie beside it.
fn indexed(path: &Path, part: &str) -> Result<Vec<(String, PathBuf)>> {
    let text = read_to_string(path).map_err(|e| cannot_read(path, &e))?;
    let names = shards(&text, &path.display().to_string())?;
    let beside = |name: &String| path.with_file_name(name);
    match names.iter().find(|name| !beside(name).is_file()) {
        Some(missing) => Err(Error::new(Kind::Io, "A file of the base model is missing")
            .file(path.display().to_string())
            .expected(missing)
            .hint("Download all files that the index names into one folder.")),
        None => Ok(names.iter().map(|name| labelled(&beside(name), part)).collect()),
    }
}

fn labelled(path: &Path, part: &str) -> (String, PathBuf) {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    (if part.is_empty() { name } else { format!("{part}/{name}") }, path.to_owned())
}
