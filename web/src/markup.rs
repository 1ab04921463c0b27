//! Text of others inside markup: short enough for its place, without what steers a reader or a program, and with
//! every sign that means something written as a character reference, as in `&lt;`.
//!
//! References are the one escape that HTML, XML, JSX and Markdown all read, and none of them takes for structure.

/// What means something in HTML, XML and JSX; braces also to the programs that fill in Markdown pages.
pub const MARKUP: &str = "&<>\"'{}";

/// What means something in a line of Markdown.
pub const MARKDOWN: &str = "&<>\"'{}\\`*_[]!|~$:@#";

/// The text with those signs as references, without control characters, as one line.
pub fn escaped(text: &str, signs: &str) -> String {
    let mut told = String::new();
    for c in plain(text).chars() {
        if !signs.bytes().any(|sign| char::from(sign) == c) {
            told.push(c);
            continue;
        }
        match c {
            '&' => told += "&amp;",
            '<' => told += "&lt;",
            '>' => told += "&gt;",
            '"' => told += "&quot;",
            other => {
                told += "&#";
                told += &u32::from(other).to_string();
                told.push(';');
            }
        }
    }
    told
}

/// One line, without control characters, changes of direction, and what is no character.
pub fn plain(text: &str) -> String {
    let turns =
        |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let none = |c: char| u32::from(c) & 0xfffe == 0xfffe || c == '\u{feff}';
    let mut told = String::new();
    for c in text.chars() {
        if c.is_whitespace() {
            if !told.ends_with(' ') && !told.is_empty() {
                told.push(' ');
            }
        } else if !c.is_control() && !turns(c) && !none(c) {
            told.push(c);
        }
    }
    told.truncate(told.trim_end().len());
    told
}

/// As much of a text as is about `most` small letters wide, with `…` where something is missing.
pub fn cut(text: &str, most: u32) -> String {
    let text = plain(text);
    let (mut wide, mut fits) = (0, 0);
    for (at, c) in text.char_indices() {
        wide += tenths(c);
        if wide > 10 * most {
            let told = text.get(..fits).unwrap_or_default().trim_end();
            return format!("{told}…");
        }
        // What follows must leave room for the dots.
        if wide + tenths('…') <= 10 * most {
            fits = at + c.len_utf8();
        }
    }
    text
}

/// How wide a character is drawn, in tenths of a small letter: no less than in most typefaces.
fn tenths(c: char) -> u32 {
    match c {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 6,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' => 17,
        'A'..='Z' | '_' | '&' | '+' | '=' | '<' | '>' => 13,
        // Chinese, Japanese, Korean, and pictures.
        '\u{1100}'.. => 20,
        _ => 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test]
    fn what_means_something_becomes_a_reference() {
        assert_eq!(escaped("a<b> & \"c\"", MARKUP), "a&lt;b&gt; &amp; &quot;c&quot;");
        assert_eq!(escaped("[x](y) *z*", MARKDOWN), "&#91;x&#93;(y) &#42;z&#42;");
        assert_eq!(escaped("plain, 1.0 (ä)", MARKDOWN), "plain, 1.0 (ä)");
    }

    #[wasm_bindgen_test]
    fn nothing_steers_a_reader() {
        assert_eq!(plain("  a\u{0}b\u{1b}[31m\r\n\n c\t\u{202e}d\u{ffff}\u{85}"), "ab[31m c d");
        assert_eq!(plain("\u{200e}\n"), "");
    }

    #[wasm_bindgen_test]
    fn a_text_is_cut_where_its_place_ends() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abcd…");
        assert_eq!(cut("日本語の名前", 6), "日本…");
        assert_eq!(cut("iiiiiiiiii", 6), "iiiiiiiiii");
        assert_eq!(cut("ab   cdefghi", 4), "ab…");
        assert_eq!(cut("", 4), "");
    }
}
