//! The page for frames in the finished site, at dist/embed: the main page seen from one folder down, which says on its root
//! element that it stands in a frame. It has no file of its own, so the two never differ.

use crate::error::{Error, Result};
use crate::project;
use std::fs;
use std::path::Path;

/// Attributes that name files.
const NAMES: [&str; 6] = ["href", "src", "data-js", "data-wasm", "data-engine-js", "data-engine-wasm"];

/// Puts it into a site whose main page is finished.
pub fn put(dist: &Path) -> Result<()> {
    let folder = dist.join("embed");
    fs::create_dir_all(&folder).map_err(|e| Error::io("cannot make a folder", &folder, &e))?;
    let page = project::read(&dist.join("index.html"))?;
    project::write(&folder.join("index.html"), framed(&page)?)
}

/// The main page as it stands in a frame.
fn framed(page: &str) -> Result<String> {
    let wrong = |what: &str| Error::new(what, "www/index.html", "see crates/xtask/src/embed.rs for what is made of it");
    let (head, rest) = page.split_once("<html").ok_or_else(|| wrong("the page has no <html>"))?;
    // A frame without an origin is a stranger to the site, and what has a hash is checked only if strangers may read it.
    let rest = deeper(rest).replace(" integrity=\"", " crossorigin integrity=\"");
    let (before, after) = rest.split_once("<title>").ok_or_else(|| wrong("the page has no <title>"))?;
    let (_, after) = after.split_once("</title>").ok_or_else(|| wrong("the title has no end"))?;
    // It is no program to install, and nothing to find by searching.
    let title = "<title>A merge of LoRA adapters · Rankweave</title>\n  <meta name=\"robots\" content=\"noindex\">";
    let after: Vec<&str> = after.lines().filter(|line| !line.contains("rel=\"manifest\"")).collect();
    Ok(format!("{head}<html data-embed{before}{title}{}\n", after.join("\n")))
}

/// All names of files, seen from one folder down.
fn deeper(page: &str) -> String {
    let mut out = String::with_capacity(page.len() + 64);
    let mut rest = page;
    while let Some(place) = rest.find("=\"") {
        let (before, after) = rest.split_at(place + 2);
        out.push_str(before);
        let name = before[..place].rsplit([' ', '\n', '<']).next().unwrap_or_default();
        let end = after.find('"').unwrap_or(after.len());
        let value = &after[..end];
        let relative = !value.contains(':') && !value.starts_with(['/', '#']) && !value.is_empty();
        if NAMES.contains(&name) && relative {
            out.push_str("../");
            out.push_str(value.trim_start_matches("./"));
        } else {
            out.push_str(value);
        }
        rest = &after[end..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_seen_from_below() {
        let page = "<!doctype html>\n<html lang=\"en\"><title>x</title>\n<link rel=\"manifest\" href=\"m\">\n<link rel=\"icon\" \
                    href=\"data:image/svg+xml,x='y'\"><a href=\"#a\"></a><a href=\"https://a.b/\"></a><script src=\"./boot.js\" \
                    data-js=\"./assets/a.js\" data-x=\"b\"></script><link\n href=\"a.css\">";
        let made = framed(page).unwrap();
        assert_eq!(
            made,
            "<!doctype html>\n<html data-embed lang=\"en\"><title>A merge of LoRA adapters · Rankweave</title>\n  <meta name=\
             \"robots\" content=\"noindex\">\n<link rel=\"icon\" href=\"data:image/svg+xml,x='y'\"><a href=\"#a\"></a><a href=\
             \"https://a.b/\"></a><script src=\"../boot.js\" data-js=\"../assets/a.js\" data-x=\"b\"></script><link\n href=\
             \"../a.css\">\n"
        );
        assert!(framed("<html>").is_err() && framed("<title></title>").is_err());
    }

    #[test]
    fn the_projects_own_page_names_nothing_beside_the_frame() {
        let page = project::read(&project::root().join("www/index.html")).unwrap();
        let made = framed(&page).unwrap();
        for name in NAMES {
            for (place, _) in made.match_indices(&format!(" {name}=\"")) {
                let value = &made[place + name.len() + 3..];
                assert!(["../", "#", "data:"].iter().any(|start| value.starts_with(start)), "{}", &value[..40]);
            }
        }
    }
}
