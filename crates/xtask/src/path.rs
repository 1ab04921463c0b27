//! From the path in a request to a file of the site, and to nothing else.

use std::path::{Path, PathBuf};

/// What a path in a request leads to.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// A file to send.
    File(PathBuf),
    /// A folder named without its closing slash: relative links would go wrong. The right path.
    Redirect(String),
    /// Nothing of the site.
    Nothing,
    /// No path at all.
    Malformed,
}

/// Finds what a request asks for. `root` is the site's folder in canonical form, `target` is as in
/// the request: encoded, perhaps with a query.
pub fn resolve(root: &Path, target: &str) -> Found {
    let end = target.find(['?', '#']).unwrap_or(target.len());
    let Some(path) = decode(&target[..end]).filter(|path| path.starts_with('/')) else {
        return Found::Malformed;
    };
    let mut file = root.to_owned();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        // Hidden files are not of the site, and neither is the file that only hosts read.
        if part.starts_with('.') || part.contains(['\\', ':', '\0']) || part == "_headers" {
            return Found::Nothing;
        }
        file.push(part);
    }
    if file.is_dir() {
        if !path.ends_with('/') {
            let path = path.trim_start_matches('/');
            return Found::Redirect(format!("/{}/", encode(path)));
        }
        file.push("index.html");
    } else if path.ends_with('/') {
        return Found::Nothing;
    }
    // A link in the site must not lead out of it.
    match file.canonicalize() {
        Ok(real) if real.starts_with(root) && real.is_file() => Found::File(real),
        _ => Found::Nothing,
    }
}

/// Resolves `%20` and the like. None if that is not done right, or gives no text.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
            let value = digit(rest.next())? * 16 + digit(rest.next())?;
            bytes.push(u8::try_from(value).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn encode(path: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    path.bytes().map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn only_files_of_the_site_are_found() {
        let top = std::env::temp_dir().join(format!("rankweave-path-{}", std::process::id()));
        let site = top.join("site");
        fs::create_dir_all(site.join("docs/a b")).unwrap();
        fs::create_dir_all(site.join(".stage")).unwrap();
        for file in ["index.html", "a b.js", "docs/index.html", ".hidden", ".stage/x", "_headers", "../secret"] {
            fs::write(site.join(file), file).unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(top.join("secret"), site.join("link")).unwrap();
        let site = site.canonicalize().unwrap();
        let file = |name: &str| Found::File(site.join(name));

        assert_eq!(resolve(&site, "/"), file("index.html"));
        assert_eq!(resolve(&site, "/?a=/../x#y"), file("index.html"));
        assert_eq!(resolve(&site, "/a%20b.js"), file("a b.js"));
        assert_eq!(resolve(&site, "//docs//"), file("docs/index.html"));
        assert_eq!(resolve(&site, "/docs"), Found::Redirect("/docs/".into()));
        assert_eq!(resolve(&site, "//docs/a%20b"), Found::Redirect("/docs/a%20b/".into()));

        for nothing in [
            "/none",
            "/docs/a%20b/",
            "/index.html/",
            "/../secret",
            "/docs/../../secret",
            "/%2e%2e/secret",
            "/..%2fsecret",
            "/..%5csecret",
            "/c:/x",
            "/%00",
            "/.hidden",
            "/.stage/x",
            "/./index.html",
            "/_headers",
            "/link",
        ] {
            assert_eq!(resolve(&site, nothing), Found::Nothing, "{nothing}");
        }
        for malformed in ["", "index.html", "http://x/", "/%", "/%2", "/%zz", "/%ff", "*"] {
            assert_eq!(resolve(&site, malformed), Found::Malformed, "{malformed}");
        }
        fs::remove_dir_all(&top).unwrap();
    }
}
