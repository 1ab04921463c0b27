//! `npm`: the package for others' programs, in target/npm/rankweave.
//!
//! | file | from |
//! |---|---|
//! | `*.js`, `lib/`, `*.d.ts`, README | crates/wasm/npm, as they are |
//! | `package.json` | the same, with the version of the workspace |
//! | `wasm/engine.wasm` | the page's engine, byte for byte |
//! | `wasm/engine.js` | its glue, which names it, as a module |
//! | `wasm/text.js` | the glue as a text: a page makes workers of it, whatever a bundler does to files |

use crate::error::{Error, Result};
use crate::sizes::kib;
use crate::toolchain::Toolchain;
use crate::tools::Tools;
use crate::{build, project, run};
use std::fs;
use std::path::{Path, PathBuf};

/// What the version is in crates/wasm/npm/package.json.
const NO_VERSION: &str = "\"version\": \"0.0.0\"";

/// Installs what is missing and builds the package.
pub fn package() -> Result<()> {
    let toolchain = Toolchain::ready()?;
    let tools = Tools::ready(&toolchain)?;
    let folder = package_with(&toolchain, &tools)?;
    run::step("The npm package is ready");
    run::note(&format!("{} is what npm publishes; npm pack makes one file of it.", folder.display()));
    run::note("Nothing has been uploaded.");
    Ok(())
}

/// Builds the package: its folder.
pub fn package_with(toolchain: &Toolchain, tools: &Tools) -> Result<PathBuf> {
    build::build_with(toolchain, tools)?;
    let folder = project::target(toolchain.cargo())?.join("npm/rankweave");
    run::step("Putting the npm package together");
    let size = write(&project::root(), &project::dist(), &folder)?;
    run::note(&format!("{}: {:.1} KB", folder.display(), kib(size)));
    Ok(folder)
}

/// Writes the package anew, from the sources and the site: its bytes.
pub fn write(root: &Path, dist: &Path, folder: &Path) -> Result<u64> {
    let _ = fs::remove_dir_all(folder);
    copy(&root.join("crates/wasm/npm"), folder)?;
    for name in ["LICENSE-APACHE", "LICENSE-MIT"] {
        copy(&root.join(name), &folder.join(name))?;
    }
    let manifest = folder.join("package.json");
    let text = project::read(&manifest)?;
    let version = concat!("\"version\": \"", env!("CARGO_PKG_VERSION"), "\"");
    project::write(&manifest, replaced(&text, NO_VERSION, version, &manifest)?)?;

    let (glue, program) = engine(&dist.join("assets"))?;
    let wasm = folder.join("wasm");
    copy(&program, &wasm.join("engine.wasm"))?;
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    let glue = replaced(&project::read(&glue)?, &name, "engine.wasm", &glue)?;
    project::write(&wasm.join("text.js"), format!("// engine.js.\nexport default {};\n", quoted(&glue)))?;
    project::write(&wasm.join("engine.js"), format!("{glue}\nexport {{ initSync }};\n"))?;
    size(folder)
}

/// The engine's glue and program among the site's files.
fn engine(assets: &Path) -> Result<(PathBuf, PathBuf)> {
    let find = |end: &str| {
        let files = fs::read_dir(assets).into_iter().flatten().flatten().map(|entry| entry.path());
        let is = |path: &PathBuf| {
            path.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.starts_with("engine-") && n.ends_with(end))
        };
        files.into_iter().find(is).ok_or_else(|| {
            Error::new(
                "the site has no engine",
                format!("{}/engine-*{end}", assets.display()),
                "remove dist and build it again: cargo xtask build",
            )
        })
    };
    Ok((find(".js")?, find("_bg.wasm")?))
}

/// The text with what has to be in it replaced.
fn replaced(text: &str, old: &str, new: &str, place: &Path) -> Result<String> {
    if !text.contains(old) {
        return Err(Error::new(
            format!("there is no {old}"),
            place.display().to_string(),
            "the package is made by replacing it: see crates/xtask/src/package.rs",
        ));
    }
    Ok(text.replace(old, new))
}

/// A text as JavaScript writes it.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Copies a file or a folder.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    let failed = |e| Error::io("cannot copy", from, &e);
    if !from.is_dir() {
        let parent = to.parent().map_or(Ok(()), fs::create_dir_all);
        return parent.and_then(|()| fs::copy(from, to)).map(drop).map_err(failed);
    }
    for entry in fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Bytes of all files in a folder.
fn size(folder: &Path) -> Result<u64> {
    let failed = |e| Error::io("cannot read", folder, &e);
    let mut sum = 0;
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        sum += if path.is_dir() { size(&path)? } else { fs::metadata(&path).map_err(failed)?.len() };
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_quoted_so_that_it_is_the_same_again() {
        assert_eq!(quoted("a\"b\\c\nd\te"), "\"a\\\"b\\\\c\\nd\\u0009e\"");
    }

    #[test]
    fn the_package_is_of_the_sites_engine_and_has_the_workspaces_version() {
        let place = std::env::temp_dir().join(format!("rankweave-package-{}", std::process::id()));
        let (dist, folder) = (place.join("dist"), place.join("npm"));
        fs::create_dir_all(dist.join("assets")).unwrap();
        assert!(write(&project::root(), &dist, &folder).is_err(), "no engine");
        fs::write(dist.join("assets/engine-12_bg.wasm"), "code").unwrap();
        fs::write(dist.join("assets/engine-12.js"), "new URL(\"engine-12_bg.wasm\")").unwrap();
        write(&project::root(), &dist, &folder).unwrap();
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        assert_eq!(read("wasm/engine.wasm"), "code");
        assert_eq!(read("wasm/engine.js"), "new URL(\"engine.wasm\")\nexport { initSync };\n");
        assert!(read("wasm/text.js").ends_with("export default \"new URL(\\\"engine.wasm\\\")\";\n"));
        assert!(read("package.json").contains(&format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"))));
        fs::remove_dir_all(&place).unwrap();
    }
}
