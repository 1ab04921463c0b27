//! The page that fetches adapters in the finished site, at dist/fetch: www/fetch with the colours of the main page and the
//! policy that www/_headers has for it alone.

use crate::error::{Error, Result};
use crate::headers::Rules;
use crate::{finish, package, project};
use std::fs;
use std::path::Path;

/// Puts it into a site that has been built.
pub fn put(root: &Path, dist: &Path) -> Result<()> {
    let folder = dist.join("fetch");
    if folder.is_dir() {
        fs::remove_dir_all(&folder).map_err(|e| Error::io("cannot remove", &folder, &e))?;
    }
    package::copy(&root.join("www/fetch"), &folder)?;
    package::copy(&root.join("www/css/tokens.css"), &folder.join("tokens.css"))?;
    let rules = Rules::parse(&project::read(&root.join("www/_headers"))?)?;
    let page = folder.join("index.html");
    project::write(&page, finish::with_policy_of("/fetch/", &project::read(&page)?, &rules)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_its_own_policy_and_no_other() {
        let dist = std::env::temp_dir().join(format!("rankweave-fetcher-{}", std::process::id()));
        put(&project::root(), &dist).unwrap();
        // A second time over the first.
        put(&project::root(), &dist).unwrap();
        let page = fs::read_to_string(dist.join("fetch/index.html")).unwrap();
        assert_eq!(page.matches("http-equiv=\"Content-Security-Policy\"").count(), 1);
        assert!(page.contains("connect-src 'self' https://huggingface.co https://*.hf.co;"));
        assert!(dist.join("fetch/tokens.css").is_file());
        fs::remove_dir_all(&dist).unwrap();
    }
}
