//! The part of the documentation that is made of the code: method pages, commands, fields of a recipe, contents.
//!
//! | file of the book | mark in it | what takes the mark's place |
//! |---|---|---|
//! | `src/SUMMARY.md` | `<!-- methods -->` | a chapter per method, section by section |
//! | `src/methods.md` | `<!-- methods -->`, `<!-- output -->` | all methods with a sentence each; the parameters that all have |
//! | `src/methods/<id>.md` | | the page of a method: [`method`] |
//! | `src/commands.md` | `<!-- commands -->` | what `rankweave <command> --help` prints: [`commands`] |
//! | `src/recipe.md` | `<!-- fields -->` | the fields of www/recipe.schema.json: [`recipe`] |
//! | `theme/header.hbs` | `<!-- contents -->` | the list of pages beside every page: [`contents`] |
//!
//! It changes a copy of www/docs, never the folder itself.

pub mod commands;
pub mod contents;
pub mod method;
pub mod recipe;

use crate::shared;
use std::fs;
use std::path::Path;

/// Completes the copy of www/docs that lies in `book`; `program` is the built command line.
///
/// # Errors
/// What could not be read, written or run, and a mark that is not there.
pub fn complete(book: &Path, program: &Path) -> Result<(), String> {
    let source = book.join("src");
    let pages = source.join("methods");
    fs::create_dir_all(&pages).map_err(|error| format!("{}: {error}", pages.display()))?;
    for spec in rankweave_merge::registry().iter().map(|method| method.spec()) {
        let head = method::head(spec.id)?;
        write(&pages.join(format!("{}.md", spec.id)), &method::page(spec, &head))?;
    }
    replace(&source.join("SUMMARY.md"), "<!-- methods -->\n", &contents::chapters())?;
    replace(&source.join("methods.md"), "<!-- methods -->", &contents::index())?;
    replace(&source.join("methods.md"), "<!-- output -->", &method::parameters(rankweave_merge::OUTPUT.iter()))?;
    replace(&source.join("commands.md"), "<!-- commands -->", &commands::all(program)?)?;
    let schema = read(&shared::root().join("www/recipe.schema.json"))?;
    replace(&source.join("recipe.md"), "<!-- fields -->", &recipe::fields(&schema)?)?;
    let summary = read(&source.join("SUMMARY.md"))?;
    replace(&book.join("theme/header.hbs"), "<!-- contents -->", &contents::nav(&summary))
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Puts `text` in the place of a mark, which a file has once.
fn replace(path: &Path, mark: &str, text: &str) -> Result<(), String> {
    let whole = read(path)?;
    match whole.matches(mark).count() {
        1 => write(path, &whole.replace(mark, text)),
        found => Err(format!("{}: expected {} once, found it {found} times", path.display(), mark.trim())),
    }
}

/// Text as HTML.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Text in the cell of a table, where a bar would end it: nothing in it is Markdown but code between backticks.
pub(crate) fn cell(text: &str) -> String {
    let plain = |part: &str| {
        let part = escaped(part);
        ["\\", "|", "*", "_", "[", "]"].iter().fold(part, |part, mark| part.replace(mark, &format!("\\{mark}")))
    };
    let parts = text.split('`').enumerate();
    parts.map(|(i, part)| if i % 2 == 0 { plain(part) } else { format!("`{}`", part.replace('|', "\\|")) }).collect()
}
