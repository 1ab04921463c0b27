//! `rankweave metadata --set … --remove … -o OUT`: a new header, then the old tensors' bytes as they are.

use crate::args::Metadata;
use crate::inputs::{cannot_read, open_file, tensors_of};
use crate::output::Draft;
use crate::{cancel, progress, show};
use rankweave_adapter::{Error, Kind, Result, Source, hash, metadata};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering;

pub(crate) fn run(args: &Metadata, output: &Path) -> Result<()> {
    if output.is_dir() {
        return Err(problem(output, "The output is a folder").hint("Name the file to write."));
    }
    let changes = changes(args)?;
    let (source, label, header) = open_file(&args.file)?;
    let edited = metadata::edit(&header, &label, &changes)?;
    edited.warnings.iter().for_each(show::warning);

    let cancelled = cancel::flag();
    let bar = progress::bytes("copying", source.len() - header.data_start);
    let mut draft = Draft::new(output, edited.header.len())?;
    refuse_own(&tensors_of(&args.file)?, output)?;
    hash::stream(&source, header.data_start, |_, bytes| {
        if cancelled.load(Ordering::Relaxed) {
            return Err(Error::new(Kind::Cancelled, "Cancelled").hint("Nothing was written."));
        }
        bar.inc(bytes.len() as u64);
        draft.write(bytes)
    })
    .map_err(|e| e.file(&label))?;
    bar.finish_and_clear();
    draft.finish(&edited.header)
}

/// The input must stay as it is, whatever the output is called. Names can be compared once the output's folder is there.
fn refuse_own(input: &Path, output: &Path) -> Result<()> {
    let real = input.canonicalize().map_err(|e| cannot_read(input, &e))?;
    if output.canonicalize().is_ok_and(|path| path == real) {
        let hint = "Write to another name; the input stays as it is.";
        return Err(problem(output, "The output is the input").hint(hint));
    }
    Ok(())
}

fn problem(output: &Path, what: &str) -> Error {
    Error::new(Kind::Parameter, what).file(output.display().to_string())
}

fn changes(args: &Metadata) -> Result<BTreeMap<String, Option<String>>> {
    let mut out = BTreeMap::new();
    let set = args.set.iter().map(|(key, value)| (key, Some(value.clone())));
    for (key, value) in set.chain(args.remove.iter().map(|key| (key, None))) {
        if out.insert(key.clone(), value).is_some() {
            let e = Error::new(Kind::Parameter, "A metadata entry is to be changed twice").key(key);
            return Err(e.hint("Name each key once, with --set or --remove."));
        }
    }
    Ok(out)
}
