//! A recipe as a part of an address: `1z`, then its canonical JSON, deflated (RFC 1951), in base64url without padding.
//!
//! | begins with | means |
//! |---|---|
//! | `1z` | recipe version 1, deflated |
//! | `1j` | recipe version 1, JSON as it is: for links made by hand |
//!
//! It stands after `#r=` in an address, where no server sees it. Links of older versions are read for ever.

use crate::canonical::canonical;
use crate::recipe::Recipe;
use data_encoding::BASE64URL_NOPAD;
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use rankweave_adapter::{Error, Kind};

/// Most bytes of a recipe in a link, inflated.
const LARGEST: usize = 64 << 10;

/// Effort of the compression, 0 to 10.
const EFFORT: u8 = 10;

impl Recipe {
    /// The part of an address, without `#r=`.
    pub fn link(&self) -> String {
        let text = canonical(&self.normal());
        format!("1z{}", BASE64URL_NOPAD.encode(&compress_to_vec(text.as_bytes(), EFFORT)))
    }

    /// Reads such a part, or an address that has one: `…#r=1z…`, with anything else after `&`.
    ///
    /// # Errors
    /// `Limit` for more than 64 KiB; `Malformed` for what is not a link, was cut or changed; as [`Recipe::parse`].
    pub fn from_link(text: &str) -> Result<Recipe, Vec<Error>> {
        let one = |error: Error| vec![error];
        let json = inflated(payload(text).ok_or_else(|| one(not_a_link(text)))?).map_err(one)?;
        Recipe::parse(&json)
    }

    /// Whether a text can be a link.
    pub fn is_link(text: &str) -> bool {
        payload(text).is_some()
    }
}

/// The part from the version on.
fn payload(text: &str) -> Option<&str> {
    let text = text.trim();
    let own = match text.split_once('#') {
        Some((_, fragment)) => fragment.split('&').find_map(|part| part.strip_prefix("r="))?,
        None => text.strip_prefix("r=").unwrap_or(text),
    };
    let mut letters = own.chars();
    let fits =
        letters.next().is_some_and(|c| c.is_ascii_digit()) && letters.next().is_some_and(|c| c.is_ascii_lowercase());
    let rest = own.get(2..)?;
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (fits && !rest.is_empty() && rest.bytes().all(allowed)).then_some(own)
}

fn inflated(payload: &str) -> Result<String, Error> {
    let (kind, rest) = payload.split_at(2);
    let broken = || {
        Error::new(Kind::Malformed, "The link is damaged").hint(
            "It was cut or changed on its way, as some chat programs do; ask for it again, or for the recipe's JSON.",
        )
    };
    let too_large = || {
        let error = Error::new(Kind::Limit, "The recipe in the link is too large");
        error.expected(format!("at most {LARGEST} bytes")).hint("Ask for its JSON instead.")
    };
    if rest.len() > 2 * LARGEST {
        return Err(too_large());
    }
    let bytes = BASE64URL_NOPAD.decode(rest.as_bytes()).map_err(|_| broken())?;
    let bytes = match kind {
        "1j" => bytes,
        "1z" => decompress_to_vec_with_limit(&bytes, LARGEST).map_err(|error| {
            use miniz_oxide::inflate::TINFLStatus::HasMoreOutput;
            if error.status == HasMoreOutput { too_large() } else { broken() }
        })?,
        _ => {
            return Err(Error::new(Kind::Unsupported, "The link is of a version that is not known here")
                .expected("1z… or 1j…")
                .found(kind)
                .hint("Update Rankweave to use it."));
        }
    };
    if bytes.len() > LARGEST {
        return Err(too_large());
    }
    String::from_utf8(bytes).map_err(|_| broken())
}

fn not_a_link(text: &str) -> Error {
    let shown: String = text.chars().take(40).collect();
    Error::new(Kind::Malformed, "This is not a link with a recipe")
        .expected("an address with #r=1z…")
        .found(shown)
        .hint("Copy the whole address.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::Blocks;
    use serde_json::json;

    fn recipe(count: usize, blocks: usize) -> Recipe {
        let mut recipe = Recipe::blank(count);
        for (i, source) in recipe.sources.iter_mut().enumerate() {
            source.label = Some(format!("{}_style_v{i}.safetensors", ["ink", "neon", "clay", "film"][i % 4]));
            let hash = <sha2::Sha256 as sha2::Digest>::digest([u8::try_from(i).unwrap()]);
            source.data = Some(format!("sha256:{}", data_encoding::HEXLOWER.encode(&hash)));
            source.size = Some(171_969_408 + 1024 * i as u64);
        }
        for (i, entry) in recipe.mix.iter_mut().enumerate() {
            entry.weight = 0.35 + 0.1 * i as f64;
            entry.te = Some(0.0);
            let values = (0..blocks).map(|b| f64::from(u32::try_from((7 * b + 3 * i) % 21).unwrap()) / 20.0);
            entry.blocks =
                (blocks > 0).then(|| Blocks { scheme: "flux1".into(), preset: None, values: Some(values.collect()) });
        }
        recipe.name = Some("Ink wash portrait".into());
        recipe.method.id = "ties".into();
        recipe.method.params.insert("density".into(), json!(0.35));
        recipe.seed = Some(42);
        recipe.output.dtype = "bf16".into();
        recipe
    }

    #[test]
    fn a_link_gives_the_recipe_back() {
        let recipe = recipe(3, 57);
        let link = recipe.link();
        for text in [
            link.clone(),
            format!("https://example.org/x/?a=b#view=blocks&r={link}&theme=dark"),
            format!(" r={link}\n"),
        ] {
            let back = Recipe::from_link(&text).unwrap();
            assert_eq!(canonical(&back), canonical(&recipe.normal()), "{text}");
        }
        let by_hand = BASE64URL_NOPAD.encode(recipe.to_json().as_bytes());
        assert_eq!(Recipe::from_link(&format!("1j{by_hand}")).unwrap(), recipe);
    }

    /// What fits into a message, as the design asks for.
    #[test]
    fn links_are_short() {
        let (two, eight) = (recipe(2, 0).link().len(), recipe(8, 57).link().len());
        assert!(two <= 900 - 40 && eight <= 2200 - 40, "{two} and {eight} characters");
    }

    #[test]
    fn a_text_that_swells_is_refused() {
        let bomb = compress_to_vec(&vec![b' '; 100 << 20], EFFORT);
        assert!(bomb.len() < 2 * LARGEST);
        let error = Recipe::from_link(&format!("1z{}", BASE64URL_NOPAD.encode(&bomb))).unwrap_err();
        assert_eq!(error[0].kind, Kind::Limit);
        let long = "A".repeat(2 * LARGEST + 4);
        assert_eq!(Recipe::from_link(&format!("1z{long}")).unwrap_err()[0].kind, Kind::Limit);
    }

    #[test]
    fn damage_is_told_from_what_is_no_link() {
        let link = recipe(2, 0).link();
        assert_eq!(Recipe::from_link(&link[..link.len() - 9]).unwrap_err()[0].what, "The link is damaged");
        assert_eq!(Recipe::from_link(&link.replacen("1z", "1q", 1)).unwrap_err()[0].kind, Kind::Unsupported);
        assert_eq!(Recipe::from_link(&link.replacen("1z", "2z", 1)).unwrap_err()[0].kind, Kind::Unsupported);
        for other in ["", "1z", "https://example.org/", "https://example.org/#r=", "a.safetensors", "{}", "1zä"] {
            assert!(!Recipe::is_link(other), "{other}");
        }
    }
}
