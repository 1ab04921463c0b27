//! What people paste to show a merge in a page of their own: for a page in HTML, a README, a book.
//!
//! | for | what | script |
//! |---|---|---|
//! | HTML, a frame; MDX | `<iframe>` with the page `embed/` | in the frame alone |
//! | HTML, an element; mdBook; Sphinx | `<rank-weave>` around a link, and its script `embed.js` | yes; without it the link stays |
//! | README, model card | a picture that is a link to the page | none |

use crate::markup::{MARKDOWN, MARKUP, escaped};

/// What may run in the frame: itself, its own storage, saving a file, and links that open elsewhere.
const SANDBOX: &str = "allow-scripts allow-same-origin allow-downloads allow-popups allow-popups-to-escape-sandbox";

/// Where the poster is looked for: beside the page.
pub const POSTER: &str = "poster.svg";

/// What is shown, and how.
#[derive(Clone, Copy)]
pub struct Embedding<'a> {
    /// Address of the site's folder, with `/` at its end.
    pub home: &'a str,
    /// The recipe, as after `#r=` in an address.
    pub link: &'a str,
    /// What the merge is called. Any text.
    pub title: &'a str,
    /// Which parts: `merge`, `explain` or `all`.
    pub view: &'a str,
    /// Whether readers may change what is set.
    pub controls: bool,
    /// Whether the element shows a poster until it is clicked.
    pub poster: bool,
}

/// A place that a merge can be shown in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// A page in HTML, in a frame.
    Frame,
    /// A page in HTML, as an element.
    Element,
    /// A README or model card, where no script runs.
    Badge,
    /// A page of a book in Markdown.
    Book,
    /// A page in Markdown with JSX.
    Mdx,
    /// A page in reStructuredText.
    Sphinx,
}

impl Place {
    /// All places, in reading order: id, name.
    pub const ALL: [(&'static str, &'static str); 6] = [
        ("frame", "HTML page, in a frame"),
        ("element", "HTML page, as an element"),
        ("badge", "README or model card"),
        ("book", "mdBook"),
        ("mdx", "MDX: Docusaurus, Astro"),
        ("sphinx", "Sphinx"),
    ];

    /// The place with an id; the first where there is none.
    pub fn of(id: &str) -> Place {
        match id {
            "element" => Place::Element,
            "badge" => Place::Badge,
            "book" => Place::Book,
            "mdx" => Place::Mdx,
            "sphinx" => Place::Sphinx,
            _ => Place::Frame,
        }
    }

    /// Whether it shows a part of the page, of which one can choose; if not, it is a picture.
    pub fn shows_parts(self) -> bool {
        self != Place::Badge
    }

    /// Whether it is shown by an element, which can have a poster.
    pub fn is_element(self) -> bool {
        matches!(self, Place::Element | Place::Book | Place::Sphinx)
    }

    /// What it does, and where it goes.
    pub fn help(self) -> &'static str {
        match self {
            Place::Frame => "Shows the merge inside your page. It is fetched when a reader comes near.",
            Place::Element => {
                "Shows the merge inside your page once a reader asks for it. Until then, and without scripts, it is a link."
            }
            Place::Badge => "A picture that opens the merge: for places where no script runs.",
            Place::Book => "For a page of the book, as it is. Until a reader asks for the merge it is a link.",
            Place::Mdx => "JSX for a page in MDX. It is fetched when a reader comes near.",
            Place::Sphinx => "For a page in reStructuredText. Until a reader asks for the merge it is a link.",
        }
    }

    /// What is to be pasted there.
    pub fn text(self, shown: &Embedding) -> String {
        match self {
            Place::Frame => format!("{}></iframe>\n", frame(shown, "referrerpolicy")),
            Place::Mdx => format!("{} />\n", frame(shown, "referrerPolicy")),
            Place::Element | Place::Book => element(shown, ""),
            Place::Sphinx => format!(".. raw:: html\n\n{}", element(shown, "   ")),
            Place::Badge => {
                let mut to = String::new();
                for c in open(shown).chars() {
                    // A parenthesis ends an address in Markdown.
                    match c {
                        '(' => to += "%28",
                        ')' => to += "%29",
                        other => to.push(other),
                    }
                }
                let (title, to) = (escaped(shown.title, MARKDOWN), escaped(&to, MARKUP));
                format!("[![Open in Rankweave: {title}]({POSTER})]({to})\n")
            }
        }
    }
}

/// The address that opens the merge in the page itself.
fn open(shown: &Embedding) -> String {
    format!("{}#r={}", shown.home, shown.link)
}

/// An `<iframe>` up to its end; HTML and JSX differ in how one of its attributes is spelled.
fn frame(shown: &Embedding, referrer: &str) -> String {
    let mut address = format!("{}embed/#r={}", shown.home, shown.link);
    if shown.view != "merge" {
        address += "&view=";
        address += shown.view;
    }
    if !shown.controls {
        address += "&controls=0";
    }
    let (address, title) = (escaped(&address, MARKUP), escaped(shown.title, MARKUP));
    format!(
        "<iframe\n  src=\"{address}\"\n  title=\"{title}\"\n  loading=\"lazy\" width=\"100%\" height=\"640\"\n  \
         sandbox=\"{SANDBOX}\"\n  allow=\"clipboard-write\" {referrer}=\"no-referrer\""
    )
}

/// The script and the element, each line after `indent`. The tag that opens it is one line, and no line is empty:
/// Markdown ends HTML there.
fn element(shown: &Embedding, indent: &str) -> String {
    let mut tag = String::new();
    let mut put = |name: &str, value: &str| {
        tag += " ";
        tag += name;
        tag += "=\"";
        tag += &escaped(value, MARKUP);
        tag += "\"";
    };
    put("recipe", shown.link);
    if shown.view != "merge" {
        put("view", shown.view);
    }
    if !shown.controls {
        put("controls", "0");
    }
    if shown.poster {
        put("poster", POSTER);
    }
    // What its frame is called.
    put("label", shown.title);
    let (home, to, title) = (escaped(shown.home, MARKUP), escaped(&open(shown), MARKUP), escaped(shown.title, MARKUP));
    format!(
        "{indent}<script type=\"module\" src=\"{home}embed.js\"></script>\n{indent}<rank-weave{tag}>\n\
         {indent}  <a href=\"{to}\">Open in Rankweave: {title}</a>\n{indent}</rank-weave>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    const HOSTILE: &str = "\"><script>alert(1)</script> ' & {{#include /etc/passwd}} {boom()} ${x} `y` \\\n\n](javascript:z) *w* <!-- \u{0}\u{202e} /> ]]>";

    fn plain() -> Embedding<'static> {
        let (home, link) = ("https://example.org/rank/", "1zAb-_9");
        Embedding { home, link, title: "3 adapters, one merge", view: "merge", controls: true, poster: false }
    }

    fn hostile() -> Embedding<'static> {
        Embedding { title: HOSTILE, view: "explain", controls: false, poster: true, ..plain() }
    }

    /// Takes a tag apart that stands at the beginning: its name, its attributes, and what follows. Reads what HTML and
    /// JSX have in common, and fails at all else.
    fn tag(text: &str) -> (String, Vec<(String, String)>, &str) {
        let text = text.trim_start().strip_prefix('<').expect("a tag");
        let end = text.find(|c: char| c.is_whitespace() || "/>".contains(c)).expect("a name that ends");
        let (name, mut rest) = text.split_at(end);
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start();
            if rest.starts_with('>') || rest.starts_with("/>") {
                return (name.into(), attributes, rest);
            }
            let (key, after) = rest.split_once("=\"").expect("an attribute");
            assert!(key.chars().all(|c| c.is_ascii_alphabetic()), "{key}");
            let (value, after) = after.split_once('"').expect("a value that ends");
            assert!(!value.contains(['<', '>', '{', '}', '\n']), "{value}");
            assert!(after.starts_with([' ', '\n', '>', '/']), "{after}");
            attributes.push((key.into(), value.into()));
            rest = after;
        }
    }

    fn value<'a>(attributes: &'a [(String, String)], name: &str) -> Option<&'a str> {
        attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Reads references back.
    fn read(text: &str) -> String {
        let mut parts = text.split('&');
        let mut told = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once(';').expect("a whole reference");
            let number = name.strip_prefix('#').and_then(|number| number.parse().ok()).and_then(char::from_u32);
            told.push(number.unwrap_or_else(|| match name {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                other => panic!("&{other}; is not known everywhere"),
            }));
            told += rest;
        }
        told
    }

    #[wasm_bindgen_test]
    fn what_is_default_is_left_out() {
        let (name, attributes, end) = {
            let text = Place::Frame.text(&plain());
            let (name, attributes, end) = tag(&text);
            (name, attributes, end.to_owned())
        };
        assert_eq!((name.as_str(), end.as_str()), ("iframe", "></iframe>\n"));
        let expected = [
            ("src", "https://example.org/rank/embed/#r=1zAb-_9"),
            ("title", "3 adapters, one merge"),
            ("loading", "lazy"),
            ("width", "100%"),
            ("height", "640"),
            ("sandbox", SANDBOX),
            ("allow", "clipboard-write"),
            ("referrerpolicy", "no-referrer"),
        ];
        assert_eq!(attributes, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert_eq!(
            Place::Element.text(&plain()),
            "<script type=\"module\" src=\"https://example.org/rank/embed.js\"></script>\n<rank-weave recipe=\"1zAb-_9\" label=\"3 adapters, one merge\">\n  \
             <a href=\"https://example.org/rank/#r=1zAb-_9\">Open in Rankweave: 3 adapters, one merge</a>\n</rank-weave>\n"
        );
        assert_eq!(
            Place::Badge.text(&plain()),
            "[![Open in Rankweave: 3 adapters, one merge](poster.svg)](https://example.org/rank/#r=1zAb-_9)\n"
        );
    }

    #[wasm_bindgen_test]
    fn what_is_chosen_is_told() {
        let text = Place::Frame.text(&hostile());
        let (_, attributes, _) = tag(&text);
        let src = value(&attributes, "src").map(read);
        assert_eq!(src.as_deref(), Some("https://example.org/rank/embed/#r=1zAb-_9&view=explain&controls=0"));
        let text = Place::Element.text(&hostile());
        let (name, attributes, _) = tag(text.split_once('\n').expect("two lines").1);
        assert_eq!(name, "rank-weave");
        assert_eq!(value(&attributes, "label").map(read), Some(crate::markup::plain(HOSTILE)));
        for (key, wanted) in [("recipe", "1zAb-_9"), ("view", "explain"), ("controls", "0"), ("poster", "poster.svg")] {
            assert_eq!(value(&attributes, key), Some(wanted), "{key}");
        }
        for place in Place::ALL.map(|(id, _)| Place::of(id)) {
            assert!(place.text(&hostile()).contains("1zAb-_9"), "{place:?}");
        }
    }

    #[wasm_bindgen_test]
    fn jsx_is_one_tag_that_closes_itself() {
        for shown in [plain(), hostile()] {
            let text = Place::Mdx.text(&shown);
            let (name, attributes, end) = tag(&text);
            assert_eq!((name.as_str(), end), ("iframe", "/>\n"));
            assert!(!text.contains(['{', '}']), "{text}");
            assert_eq!(value(&attributes, "referrerPolicy"), Some("no-referrer"));
            assert_eq!(value(&attributes, "title").map(read), Some(crate::markup::plain(shown.title)));
        }
    }

    #[wasm_bindgen_test]
    fn a_title_stays_text() {
        for place in Place::ALL.map(|(id, _)| Place::of(id)) {
            let text = place.text(&hostile());
            assert!(
                !text.contains("<script>") && !text.contains("{") && !text.contains('\u{202e}'),
                "{place:?}: {text}"
            );
            assert!(!text.trim_end().contains("\n\n") || place == Place::Sphinx, "{place:?}: {text}");
        }
        let badge = Place::Badge.text(&hostile());
        assert_eq!(badge.lines().count(), 1);
        // No sign of its own but those of the badge: two brackets open, two close.
        for (sign, times) in [('[', 2), (']', 2), ('!', 1), ('`', 0), ('*', 0), ('\\', 0), ('<', 0)] {
            assert_eq!(badge.matches(sign).count(), times, "{sign}: {badge}");
        }
        let away = Embedding { home: "https://example.org/a(b)/", ..plain() };
        assert!(Place::Badge.text(&away).contains("(https://example.org/a%28b%29/#r="));
    }

    #[wasm_bindgen_test]
    fn a_directive_holds_all_of_its_lines() {
        let text = Place::Sphinx.text(&hostile());
        let mut lines = text.lines();
        assert_eq!((lines.next(), lines.next()), (Some(".. raw:: html"), Some("")));
        let lines: Vec<_> = lines.collect();
        assert!(
            lines.len() == 4 && lines.iter().all(|line| line.starts_with("   <") || line.starts_with("     <")),
            "{text}"
        );
        let inside: String = lines.iter().map(|line| format!("{}\n", line.get(3..).expect("indented"))).collect();
        assert_eq!(inside, Place::Book.text(&hostile()));
    }
}
