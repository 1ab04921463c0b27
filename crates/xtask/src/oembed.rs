//! oEmbed: how other sites learn from an address of this one what frame to show for it. The answer is a file, so that any
//! host can give it; it must say the site's full address, which `cargo xtask site --address URL` is told.
//!
//! | page | answer |
//! |---|---|
//! | `index.html`, `embed/index.html` | `oembed.json`: the page for frames |
//! | `playground/index.html` | `playground/oembed.json`: the playground |
//!
//! What follows `#` reaches no server, so a frame that is found in this way begins without a recipe.

use crate::error::{Error, Result};
use crate::project;
use std::fs;
use std::path::Path;

/// Answers: file, title, the frame's place in the site, its height.
const ANSWERS: [(&str, &str, &str, u32); 2] = [
    ("oembed.json", "Rankweave: merge LoRA adapters in your browser", "embed/", 720),
    ("playground/oembed.json", "Playground: four LoRAs, one model, 2000 digits", "playground/#view=compact", 900),
];

/// Pages, and which answer each names.
const PAGES: [(&str, &str); 3] = [
    ("index.html", "oembed.json"),
    ("embed/index.html", "oembed.json"),
    ("playground/index.html", "playground/oembed.json"),
];

/// What the pages' links to it begin with.
const LINK: &str = "\n<link rel=\"alternate\" type=\"application/json+oembed\"";

/// Has the pages of a site name their answers; without an address, none. A second time nothing changes.
pub fn put(dist: &Path, address: Option<&str>) -> Result<()> {
    for (file, title, place, height) in ANSWERS {
        let path = dist.join(file);
        match address {
            Some(address) => project::write(&path, answer(address, title, place, height))?,
            None => _ = fs::remove_file(&path),
        }
    }
    for (page, answer) in PAGES {
        let path = dist.join(page);
        let before = project::read(&path)?;
        let after = with_link(&before, address.map(|address| format!("{address}{answer}")).as_deref())
            .ok_or_else(|| Error::new("the page has no </title>", path.display().to_string(), "write one"))?;
        if before != after {
            project::write(&path, after)?;
        }
    }
    Ok(())
}

/// The site's address, with a slash at its end.
pub fn address(text: &str) -> Result<String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/%".contains(c);
    if host.is_empty() || !text.chars().all(plain) {
        let hint = "write it as https://example.org/rankweave/";
        return Err(Error::new(format!("not the address of a site: {text:?}"), "cargo xtask site --address", hint));
    }
    Ok(format!("{}/", text.trim_end_matches('/')))
}

fn answer(address: &str, title: &str, place: &str, height: u32) -> String {
    let frame = format!(
        "<iframe src=\\\"{address}{place}\\\" title=\\\"{title}\\\" width=\\\"100%\\\" height=\\\"{height}\\\" loading=\\\"lazy\\\" \
         sandbox=\\\"allow-scripts allow-same-origin allow-downloads allow-popups allow-popups-to-escape-sandbox\\\" \
         allow=\\\"clipboard-write\\\" referrerpolicy=\\\"no-referrer\\\"></iframe>"
    );
    format!(
        "{{\n  \"version\": \"1.0\",\n  \"type\": \"rich\",\n  \"provider_name\": \"Rankweave\",\n  \"provider_url\": \
         \"{address}\",\n  \"title\": \"{title}\",\n  \"width\": 960,\n  \"height\": {height},\n  \"html\": \"{frame}\"\n}}\n"
    )
}

/// A page with its link, or without; nothing where it has no title to put it behind.
fn with_link(page: &str, answer: Option<&str>) -> Option<String> {
    let mut page = page.to_owned();
    if let Some(start) = page.find(LINK) {
        let end = page[start..].find('>')? + start + 1;
        page.replace_range(start..end, "");
    }
    let place = page.find("</title>")? + "</title>".len();
    if let Some(answer) = answer {
        page.insert_str(place, &format!("{LINK} href=\"{answer}\">"));
    }
    Some(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked() {
        assert_eq!(address("https://a.b").unwrap(), "https://a.b/");
        assert_eq!(address("http://localhost:8080/x//").unwrap(), "http://localhost:8080/x/");
        for wrong in
            ["", "a.b", "https://", "https:///x", "https://a.b/?x", "https://a.b/\"", "https://a.b/#x", "javascript:x"]
        {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn pages_name_their_answers_as_long_as_there_is_an_address() {
        let dist = std::env::temp_dir().join(format!("rankweave-oembed-{}", std::process::id()));
        for (page, _) in PAGES {
            fs::create_dir_all(dist.join(page).parent().unwrap()).unwrap();
            fs::write(dist.join(page), "<head><title>x</title>\n</head>").unwrap();
        }
        let read = |name: &str| fs::read_to_string(dist.join(name)).unwrap();
        put(&dist, Some("https://a.b/")).unwrap();
        put(&dist, Some("https://c.d/e/")).unwrap();
        let link = "<link rel=\"alternate\" type=\"application/json+oembed\" href=\"https://c.d/e/oembed.json\">";
        assert_eq!(read("embed/index.html"), format!("<head><title>x</title>\n{link}\n</head>"));
        assert!(read("playground/index.html").contains("https://c.d/e/playground/oembed.json"));
        let answer = read("oembed.json");
        assert!(answer.contains("<iframe src=\\\"https://c.d/e/embed/\\\"") && !answer.contains("a.b"));
        put(&dist, None).unwrap();
        assert_eq!(read("index.html"), "<head><title>x</title>\n</head>");
        assert!(!dist.join("oembed.json").exists());
        fs::remove_dir_all(&dist).unwrap();
    }
}
