//! Lists of the book's pages: chapters for mdBook, the index of methods, and what stands beside every page.

use super::method::anchor;
use super::{cell, escaped};
use rankweave_merge::{Section, Spec};
use std::fmt::Write;

/// The methods, section by section.
fn sections() -> Vec<(Section, Vec<&'static Spec>)> {
    let specs: Vec<_> = rankweave_merge::registry().iter().map(|method| method.spec()).collect();
    specs.chunk_by(|a, b| a.section == b.section).filter_map(|s| Some((s.first()?.section, s.to_vec()))).collect()
}

/// Chapters of SUMMARY.md, one step inside the chapter on methods.
pub fn chapters() -> String {
    let mut text = String::new();
    for spec in sections().iter().flat_map(|(_, specs)| specs) {
        let _ = writeln!(text, "  - [{}](methods/{}.md)", spec.title, spec.id);
    }
    text
}

/// All methods with what they do, in Markdown.
pub fn index() -> String {
    let mut text = String::new();
    for (section, specs) in sections() {
        let _ = write!(text, "### {}\n\n| method | what it does |\n|---|---|\n", section.title());
        for spec in specs {
            let _ = writeln!(text, "| [{}](methods/{}.md) | {} |", cell(spec.title), spec.id, cell(spec.summary));
        }
        text += "\n";
    }
    text
}

/// The list beside every page, in mdBook's template language: the chapters of a SUMMARY.md, the methods folded away on
/// pages that are not theirs.
pub fn nav(summary: &str) -> String {
    let mut text = String::from("<ul>\n");
    for line in summary.lines() {
        let Some((title, path)) = line.strip_prefix("- [").and_then(|rest| rest.strip_suffix(')')?.split_once("]("))
        else {
            continue;
        };
        let _ = write!(text, "<li>{}", link(title, path));
        if path == "methods.md" {
            text += &methods();
        }
        text += "</li>\n";
    }
    text + "</ul>\n"
}

fn methods() -> String {
    let count = rankweave_merge::registry().len();
    // Only methods' pages lie in a folder.
    let mut text =
        format!("\n<details{{{{#if (eq path_to_root \"../\")}}}} open{{{{/if}}}}><summary>All {count}</summary>\n");
    for (section, specs) in sections() {
        let id = anchor(section.title());
        let _ = write!(text, "<p id=\"nav-{id}\">{}</p><ul aria-labelledby=\"nav-{id}\">", section.title());
        for spec in specs {
            let _ = write!(text, "<li>{}</li>", link(spec.title, &format!("methods/{}.md", spec.id)));
        }
        text += "</ul>\n";
    }
    text + "</details>"
}

fn link(title: &str, path: &str) -> String {
    let page = path.trim_end_matches(".md");
    let here = format!("{{{{#if (eq path \"{path}\")}}}} aria-current=\"page\"{{{{/if}}}}");
    format!("<a href=\"{{{{ path_to_root }}}}{page}.html\"{here}>{}</a>", escaped(title))
}
