//! The playground in the finished site, and what it stands on:
//!
//! | in dist/ | from |
//! |---|---|
//! | `playground/` | www/playground; its page gets the policy of www/_headers |
//! | `css/` | the sheets that it shares with the page, under their own names |
//! | `npm/` | the package for others' programs: the engine as the playground drives it |

use crate::error::{Error, Result};
use crate::headers::Rules;
use crate::{finish, package, project};
use std::fs;
use std::path::Path;

/// The sheets of www/css that it uses.
const SHEETS: [&str; 3] = ["tokens.css", "layout.css", "controls.css"];

/// Puts the playground into a site that has been built.
pub fn put(root: &Path, dist: &Path) -> Result<()> {
    package::write(root, dist, &dist.join("npm"))?;
    for sheet in SHEETS {
        package::copy(&root.join("www/css").join(sheet), &dist.join("css").join(sheet))?;
    }
    let folder = dist.join("playground");
    if folder.is_dir() {
        fs::remove_dir_all(&folder).map_err(|e| Error::io("cannot remove", &folder, &e))?;
    }
    package::copy(&root.join("www/playground"), &folder)?;
    let rules = Rules::parse(&project::read(&root.join("www/_headers"))?)?;
    let page = folder.join("index.html");
    project::write(&page, finish::with_policy(&project::read(&page)?, &rules)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_its_page_names_is_there() {
        let dist = std::env::temp_dir().join(format!("rankweave-playground-{}", std::process::id()));
        fs::create_dir_all(dist.join("assets")).unwrap();
        fs::write(dist.join("assets/engine-12_bg.wasm"), "code").unwrap();
        fs::write(dist.join("assets/engine-12.js"), "new URL(\"engine-12_bg.wasm\")").unwrap();
        put(&project::root(), &dist).unwrap();
        // A second time over the first.
        put(&project::root(), &dist).unwrap();
        let page = fs::read_to_string(dist.join("playground/index.html")).unwrap();
        assert_eq!(page.matches("http-equiv=\"Content-Security-Policy\"").count(), 1);
        let head: Vec<_> = page.split("</head>").next().unwrap().split('"').collect();
        let named = head.windows(2).filter(|pair| pair[0].ends_with("href=") || pair[0].ends_with("src="));
        // Trunk puts these two beside the main page.
        let own = named.map(|pair| pair[1]).filter(|name| !["../icons/mark.svg", "../theme.js"].contains(name));
        let mut count = 0;
        for name in own {
            assert!(dist.join("playground").join(name).is_file(), "{name}");
            count += 1;
        }
        assert!(count >= 10, "{count} files");
        fs::remove_dir_all(&dist).unwrap();
    }
}
