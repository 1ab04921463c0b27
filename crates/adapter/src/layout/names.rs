//! Names of one family in two spellings: the original one (BFL, sgm, Comfy, the authors' code) and the native one
//! (diffusers, transformers), and their dots.
//!
//! Most modules map one to one. Some originals are fused: one weight whose rows are those of several native modules,
//! one after the other. Only names and numbers of rows are told here; what becomes of the factors is decided elsewhere.
//!
//! | | original | native |
//! |---|---|---|
//! | renamed | `input_blocks.4.1.proj_in` | `down_blocks.1.attentions.0.proj_in` |
//! | renamed | `double_blocks.3.img_attn.proj` | `transformer_blocks.3.attn.to_out.0` |
//! | halves of the rows swapped | `final_layer.adaLN_modulation.1` | `norm_out.linear` |
//! | fused | `double_blocks.3.img_attn.qkv` | `….to_q`, `….to_k`, `….to_v`, one below the other |
//! | fused, saved in parts | `double_blocks.3.img_attn.qkv.1` | `transformer_blocks.3.attn.to_k` |

use super::family::{Layout, Rows, Slots};
use super::{LONGEST_PATH, from_original_unet, layout, sdxl};

/// A module's name in the other spelling, and what becomes of the rows of its weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renamed {
    /// The dotted path in the other spelling.
    pub path: String,
    /// What becomes of the rows.
    pub rows: Rows,
}

/// A fused module and its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fusion {
    /// Dotted path of the whole, in the original spelling.
    pub whole: String,
    /// Native paths of the parts and their numbers of rows, from the top; together they are the rows of the whole.
    pub parts: Vec<(String, usize)>,
}

/// Where a module belongs in a fused one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartOf {
    /// Dotted path of the whole, in the original spelling.
    pub whole: String,
    /// Which part it is, from 0.
    pub index: usize,
    /// Native paths of all parts, from the top.
    pub parts: Vec<String>,
}

/// The prefix of a second expert's modules, kept in both spellings.
const SECOND: &str = "transformer_2.";

/// The native name of a module of `family`, when it has another one in the original spelling and `path` (dotted or
/// with underscores) is that. A part of a fused module that is saved apart (`….qkv.0`) gets the part's name. `None` for
/// native, fused and unknown names, which stay as they are.
pub fn to_native(family: &str, path: &str) -> Option<Renamed> {
    let (layout, second, path) = known(family, path)?;
    if let Slots::Unet(_) = layout.slots {
        return from_original_unet(path).map(|path| Renamed { path, rows: Rows::Same });
    }
    let paired = layout.pairs.iter().find_map(|pair| {
        let found = capture(pair.original, path)?;
        Some(Renamed { path: found.fill(second, pair.native), rows: pair.rows })
    });
    paired.or_else(|| {
        let digit = path.bytes().last().filter(u8::is_ascii_digit)?;
        let whole = path[..path.len() - 1].strip_suffix(['.', '_'])?;
        layout.fusions.iter().find_map(|fused| {
            let part = fused.parts.get(usize::from(digit - b'0'))?;
            Some(Renamed { path: capture(fused.whole, whole)?.fill(second, part), rows: Rows::Same })
        })
    })
}

/// The original name of a module of `family`, when it has one of its own and `path` (dotted or with underscores) is
/// its native name. `None` for original and unknown names, which stay as they are, and for parts of fused modules, which
/// have none ([`fusion_of_part`]).
pub fn from_native(family: &str, path: &str) -> Option<Renamed> {
    let (layout, second, path) = known(family, path)?;
    if let Slots::Unet(stages) = layout.slots {
        return sdxl::original_dotted(path, stages.len()).map(|path| Renamed { path, rows: Rows::Same });
    }
    layout.pairs.iter().find_map(|pair| {
        let found = capture(pair.native, path)?;
        Some(Renamed { path: found.fill(second, pair.original), rows: pair.rows })
    })
}

/// The name of a module of `family` in the original model, whichever spelling `path` (dotted or with underscores) is
/// of. `None` for unknown names, and for parts of fused modules that lie elsewhere in the original model.
pub fn original_name(family: &str, path: &str) -> Option<String> {
    if let Some(found) = from_native(family, path) {
        return Some(found.path);
    }
    let (layout, second, rest) = known(family, path)?;
    if let Slots::Unet(_) = layout.slots {
        return None;
    }
    let dotted = format!("{second}{}", dotted(layout, &rest.replace('.', "_"))?);
    // Some programs keep the parts apart in the original model's blocks.
    let block = |path: &str| path.rsplit_once('.').map(|(block, _)| block.to_owned());
    let moved = fusion_of_part(family, &dotted).is_some_and(|part| block(&part.whole) != block(&dotted));
    (!moved).then_some(dotted)
}

/// Is the module at `path` (dotted or with underscores) several modules in the native spelling, going by its name?
pub fn is_fused(family: &str, path: &str) -> bool {
    let fused = |(layout, _, path): (&'static Layout, _, &str)| {
        layout.fusions.iter().any(|fused| capture(fused.whole, path).is_some())
    };
    known(family, path).is_some_and(fused)
}

/// The parts of the fused module at `path` (dotted or with underscores), whose weight is `out×inp`. `None` when it is
/// not fused, or when the shape does not say where one part ends: grouped attention of a language model, or another
/// model under the same names.
pub fn fusion_of_whole(family: &str, path: &str, out: usize, inp: usize) -> Option<Fusion> {
    let (layout, second, path) = known(family, path)?;
    layout.fusions.iter().find_map(|fused| {
        let found = capture(fused.whole, path)?;
        let rows = fused.split.rows(out, inp)?;
        let parts = fused.parts.iter().map(|part| found.fill(second, part)).zip(rows).collect();
        Some(Fusion { whole: found.fill(second, fused.whole), parts })
    })
}

/// Where the module at `path` (dotted or with underscores, native) belongs in a fused module of the original spelling;
/// `None` when it belongs in none.
pub fn fusion_of_part(family: &str, path: &str) -> Option<PartOf> {
    let (layout, second, path) = known(family, path)?;
    layout.fusions.iter().find_map(|fused| {
        let find = |(index, part): (usize, &&str)| Some((index, capture(part, path)?));
        let (index, found) = fused.parts.iter().enumerate().find_map(find)?;
        let parts = fused.parts.iter().map(|part| found.fill(second, part)).collect();
        Some(PartOf { whole: found.fill(second, fused.whole), index, parts })
    })
}

/// The dotted path, in its own spelling, of a path with underscores, when the family knows the module.
pub(super) fn dotted(layout: &Layout, path: &str) -> Option<String> {
    let pairs = layout.pairs.iter().flat_map(|pair| [pair.original, pair.native]);
    let fused = layout.fusions.iter().flat_map(|f| f.parts.iter().copied().chain([f.whole]));
    let mut names = pairs.chain(fused).chain(layout.alike.iter().copied());
    let (second, path) = path.strip_prefix("transformer_2_").map_or(("", path), |rest| (SECOND, rest));
    names.find_map(|pattern| Some(capture(pattern, path)?.fill(second, pattern)))
}

/// The layout, the second expert's prefix where there is one, and the rest of the path.
fn known<'a>(family: &str, path: &'a str) -> Option<(&'static Layout, &'static str, &'a str)> {
    let layout = layout(family).filter(|_| path.len() <= LONGEST_PATH)?;
    let rest = path.strip_prefix(SECOND).or_else(|| path.strip_prefix("transformer_2_"));
    Some((layout, if rest.is_some() { SECOND } else { "" }, rest.unwrap_or(path)))
}

/// What stood for the `*` and the `#`s of a pattern.
struct Found<'a> {
    before: &'a str,
    numbers: [&'a str; 2],
}

impl Found<'_> {
    /// `pattern` with what was found in place of its `*` and `#`s, behind `prefix`.
    fn fill(&self, prefix: &str, pattern: &str) -> String {
        let mut out = String::with_capacity(prefix.len() + self.before.len() + pattern.len() + 8);
        out.push_str(prefix);
        let mut numbers = self.numbers.iter();
        for c in pattern.chars() {
            match c {
                '*' => out.push_str(self.before),
                '#' => out.push_str(numbers.next().copied().unwrap_or_default()),
                c => out.push(c),
            }
        }
        out
    }
}

/// Matches a whole path against a pattern: `#` is a number of up to four digits, a `*` at the beginning anything that
/// ends where a name ends. When the path has no dots, its underscores stand for them.
fn capture<'a>(pattern: &str, path: &'a str) -> Option<Found<'a>> {
    let flat = !path.contains('.');
    let same = |p: u8, c: u8| p == c || flat && (p, c) == (b'.', b'_');
    let mut found = Found { before: "", numbers: [""; 2] };
    let (mut rest, mut pattern) = (path, pattern);
    if let Some(tail) = pattern.strip_prefix('*') {
        let at = path.len().checked_sub(tail.len()).filter(|at| path.is_char_boundary(*at))?;
        (found.before, rest) = path.split_at(at);
        let whole_name = found.before.bytes().last().is_none_or(|c| same(b'.', c));
        return (whole_name && rest.bytes().zip(tail.bytes()).all(|(c, p)| same(p, c))).then_some(found);
    }
    let mut next = 0;
    while let Some(&p) = pattern.as_bytes().first() {
        pattern = &pattern[1..];
        if p == b'#' {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            *found.numbers.get_mut(next)? = rest.get(..digits).filter(|n| (1..=4).contains(&n.len()))?;
            next += 1;
            rest = &rest[digits..];
        } else {
            let c = *rest.as_bytes().first()?;
            rest = rest.get(1..).filter(|_| same(p, c))?;
        }
    }
    rest.is_empty().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::LAYOUTS;

    #[test]
    fn what_stands_for_a_sign_is_kept() {
        let found = capture("a.#.b.#.c", "a.07.b.12.c").unwrap();
        assert_eq!(found.fill("", "x.#.y.#"), "x.07.y.12");
        assert!(capture("a.#.b", "a_3_b").is_some(), "underscores stand for dots");
        assert!(capture("a.#.b", "a_3.b").is_none(), "but not beside dots");
        assert!(capture("a_b", "a.b").is_none());
        let found = capture("*mlp.up", "model.layers.0.mlp.up").unwrap();
        assert_eq!(found.fill("", "*mlp.gate"), "model.layers.0.mlp.gate");
        assert!(capture("*mlp.up", "mlp.up").is_some() && capture("*mlp.up", "amlp.up").is_none());
        for odd in ["", "a", "a.", "a.x.b", "a.12345.b", "a.1.bb", "é.1.b", "a.1.é", "a.1.b.", "π"] {
            assert!(capture("a.#.b", odd).is_none() && capture("*ab", odd).is_none(), "{odd}");
        }
    }

    /// All names of a layout, with 7, 8 for the numbers and `model.` for anything.
    fn names(layout: &Layout) -> Vec<String> {
        let pairs = layout.pairs.iter().flat_map(|p| [p.original, p.native]);
        let fused = layout.fusions.iter().flat_map(|f| f.parts.iter().copied().chain([f.whole]));
        let all = pairs.chain(fused).chain(layout.alike.iter().copied());
        let sample = Found { before: "model.", numbers: ["7", "8"] };
        all.map(|pattern| sample.fill("", pattern)).collect()
    }

    #[test]
    fn no_two_names_of_a_family_look_alike_without_dots() {
        for layout in LAYOUTS {
            for name in names(layout) {
                let flat = name.replace('.', "_");
                let found = dotted(layout, &flat).unwrap_or_else(|| panic!("{} {name}", layout.id));
                // Prefixes of language models keep their underscores.
                assert_eq!(found.replace("model_", "model."), name, "{}", layout.id);
            }
        }
    }

    #[test]
    fn names_map_there_and_back_and_never_twice() {
        for layout in LAYOUTS {
            for pair in layout.pairs {
                let sample = Found { before: "", numbers: ["7", "8"] };
                let (original, native) = (sample.fill("", pair.original), sample.fill("", pair.native));
                let there = to_native(layout.id, &original).unwrap();
                assert_eq!((&there.path, there.rows), (&native, pair.rows), "{}", layout.id);
                assert_eq!(from_native(layout.id, &native).unwrap().path, original, "{}", layout.id);
                assert_eq!(to_native(layout.id, &native), None, "{} {native}", layout.id);
                assert_eq!(from_native(layout.id, &original), None, "{} {original}", layout.id);
                assert!(fusion_of_part(layout.id, &native).is_none(), "{} {native}", layout.id);
            }
            let mut all = names(layout);
            let count = all.len();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), count, "{} lists a name twice", layout.id);
        }
    }
}
