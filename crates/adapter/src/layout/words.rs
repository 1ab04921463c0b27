//! Finding the dots that kohya's names have lost.
//!
//! `down_blocks_0_attn1_to_out_0` becomes `down_blocks.0.attn1.to_out.0` by cutting it into known words and numbers.
//! No word of a list is made of other words of it, so there is at most one way to cut.

use super::LONGEST_PATH;

/// `path` with dots between its words, or `None` when it cannot be cut into `words` and numbers. A word may hold dots of
/// its own, where one part alone would be mistaken for the beginning of another word.
pub(super) fn dotted(path: &str, words: &[&str]) -> Option<String> {
    if path.len() > LONGEST_PATH {
        return None;
    }
    let digits = path.bytes().take_while(u8::is_ascii_digit).count();
    let number = (digits > 0).then(|| &path[..digits]);
    for word in number.into_iter().chain(words.iter().copied().filter(|w| begins(path, w))) {
        let rest = &path[word.len()..];
        if rest.is_empty() {
            return Some(word.to_owned());
        }
        if let Some(tail) = rest.strip_prefix('_').and_then(|rest| dotted(rest, words)) {
            return Some(format!("{word}.{tail}"));
        }
    }
    None
}

/// Does `path` begin with `word`, underscores standing for the word's dots?
fn begins(path: &str, word: &str) -> bool {
    path.len() >= word.len() && word.bytes().zip(path.bytes()).all(|(w, p)| w == p || (w, p) == (b'.', b'_'))
}

/// Words of paths in diffusers' joint-attention transformers (FLUX.1, Stable Diffusion 3, Qwen-Image).
pub(super) const JOINT_WORDS: &[&str] = &[
    "transformer_blocks",
    "single_transformer_blocks",
    "attn",
    "attn2",
    "to_q",
    "to_k",
    "to_v",
    "to_out",
    "add_q_proj",
    "add_k_proj",
    "add_v_proj",
    "to_add_out",
    "ff",
    "ff_context",
    "net",
    "proj",
    "norm.linear",
    "norm1.linear",
    "norm1_context.linear",
    "norm_out.linear",
    "proj_mlp",
    "proj_out",
    "img_mlp",
    "txt_mlp",
    "img_mod",
    "txt_mod",
    "x_embedder",
    "context_embedder",
    "time_text_embed",
    "timestep_embedder",
    "text_embedder",
    "guidance_embedder",
    "linear_1",
    "linear_2",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::sd::{TEXT_WORDS, UNET_WORDS};
    use crate::layout::sdxl::ORIGINAL_WORDS;

    #[test]
    fn dots_are_found() {
        let find = |p| dotted(p, UNET_WORDS);
        let full = "down_blocks_0_attentions_1_transformer_blocks_0_attn1_to_out_0";
        assert_eq!(find(full).unwrap(), "down_blocks.0.attentions.1.transformer_blocks.0.attn1.to_out.0");
        assert_eq!(find("up_blocks_1_resnets_2_conv_shortcut").unwrap(), "up_blocks.1.resnets.2.conv_shortcut");
        assert_eq!(find("conv_in").unwrap(), "conv_in");
        assert_eq!(find("down_blocks_0_strange"), None);
        assert_eq!(find("down_blocks__0"), None);
        assert_eq!(find("conv_in_"), None);
        assert_eq!(find(""), None);
    }

    #[test]
    fn no_word_is_made_of_others() {
        for words in [UNET_WORDS, TEXT_WORDS, JOINT_WORDS, ORIGINAL_WORDS] {
            for word in words {
                let others: Vec<&str> = words.iter().copied().filter(|w| w != word).collect();
                assert_eq!(dotted(&word.replace('.', "_"), &others), None, "{word} can be cut");
            }
        }
    }
}
