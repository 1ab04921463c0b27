//! The documentation in the finished site, at dist/docs.
//!
//! ```text
//! www/docs ─► target/xtask/book ─► the same with pages made of the code ─► mdBook ─► dist/docs
//!                                  (tests/src/docs)
//! ```
//!
//! Of what mdBook writes, its pages alone are taken: their template (www/docs/theme) has no script and needs none of the
//! files that mdBook's own has. Every page gets the policy of www/_headers.

use crate::error::{Error, Result};
use crate::headers::Rules;
use crate::package::copy;
use crate::toolchain::Toolchain;
use crate::tools::Tools;
use crate::{finish, project, run};
use std::fs;
use std::path::Path;

/// Pages of mdBook that nothing leads to.
const LEFT_OUT: [&str; 3] = ["404.html", "print.html", "toc.html"];

/// What lies beside the pages.
const FILES: [&str; 3] = ["tokens.css", "docs.css", "docs.js"];

/// Builds the documentation into a site that has been built.
pub fn put(toolchain: &Toolchain, tools: &Tools, dist: &Path) -> Result<()> {
    run::step("Building the documentation");
    let target = project::target(toolchain.cargo())?;
    let book = target.join("xtask/book");
    let _ = fs::remove_dir_all(&book);
    copy(&project::root().join("www/docs"), &book)?;
    copy(&project::root().join("www/css/tokens.css"), &book.join("src/tokens.css"))?;
    run::show("cargo build", toolchain.cargo().args(["build", "--quiet", "-p", "rankweave-cli"]))?;
    let program = target.join("debug/rankweave");
    let mut complete = toolchain.cargo();
    complete.args(["run", "--quiet", "-p", "rankweave-tests", "--bin", "docs", "--"]).arg(&book).arg(&program);
    run::show("completing the documentation", &mut complete)?;
    let made = book.join("made");
    let mut mdbook = run::command(tools.bin.join("mdbook"));
    mdbook.arg("build").arg(&book).arg("--dest-dir").arg(&made).env("MDBOOK_LOG", "warn");
    run::show("mdbook build", &mut mdbook)?;
    let docs = dist.join("docs");
    let _ = fs::remove_dir_all(&docs);
    let rules = Rules::parse(&project::read(&project::root().join("www/_headers"))?)?;
    let pages = take(&made, &docs, &rules)?;
    for file in FILES {
        copy(&made.join(file), &docs.join(file))?;
    }
    run::note(&format!("{pages} pages"));
    Ok(())
}

/// Takes the pages of a folder and of those in it, each with the policy: how many they are.
fn take(from: &Path, to: &Path, rules: &Rules) -> Result<usize> {
    let failed = |e| Error::io("cannot read", from, &e);
    fs::create_dir_all(to).map_err(|e| Error::io("cannot make a folder", to, &e))?;
    let mut pages = 0;
    for entry in fs::read_dir(from).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name == "methods" && path.is_dir() {
            pages += take(&path, &to.join(name), rules)?;
        } else if name.ends_with(".html") && !LEFT_OUT.contains(&name.as_str()) {
            let page = project::read(&path)?;
            project::write(&to.join(name), finish::with_policy(&page, rules)?)?;
            pages += 1;
        }
    }
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_taken_and_what_they_do_not_need_is_left() {
        let place = std::env::temp_dir().join(format!("rankweave-docs-{}", std::process::id()));
        let (made, docs) = (place.join("made"), place.join("docs"));
        fs::create_dir_all(made.join("methods")).unwrap();
        fs::create_dir_all(made.join("fonts")).unwrap();
        for name in ["index.html", "toc.html", "methods/sum.html", "fonts/a.html", "book.js"] {
            fs::write(made.join(name), "<head><meta charset=\"utf-8\">").unwrap();
        }
        let rules = Rules::parse("/*\n  Content-Security-Policy: default-src 'none'\n").unwrap();
        assert_eq!(take(&made, &docs, &rules).unwrap(), 2);
        for (name, there) in [("index.html", true), ("methods/sum.html", true), ("toc.html", false), ("book.js", false)]
        {
            assert_eq!(docs.join(name).is_file(), there, "{name}");
        }
        assert!(fs::read_to_string(docs.join("methods/sum.html")).unwrap().contains("default-src 'none'"));
        fs::remove_dir_all(&place).unwrap();
    }
}
