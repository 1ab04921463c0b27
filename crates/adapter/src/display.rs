//! Names from files, made safe to show.
//!
//! Tensor names, metadata and file labels are written by strangers. Before one is shown, characters that could
//! break a line, hide text or turn its direction around are replaced, and its length is capped.

/// `text` with control, invisible and direction-changing characters replaced by U+FFFD, cut to at most
/// `max` characters (the last one then is an ellipsis).
pub fn clean(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(4 * max));
    for (n, c) in text.chars().enumerate() {
        if n + 1 >= max && text.chars().nth(n + 1).is_some() {
            out.push('…');
            break;
        }
        out.push(if is_deceptive(c) { '\u{FFFD}' } else { c });
    }
    out
}

/// True for characters that change how the text around them is shown.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}'                    // soft hyphen
            | '\u{061C}'                  // Arabic letter mark
            | '\u{115F}' | '\u{1160}'     // Hangul fillers
            | '\u{180E}'                  // Mongolian vowel separator
            | '\u{200B}'..='\u{200F}'     // zero-width characters, direction marks
            | '\u{2028}'..='\u{202E}'     // line and paragraph separators, embeddings, overrides
            | '\u{2060}'..='\u{206F}'     // word joiner, isolates, deprecated formats
            | '\u{FEFF}'                  // byte order mark
            | '\u{FFF9}'..='\u{FFFB}'     // interlinear annotation
            | '\u{E0000}'..='\u{E007F}') // tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_unchanged() {
        assert_eq!(clean("lora_unet_ü漢字.weight", 100), "lora_unet_ü漢字.weight");
    }

    #[test]
    fn bidi_control_and_zero_width_characters_are_replaced() {
        assert_eq!(clean("a\u{202E}b\0c\u{200B}d\ne", 100), "a\u{FFFD}b\u{FFFD}c\u{FFFD}d\u{FFFD}e");
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        assert_eq!(clean("abcdef", 4), "abc…");
        assert_eq!(clean("abcd", 4), "abcd");
        assert_eq!(clean("ääää", 3), "ää…");
        assert_eq!(clean("abc", 0), "…");
    }
}
