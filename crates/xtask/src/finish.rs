//! The last touches on dist/, after Trunk: what it cannot do itself.
//!
//! - The names of functions leave the compiled programs (`strip.rs`).
//! - The engine's two files get a hash in their names, so that a browser never pairs a new page
//!   with an old engine. Trunk leaves the names of workers as they are.
//! - The engine's glue becomes a plain script: Chromium starts no module worker from a `blob:` in a frame without an origin.
//! - The content security policy of www/_headers goes into the page too, for hosts that send no
//!   headers of one's own. It must stand before anything that it is to govern.
//! - www/_headers itself goes to the top, where hosts look for it.

use crate::error::{Error, Result};
use crate::fingerprint::Hash;
use crate::headers::Rules;
use crate::{project, strip};
use std::fs;
use std::path::Path;

const POLICY: &str = "Content-Security-Policy";

/// Finishes what Trunk left in a folder.
pub fn finish(dist: &Path) -> Result<()> {
    let headers = project::read(&project::root().join("www/_headers"))?;
    let rules = Rules::parse(&headers)?;
    project::write(&dist.join("_headers"), &headers)?;
    strip_programs(&dist.join("assets"))?;
    let index = dist.join("index.html");
    let page = name_engine(&dist.join("assets"), &project::read(&index)?)?;
    project::write(&index, with_policy(&page, &rules)?)
}

/// Takes the names of functions out of all compiled programs in a folder.
fn strip_programs(assets: &Path) -> Result<()> {
    let failed = |e| Error::io("cannot read", assets, &e);
    for entry in fs::read_dir(assets).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "wasm") {
            let code = fs::read(&path).map_err(failed)?;
            let stripped = strip::without_names(&code).ok_or_else(|| {
                Error::new("not a wasm module", path.display().to_string(), "see what wasm-bindgen printed above")
            })?;
            project::write(&path, stripped)?;
        }
    }
    Ok(())
}

/// Renames the engine's files and changes their names in the page.
fn name_engine(assets: &Path, page: &str) -> Result<String> {
    let (script, wasm) = (assets.join("engine.js"), assets.join("engine_bg.wasm"));
    let glue = plain(&project::read(&script)?)?;
    let code = fs::read(&wasm).map_err(|e| Error::io("cannot read", &wasm, &e))?;
    let mut hash = Hash::new();
    hash.add(glue.as_bytes());
    hash.add(&code);
    let base = format!("engine-{}", hash.hex());
    let (new_script, new_wasm) = (format!("{base}.js"), format!("{base}_bg.wasm"));
    if !page.contains("assets/engine.js") || !page.contains("assets/engine_bg.wasm") {
        return Err(Error::new(
            "the page does not name the engine's two files",
            "dist/index.html, from pattern_script in Trunk.toml",
            "name assets/engine.js and assets/engine_bg.wasm there",
        ));
    }
    project::write(&assets.join(&new_script), glue.replace("engine_bg.wasm", &new_wasm))?;
    let rename = fs::rename(&wasm, assets.join(&new_wasm)).and_then(|()| fs::remove_file(&script));
    rename.map_err(|e| Error::io("cannot rename", &wasm, &e))?;
    Ok(page
        .replace("assets/engine.js", &format!("assets/{new_script}"))
        .replace("assets/engine_bg.wasm", &format!("assets/{new_wasm}")))
}

/// Glue as a plain script, which defines `initSync`.
fn plain(glue: &str) -> Result<String> {
    let wrong = |what: &str| {
        let hint = "see what the wasm-bindgen of this version writes, and crates/xtask/src/finish.rs";
        Error::new(what, "dist/assets/engine.js", hint)
    };
    let own = glue
        .strip_suffix('\n')
        .unwrap_or(glue)
        .rsplit_once('\n')
        .filter(|(_, last)| last.starts_with("export {") && last.contains("initSync") && last.ends_with("};"));
    let (own, _) = own.ok_or_else(|| wrong("the engine's glue does not end in its exports"))?;
    let own = own.replacen("import.meta.url", "location.href", 1);
    if own.contains("import.meta") || own.lines().any(|line| line.starts_with("import ") || line.starts_with("export "))
    {
        return Err(wrong("the engine's glue is more of a module than was thought"));
    }
    Ok(format!("\"use strict\";\n{own}\n"))
}

/// The page with the policy as the first thing after its character set.
pub fn with_policy(page: &str, rules: &Rules) -> Result<String> {
    with_policy_of("/", page, rules)
}

/// The same with the policy that a path has.
pub fn with_policy_of(path: &str, page: &str, rules: &Rules) -> Result<String> {
    let wrong = |what: &str, hint: &str| Err(Error::new(what, format!("the page {path}"), hint));
    let Some(policy) = rules.header(path, POLICY) else {
        return wrong("no content security policy is set for the page", "set one for /* in www/_headers");
    };
    let lower = page.to_ascii_lowercase();
    if lower.contains("http-equiv=\"content-security-policy\"") {
        return wrong(
            "the page brings a content security policy of its own",
            "remove it; the one of www/_headers is written into the page",
        );
    }
    let after = |tag: &str| {
        let start = lower.find(tag)?;
        lower[start..].find('>').map(|end| start + end + 1)
    };
    let Some(place) = after("<meta charset").or_else(|| after("<head")) else {
        return wrong("the page has no <head>", "write one, with <meta charset=\"utf-8\"> first");
    };
    let (head, rest) = page.split_at(place);
    Ok(format!("{head}\n<meta http-equiv=\"{POLICY}\" content=\"{policy}\">{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<html><head><meta charset=\"utf-8\"><script src=\"./assets/engine.js\" data-w=\"./assets/engine_bg.wasm\"></script></head>";

    #[test]
    fn the_policy_comes_first() {
        let rules = Rules::parse("/*\n  Content-Security-Policy: default-src 'none'\n").unwrap();
        let page = with_policy(PAGE, &rules).unwrap();
        assert!(page.starts_with("<html><head><meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'\"><script"));
        assert!(with_policy(&page, &rules).is_err(), "two policies");
        assert!(with_policy("<p>", &rules).is_err(), "no head");
        assert!(with_policy(PAGE, &Rules::parse("").unwrap()).is_err(), "no policy");
    }

    #[test]
    fn the_engines_names_follow_its_contents() {
        let folder = std::env::temp_dir().join(format!("rankweave-finish-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let name = |code: &str| {
            fs::write(folder.join("engine.js"), "f('engine_bg.wasm')\nexport { initSync, x as default };\n").unwrap();
            fs::write(folder.join("engine_bg.wasm"), code).unwrap();
            name_engine(&folder, PAGE).unwrap()
        };
        let (one, two) = (name("one"), name("two"));
        assert_eq!(one, name("one"));
        assert_ne!(one, two);
        assert!(!one.contains("engine.js") && !one.contains("engine_bg"));
        let script = one.split("assets/").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        let glue = fs::read_to_string(folder.join(script)).unwrap();
        assert_eq!(glue, format!("\"use strict\";\nf('{}_bg.wasm')\n", &script[..script.len() - 3]));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn glue_becomes_a_plain_script_or_is_refused() {
        let made = plain("let a = new URL('x', import.meta.url);\nexport { initSync, b as default };\n").unwrap();
        assert_eq!(made, "\"use strict\";\nlet a = new URL('x', location.href);\n");
        for wrong in [
            "",
            "let a;\n",
            "let a;\nexport { b };\n",
            "import a from 'b';\nexport { initSync };\n",
            "export function f() {}\nexport { initSync };",
            "import.meta.url; import.meta.url;\nexport { initSync };",
        ] {
            assert!(plain(wrong).is_err(), "{wrong}");
        }
    }
}
